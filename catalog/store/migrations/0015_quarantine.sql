-- Counting a quarantine of millions, and trying its records again.

ALTER TABLE kakehashi.quarantine
    ADD COLUMN kind text NOT NULL DEFAULT 'item'; -- what the record describes: item, collection, tombstone
CREATE INDEX quarantine_last_seen_idx ON kakehashi.quarantine (source, last_seen, digest);

-- How many records are held, known without counting them. Whoever adds or takes out records adds a row to
-- quarantine_change, so that nobody waits for anybody; what stands there is folded into quarantine_count
-- now and then, and readers add both up.
CREATE TABLE kakehashi.quarantine_count (
    source text NOT NULL,
    collection text NOT NULL, -- '' where the record does not say
    code text NOT NULL,
    records bigint NOT NULL,
    last_seen timestamptz NOT NULL, -- when the last one was refused
    PRIMARY KEY (source, collection, code)
);
CREATE TABLE kakehashi.quarantine_change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    collection text NOT NULL,
    code text NOT NULL,
    records bigint NOT NULL,
    last_seen timestamptz NOT NULL
);
INSERT INTO kakehashi.quarantine_count (source, collection, code, records, last_seen)
SELECT source, coalesce(collection, ''), code, count(*), max(last_seen)
FROM kakehashi.quarantine GROUP BY 1, 2, 3;

CREATE FUNCTION kakehashi.count_quarantined() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO kakehashi.quarantine_change (source, collection, code, records, last_seen)
    SELECT source, coalesce(collection, ''), code, count(*), max(last_seen) FROM came GROUP BY 1, 2, 3;
    RETURN NULL;
END;
$$;
CREATE FUNCTION kakehashi.uncount_quarantined() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO kakehashi.quarantine_change (source, collection, code, records, last_seen)
    SELECT source, coalesce(collection, ''), code, -count(*), max(last_seen) FROM went GROUP BY 1, 2, 3;
    RETURN NULL;
END;
$$;
CREATE FUNCTION kakehashi.recount_quarantined() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO kakehashi.quarantine_change (source, collection, code, records, last_seen)
    SELECT source, coalesce(collection, ''), code, sum(records), max(last_seen)
    FROM (
        SELECT source, collection, code, 1 AS records, last_seen FROM came
        UNION ALL
        SELECT source, collection, code, -1, last_seen FROM went
    ) AS changed
    GROUP BY 1, 2, 3;
    RETURN NULL;
END;
$$;
CREATE TRIGGER quarantine_insert AFTER INSERT ON kakehashi.quarantine
REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION kakehashi.count_quarantined();
CREATE TRIGGER quarantine_update AFTER UPDATE ON kakehashi.quarantine
REFERENCING NEW TABLE AS came OLD TABLE AS went
FOR EACH STATEMENT EXECUTE FUNCTION kakehashi.recount_quarantined();
CREATE TRIGGER quarantine_delete AFTER DELETE ON kakehashi.quarantine
REFERENCING OLD TABLE AS went FOR EACH STATEMENT EXECUTE FUNCTION kakehashi.uncount_quarantined();

-- Comparisons whose result was not applied: an operator has to look at them.
CREATE INDEX harvest_window_refused_idx ON kakehashi.harvest_window (source, collection)
    WHERE state = 'refused';
