-- The schema of our own: what pgstac has no place for.

-- Records that could not become an item, with the text as the upstream gave it.
CREATE TABLE kakehashi.quarantine (
    source text NOT NULL,
    digest bytea NOT NULL, -- SHA-256 of the native text: the same record is kept once
    native_id text,
    collection text,
    code text NOT NULL, -- short and stable, for counting: no-geometry, bad-datetime ...
    reason text NOT NULL, -- one sentence for a person
    native text NOT NULL,
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz NOT NULL DEFAULT now(),
    times_seen bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (source, digest)
);
CREATE INDEX quarantine_code_idx ON kakehashi.quarantine (source, code);

-- One row per execution of `kakehashi ingest` and its like.
CREATE TABLE kakehashi.run (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    collections text[],
    window_start timestamptz,
    window_end timestamptz,
    started timestamptz NOT NULL DEFAULT now(),
    finished timestamptz,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed')),
    pages bigint NOT NULL DEFAULT 0,
    records bigint NOT NULL DEFAULT 0,
    inserted bigint NOT NULL DEFAULT 0,
    updated bigint NOT NULL DEFAULT 0,
    unchanged bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    error text
);
CREATE INDEX run_source_idx ON kakehashi.run (source, started DESC);

-- Titles, descriptions and keywords of collections in languages other than the one that is stored in
-- pgstac.collections (English).
CREATE TABLE kakehashi.collection_translation (
    collection text NOT NULL REFERENCES pgstac.collections (id) ON DELETE CASCADE ON UPDATE CASCADE,
    language text NOT NULL, -- RFC 5646 tag: ja
    content jsonb NOT NULL, -- {"title", "description", "keywords"}
    PRIMARY KEY (collection, language)
);

-- Fingerprints of what was loaded from files of ours, so that an unchanged file is not loaded again.
CREATE TABLE kakehashi.loaded (
    name text PRIMARY KEY,
    fingerprint text NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now()
);

-- Small secrets that all processes on this database share, such as the key that signs page tokens.
CREATE TABLE kakehashi.secret (
    name text PRIMARY KEY,
    value bytea NOT NULL
);
INSERT INTO kakehashi.secret (name, value)
VALUES ('page-token', decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));
