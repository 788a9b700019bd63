-- Up to when the standing job has everything of a collection from a source.
CREATE TABLE kakehashi.watermark (
    source text NOT NULL,
    collection text NOT NULL,
    until timestamptz NOT NULL, -- acquisition time: everything before it is committed
    moved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, collection)
);
