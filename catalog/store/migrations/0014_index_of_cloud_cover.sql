-- What searches sort and select by most, next to time and place. The expression is that of
-- catalog/store/indexes.py: a value that is no number reads as NULL, so that no item can be refused for it.
CREATE INDEX items_cloud_cover_idx ON pgstac.items ((
    jsonb_path_query_first(
        content, 'strict $."properties"."eo:cloud_cover" ? (@.type() == "number")', '{}', true
    )::numeric
));
-- pgstac takes an index of its partitions for one of its own, not for an orphan to be dropped, if its
-- template of indexes has it too.
CREATE INDEX queryable_index_template_cloud_cover_idx ON pgstac.queryable_index_template ((
    jsonb_path_query_first(
        content, 'strict $."properties"."eo:cloud_cover" ? (@.type() == "number")', '{}', true
    )::numeric
));
