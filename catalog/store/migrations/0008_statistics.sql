-- What each collection holds, known without counting: catalog/store/statistics.py tells how it is kept.

-- What a transaction that wrote items did, one row per source and collection. Rows are only ever added
-- by those who write items, so that no two of them wait for each other; they are folded into the two
-- tables below, and taken out here, by whoever comes next.
CREATE TABLE kakehashi.item_change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    source text NOT NULL, -- '' where items come from no upstream of ours
    collection text NOT NULL REFERENCES pgstac.collections (id) ON DELETE CASCADE ON UPDATE CASCADE,
    inserted bigint NOT NULL,
    updated bigint NOT NULL,
    deleted bigint NOT NULL,
    oldest timestamptz, -- of the items that were written: earliest start
    newest timestamptz, -- latest start
    latest_end timestamptz,
    west double precision, -- box around their footprints, degrees
    south double precision,
    east double precision,
    north double precision,
    observed jsonb NOT NULL -- what they add to the collection's summaries: catalog/observed.py
);
CREATE INDEX item_change_collection_idx ON kakehashi.item_change (collection);

-- What a collection held when its changes were folded last. No row: it was never counted.
CREATE TABLE kakehashi.collection_statistics (
    collection text PRIMARY KEY REFERENCES pgstac.collections (id) ON DELETE CASCADE ON UPDATE CASCADE,
    items bigint NOT NULL,
    oldest timestamptz,
    newest timestamptz,
    latest_end timestamptz,
    west double precision,
    south double precision,
    east double precision,
    north double precision,
    observed jsonb NOT NULL,
    changed_at timestamptz, -- last change that we know of
    counted_at timestamptz NOT NULL, -- when all of this was counted rather than added up
    -- PostgreSQL's own counters of written rows, less `items`, at that time: it stays the same as long as
    -- whoever writes items tells so in item_change.
    uncounted bigint NOT NULL,
    -- Items were deleted or replaced since, so time, box and summaries may be wider than what is left.
    may_be_wide boolean NOT NULL
);

-- What each source did to each collection, by day (UTC).
CREATE TABLE kakehashi.source_activity (
    source text NOT NULL,
    collection text NOT NULL REFERENCES pgstac.collections (id) ON DELETE CASCADE ON UPDATE CASCADE,
    day date NOT NULL,
    inserted bigint NOT NULL,
    updated bigint NOT NULL,
    deleted bigint NOT NULL,
    newest timestamptz, -- latest start of the items that were written on that day
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (source, collection, day)
);
CREATE INDEX source_activity_collection_idx ON kakehashi.source_activity (collection);
