-- What upstreams deleted, so that it is known why an item is gone.
CREATE TABLE kakehashi.tombstone (
    source text NOT NULL,
    collection text NOT NULL,
    id text NOT NULL, -- of the item
    native_id text NOT NULL, -- the upstream's own: two records may have made the same item
    deleted_at timestamptz NOT NULL, -- by the upstream
    reason text, -- as the upstream gives it
    noted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, collection, id, native_id)
);
CREATE INDEX tombstone_deleted_at_idx ON kakehashi.tombstone (source, deleted_at);
