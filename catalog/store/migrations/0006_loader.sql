-- What the loader needs: partitions that are made without stopping readers, and a mark on each row that
-- tells what it was loaded from.

-- pgstac's own way to make a partition (`check_partition`) stops every reader: it takes the strongest lock on
-- the table of all items, and holds it until the load commits. Here a table is made on its own and attached,
-- which readers do not notice; its constraint is wide enough that loads hardly ever have to widen it.
--
-- Called by pgstac_ingest, owned by pgstac_admin like the partitions themselves.

-- Make sure that items of a collection have a partition to go to; return what that partition takes.
--
-- _starts and _ends: the times of the items, of one partition; the end of an item is never before its start.
-- A partition that has to be widened is left with a constraint that is enforced but not yet proven for what is
-- there (is_proven = false): `prove_partition` does that, in a transaction of its own.
CREATE FUNCTION kakehashi.prepare_partition(_collection text, _starts tstzrange, _ends tstzrange)
RETURNS TABLE (
    partition text, bound tstzrange, takes_starts tstzrange, takes_ends tstzrange, is_proven boolean,
    seen_starts tstzrange, seen_ends tstzrange,
    west double precision, south double precision, east double precision, north double precision
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pgstac, public, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO, YMD'
-- A reader waits behind whoever waits for a lock that excludes readers: so nobody here waits long.
SET lock_timeout = '50ms'
AS $$
DECLARE
    _key bigint;
    _trunc text;
    _tree text;
BEGIN
    SELECT key, partition_trunc INTO _key, _trunc FROM collections WHERE id = _collection;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no collection %', _collection USING ERRCODE = 'foreign_key_violation';
    END IF;
    _tree := format('_items_%s', _key);
    SELECT p.partition_name, p.partition_range INTO partition, bound FROM partition_name(_collection, lower(_starts)) AS p;
    IF to_regclass(format('pgstac.%I', partition)) IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext('kakehashi partition'), hashtext(_collection));
        SELECT w.starts, w.ends INTO takes_starts, takes_ends FROM kakehashi.widened(bound, _starts, _ends) AS w;
        IF to_regclass(format('pgstac.%I', partition)) IS NULL THEN
            IF _trunc IS NOT NULL AND to_regclass(format('pgstac.%I', _tree)) IS NULL THEN
                EXECUTE format(
                    'CREATE TABLE %1$I (LIKE items INCLUDING STORAGE INCLUDING COMPRESSION) PARTITION BY RANGE (datetime);
                     ALTER TABLE items ATTACH PARTITION %1$I FOR VALUES IN (%2$L)',
                    _tree, _collection
                );
            END IF;
            EXECUTE format(
                'CREATE TABLE %1$I (LIKE items INCLUDING STORAGE INCLUDING COMPRESSION, CONSTRAINT %2$I CHECK (%3$s));
                 CREATE UNIQUE INDEX %4$I ON %1$I (id);
                 GRANT ALL ON %1$I TO pgstac_ingest',
                partition, partition || '_dt', kakehashi.time_check(takes_starts, takes_ends), partition || '_pk'
            );
            IF _trunc IS NULL THEN
                EXECUTE format('ALTER TABLE items ATTACH PARTITION %I FOR VALUES IN (%L)', partition, _collection);
            ELSE
                EXECUTE format(
                    'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                    _tree, partition, lower(bound), upper(bound)
                );
            END IF;
            -- pgstac's search finds partitions here.
            INSERT INTO partition_stats (partition, collection, partition_dtrange)
            VALUES (prepare_partition.partition, _collection, bound)
            ON CONFLICT ON CONSTRAINT partition_stats_pkey DO UPDATE SET
                collection = excluded.collection, partition_dtrange = excluded.partition_dtrange,
                dtrange = NULL, edtrange = NULL, spatial = NULL;
            -- Indexes that an administrator asked for. It looks through all queryables, so only if there are any.
            IF EXISTS (SELECT FROM queryables WHERE property_index_type IS NOT NULL) THEN
                PERFORM maintain_partitions(partition);
            END IF;
        END IF;
    END IF;

    SELECT m.constraint_dtrange, m.constraint_edtrange INTO takes_starts, takes_ends
    FROM partition_catalog_meta(partition) AS m;
    IF takes_starts IS NULL THEN
        RAISE EXCEPTION '% is in the way of a partition of collection %', partition, _collection
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF NOT (takes_starts @> _starts AND takes_ends @> _ends) THEN
        PERFORM pg_advisory_xact_lock(hashtext('kakehashi partition'), hashtext(_collection));
        SELECT w.starts, w.ends INTO takes_starts, takes_ends
        FROM kakehashi.widened(bound, range_merge(takes_starts, _starts), range_merge(takes_ends, _ends)) AS w;
        PERFORM drop_table_constraints(partition);
        EXECUTE format(
            'ALTER TABLE %I ADD CONSTRAINT %I CHECK (%s) NOT VALID',
            partition, partition || '_dt', kakehashi.time_check(takes_starts, takes_ends)
        );
    END IF;
    is_proven := NOT EXISTS (
        SELECT FROM pg_constraint
        WHERE conrelid = to_regclass(format('pgstac.%I', partition)) AND contype = 'c' AND NOT convalidated
    );
    SELECT s.dtrange, s.edtrange, ST_XMin(s.spatial), ST_YMin(s.spatial), ST_XMax(s.spatial), ST_YMax(s.spatial)
    INTO seen_starts, seen_ends, west, south, east, north
    FROM partition_stats AS s WHERE s.partition = prepare_partition.partition;
    RETURN NEXT;
END;
$$;

-- How wide a partition's constraint is made, so that it need not be touched again soon: for a month or a year
-- the whole of it, and ends up to 1, 2, 4 ... days after it; for a partition of all times, whole years.
CREATE FUNCTION kakehashi.widened(_bound tstzrange, _starts tstzrange, _ends tstzrange, OUT starts tstzrange, OUT ends tstzrange)
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    _days int := 1;
BEGIN
    IF isfinite(lower(_bound)) AND isfinite(upper(_bound)) THEN
        starts := tstzrange(lower(_bound), upper(_bound), '[]');
        WHILE upper(_bound) + make_interval(days => _days) < upper(_ends) LOOP
            _days := _days * 2;
        END LOOP;
        ends := tstzrange(lower(_bound), upper(_bound) + make_interval(days => _days), '[]');
    ELSE
        starts := tstzrange(date_trunc('year', lower(_starts)), date_trunc('year', upper(_starts)) + interval '1 year', '[]');
        ends := tstzrange(date_trunc('year', lower(_ends)), date_trunc('year', upper(_ends)) + interval '1 year', '[]');
    END IF;
END;
$$;

-- A constraint in the form that pgstac reads and writes.
CREATE FUNCTION kakehashi.time_check(_starts tstzrange, _ends tstzrange) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO, YMD'
RETURN concat_ws(' AND ',
    format('(datetime >= %L)', nullif(lower(_starts), '-infinity')), format('(datetime <= %L)', nullif(upper(_starts), 'infinity')),
    format('(end_datetime >= %L)', nullif(lower(_ends), '-infinity')), format('(end_datetime <= %L)', nullif(upper(_ends), 'infinity'))
);

-- Prove a widened constraint for the rows that are there, so that searches may rely on it. Stops nobody.
CREATE FUNCTION kakehashi.prove_partition(_partition text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pgstac, public, pg_temp
AS $$
DECLARE
    _name text;
BEGIN
    IF NOT EXISTS (SELECT FROM partition_catalog_meta(_partition)) THEN
        RETURN; -- it is gone, or no partition of items
    END IF;
    FOR _name IN
        SELECT conname FROM pg_constraint
        WHERE conrelid = partition_oid(_partition) AND contype = 'c' AND NOT convalidated
    LOOP
        EXECUTE format('ALTER TABLE pgstac.%I VALIDATE CONSTRAINT %I', get_partition_name(partition_oid(_partition)), _name);
    END LOOP;
END;
$$;

REVOKE ALL ON FUNCTION
    kakehashi.prepare_partition(text, tstzrange, tstzrange), kakehashi.prove_partition(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    kakehashi.prepare_partition(text, tstzrange, tstzrange), kakehashi.prove_partition(text)
TO kakehashi_ingest;

-- A row's `private` tells of which record of which source it was made ({"kakehashi": {source: digest}}), so
-- that a record that comes again unchanged costs no more than a look. Whoever changes a row and says nothing of
-- that (pypgstac's upsert, SQL) takes the mark away with it: the row is then compared by its content.
CREATE FUNCTION kakehashi.forget_digest() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.private := nullif(NEW.private - 'kakehashi', '{}');
    RETURN NEW;
END;
$$;
CREATE TRIGGER kakehashi_forget_digest BEFORE UPDATE ON pgstac.items
FOR EACH ROW WHEN (OLD.private IS NOT NULL AND NEW.private IS NOT DISTINCT FROM OLD.private)
EXECUTE FUNCTION kakehashi.forget_digest();

-- Ownership can only be given to a role that may create in the schema.
GRANT USAGE, CREATE ON SCHEMA kakehashi TO pgstac_admin;
ALTER FUNCTION kakehashi.prepare_partition(text, tstzrange, tstzrange) OWNER TO pgstac_admin;
ALTER FUNCTION kakehashi.prove_partition(text) OWNER TO pgstac_admin;
REVOKE CREATE ON SCHEMA kakehashi FROM pgstac_admin;
