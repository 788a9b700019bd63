-- The standing harvest: its windows, how far it follows the present, and how it treats each upstream.

-- A window is a unit of work: one collection of one source, one slice of time. It is done in the very
-- transaction that commits its last items, so that what is done is there and what is there may be done again.
CREATE TABLE kakehashi.harvest_window (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    collection text NOT NULL, -- '*': all that the source has
    kind text NOT NULL CHECK (kind IN ('backfill', 'follow', 'deletions', 'reconcile')),
    -- Which time the slice is of: of acquisition, of change at the upstream, of deletion there.
    basis text NOT NULL CHECK (basis IN ('acquired', 'changed', 'deleted')),
    window_start timestamptz NOT NULL,
    window_end timestamptz NOT NULL, -- not part of it
    bbox double precision[], -- west, south, east, north in degrees; null: everywhere
    state text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'running', 'done', 'failed', 'split', 'refused')),
    priority int NOT NULL DEFAULT 0, -- the highest first
    is_planned boolean NOT NULL DEFAULT true, -- false: the plan does not name it any more
    options jsonb NOT NULL DEFAULT '{}', -- what the kind needs beside, such as the guard of a reconciliation
    parent bigint REFERENCES kakehashi.harvest_window (id) ON DELETE SET NULL, -- which was split
    attempts int NOT NULL DEFAULT 0, -- begun; also the mark by which a worker knows that the window is still its own
    failures int NOT NULL DEFAULT 0, -- in a row
    not_before timestamptz NOT NULL DEFAULT now(),
    worker text, -- host and process that has or had it
    pages bigint NOT NULL DEFAULT 0,
    records bigint NOT NULL DEFAULT 0,
    inserted bigint NOT NULL DEFAULT 0,
    updated bigint NOT NULL DEFAULT 0,
    unchanged bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    deleted bigint NOT NULL DEFAULT 0,
    upstream_count bigint, -- how many records the upstream says match; null: it does not say
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz, -- of the last attempt, however it ended
    CHECK (window_start < window_end),
    CHECK (bbox IS NULL OR cardinality(bbox) = 4),
    UNIQUE NULLS NOT DISTINCT (source, collection, kind, basis, bbox, window_start, window_end)
);
CREATE INDEX harvest_window_due_idx ON kakehashi.harvest_window (source, priority DESC, window_start DESC)
    WHERE state IN ('pending', 'failed');
CREATE INDEX harvest_window_running_idx ON kakehashi.harvest_window (source) WHERE state = 'running';
CREATE INDEX harvest_window_done_idx ON kakehashi.harvest_window (source, collection, finished_at DESC)
    WHERE state = 'done';

-- How far the present is followed: everything of a collection before `until` is committed.
CREATE TABLE kakehashi.harvest_cursor (
    source text NOT NULL,
    collection text NOT NULL,
    basis text NOT NULL CHECK (basis IN ('acquired', 'changed', 'deleted')),
    until timestamptz NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, collection, basis)
);
INSERT INTO kakehashi.harvest_cursor (source, collection, basis, until, moved_at)
SELECT source, collection, 'acquired', until, moved_at FROM kakehashi.watermark;

-- How all workers together treat one upstream: a row that hands out the moments at which requests may start.
CREATE TABLE kakehashi.harvest_source (
    source text PRIMARY KEY,
    concurrency int NOT NULL DEFAULT 1 CHECK (concurrency > 0), -- windows at once, over all workers
    min_interval_s double precision NOT NULL DEFAULT 0 CHECK (min_interval_s >= 0), -- between starts of two requests
    next_request timestamptz NOT NULL DEFAULT now(),
    paused_until timestamptz NOT NULL DEFAULT now(), -- after a failure, or because the upstream asked for it
    failures int NOT NULL DEFAULT 0, -- in a row
    last_error text,
    failed_at timestamptz,
    succeeded_at timestamptz
);

-- Tombstones become a log that a consumer can follow: `noted` grows in the order of commits.
CREATE SEQUENCE kakehashi.tombstone_noted_seq;
ALTER TABLE kakehashi.tombstone
    ADD COLUMN noted bigint NOT NULL DEFAULT nextval('kakehashi.tombstone_noted_seq'),
    ADD COLUMN cause text NOT NULL DEFAULT 'feed' CHECK (cause IN ('feed', 'reconcile', 'request')),
    -- Whether an item went out of the catalogue; an upstream also deletes what was never here.
    ADD COLUMN is_removal boolean NOT NULL DEFAULT true;
ALTER SEQUENCE kakehashi.tombstone_noted_seq OWNED BY kakehashi.tombstone.noted;
CREATE UNIQUE INDEX tombstone_noted_idx ON kakehashi.tombstone (noted);
CREATE INDEX tombstone_noted_at_idx ON kakehashi.tombstone (noted_at);

-- Numbers of a sequence are taken before the commit, so without this a reader at number 7 could miss a 6
-- that commits later. Who writes tombstones waits for whoever wrote some before, until that one commits.
CREATE FUNCTION kakehashi.in_order_of_commits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('kakehashi tombstone'), 0);
    RETURN NULL;
END;
$$;
CREATE TRIGGER tombstone_in_order BEFORE INSERT OR UPDATE ON kakehashi.tombstone
    FOR EACH STATEMENT EXECUTE FUNCTION kakehashi.in_order_of_commits();

-- Which of the migrations that the queue (procrastinate, in this schema too) brings along were applied.
CREATE TABLE kakehashi.queue_migration (
    name text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);
REVOKE INSERT, UPDATE, DELETE ON kakehashi.queue_migration FROM kakehashi_ingest;
GRANT USAGE ON SEQUENCE kakehashi.tombstone_noted_seq TO kakehashi_ingest;
