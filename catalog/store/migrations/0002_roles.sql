-- Two roles, so that the API cannot write and the harvest cannot change our schema or pgstac's tables.
--
-- kakehashi_ingest is pgstac's pgstac_ingest, with our own schema added. kakehashi_read is not its
-- pgstac_read, which may write the caches of pgstac's search(): our read path writes nothing.

DO $$
BEGIN
    CREATE ROLE kakehashi_read NOLOGIN;
EXCEPTION WHEN duplicate_object THEN
    NULL; -- roles belong to the whole server: another database on it has them already
END;
$$;

DO $$
BEGIN
    CREATE ROLE kakehashi_ingest NOLOGIN;
EXCEPTION WHEN duplicate_object THEN
    NULL;
END;
$$;

GRANT USAGE ON SCHEMA pgstac TO kakehashi_read;
GRANT SELECT ON ALL TABLES IN SCHEMA pgstac TO kakehashi_read;
-- Partitions are made as items come, and belong to pgstac_admin.
ALTER DEFAULT PRIVILEGES FOR ROLE pgstac_admin IN SCHEMA pgstac GRANT SELECT ON TABLES TO kakehashi_read;
GRANT pgstac_ingest TO kakehashi_ingest;
GRANT kakehashi_read, kakehashi_ingest TO CURRENT_USER;

GRANT USAGE ON SCHEMA kakehashi TO kakehashi_read, kakehashi_ingest;
GRANT SELECT ON ALL TABLES IN SCHEMA kakehashi TO kakehashi_read;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA kakehashi TO kakehashi_ingest;
REVOKE INSERT, UPDATE, DELETE ON kakehashi.migration FROM kakehashi_ingest;
REVOKE ALL ON kakehashi.secret FROM kakehashi_ingest; -- it signs no page tokens
GRANT USAGE ON ALL SEQUENCES IN SCHEMA kakehashi TO kakehashi_ingest;
ALTER DEFAULT PRIVILEGES IN SCHEMA kakehashi GRANT SELECT ON TABLES TO kakehashi_read;
ALTER DEFAULT PRIVILEGES IN SCHEMA kakehashi GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO kakehashi_ingest;
ALTER DEFAULT PRIVILEGES IN SCHEMA kakehashi GRANT USAGE ON SEQUENCES TO kakehashi_ingest;
