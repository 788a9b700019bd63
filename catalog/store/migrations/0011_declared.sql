-- Extent and summaries of a collection follow its items (catalog/follow.py). Here is what its definition
-- or its upstream says of these two members, and what was made of it: if the collection says something
-- else by now, somebody wrote it, and what it says is what is declared.
CREATE TABLE kakehashi.collection_declared (
    collection text PRIMARY KEY REFERENCES pgstac.collections (id) ON DELETE CASCADE ON UPDATE CASCADE,
    declared jsonb NOT NULL,
    served jsonb NOT NULL
);
