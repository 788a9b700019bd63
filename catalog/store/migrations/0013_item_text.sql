-- Free text of items, in terms of `free_text`.

-- What an item says of itself beside its id, which has an index already. Most items say nothing: the index
-- holds only those that do, and costs the others next to nothing when they are loaded.
CREATE FUNCTION kakehashi.has_item_text(content jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT content -> 'properties' ?| '{title,description,keywords}'::text[]
$$;
CREATE FUNCTION kakehashi.item_words(content jsonb) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT kakehashi.text_words(concat_ws(U&'\2029', content #>> '{properties,title}',
        content #>> '{properties,description}', kakehashi.json_strings(content #> '{properties,keywords}')))
$$;
-- Whoever writes items, with whatever tool, keeps the index; tables of ours have their own grants.
GRANT USAGE ON SCHEMA kakehashi TO PUBLIC;
CREATE INDEX items_words_idx ON pgstac.items USING gin (kakehashi.item_words(content))
WHERE kakehashi.has_item_text(content);
-- pgstac keeps of the indexes of a partition those that this table has too (queryable_indexes).
CREATE INDEX queryable_index_template_words_idx ON pgstac.queryable_index_template
USING gin (kakehashi.item_words(content)) WHERE kakehashi.has_item_text(content);

-- Collections some of whose items say something of themselves: those whose part of the index is not empty.
-- An empty GIN index has two pages, and gets a third with its first entry; one that was built over items
-- knows how many there were.
CREATE VIEW kakehashi.collection_with_item_text AS
SELECT DISTINCT stats.collection
FROM pg_partition_tree('pgstac.items_words_idx') AS part
JOIN pg_class AS index ON index.oid = part.relid
JOIN pg_index ON pg_index.indexrelid = part.relid
JOIN pg_class AS items ON items.oid = pg_index.indrelid
JOIN pgstac.partition_stats AS stats ON stats.partition = items.relname
WHERE part.isleaf AND (pg_relation_size(part.relid) > 2 * current_setting('block_size')::int OR index.reltuples > 0);
