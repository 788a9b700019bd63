-- A row that was loaded from a text as it stands also has the digest of that text (`kakehashi_text` in `private`,
-- catalog/store/recognised.py). It goes with the digest of the record when somebody else changes the row.
CREATE OR REPLACE FUNCTION kakehashi.forget_digest() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.private := nullif(NEW.private - 'kakehashi' - 'kakehashi_text', '{}');
    RETURN NEW;
END;
$$;
