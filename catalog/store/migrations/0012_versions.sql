-- Which items are versions of one product. Their names tell it (catalog/names), which SQL cannot read.
CREATE TABLE kakehashi.product_version (
    key uuid PRIMARY KEY, -- of collection and product
    ids text[] NOT NULL -- of the items that were loaded; some may be gone
);
