-- Tells API processes that collections, their translations or queryables changed, so that they forget
-- what they remember of them. Of several in one transaction, PostgreSQL sends one.

CREATE FUNCTION kakehashi.notify_catalogue_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY kakehashi_catalogue;
    RETURN NULL;
END;
$$;

CREATE TRIGGER kakehashi_notify_insert_delete AFTER INSERT OR DELETE ON pgstac.collections
FOR EACH ROW EXECUTE FUNCTION kakehashi.notify_catalogue_change();
CREATE TRIGGER kakehashi_notify_update AFTER UPDATE ON pgstac.collections
FOR EACH ROW WHEN (old.content IS DISTINCT FROM new.content)
EXECUTE FUNCTION kakehashi.notify_catalogue_change();

CREATE TRIGGER kakehashi_notify AFTER INSERT OR UPDATE OR DELETE ON pgstac.queryables
FOR EACH ROW EXECUTE FUNCTION kakehashi.notify_catalogue_change();

CREATE TRIGGER kakehashi_notify AFTER INSERT OR UPDATE OR DELETE ON kakehashi.collection_translation
FOR EACH ROW EXECUTE FUNCTION kakehashi.notify_catalogue_change();
