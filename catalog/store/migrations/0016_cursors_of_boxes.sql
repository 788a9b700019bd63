-- A collection may be harvested within several boxes, and each is followed by itself.

ALTER TABLE kakehashi.harvest_cursor
    DROP CONSTRAINT harvest_cursor_pkey,
    ADD COLUMN bbox double precision[], -- as in harvest_window
    ADD CONSTRAINT harvest_cursor_key UNIQUE NULLS NOT DISTINCT (source, collection, basis, bbox);

-- How far each of them is, its own windows say; the cursor may be that of another.
INSERT INTO kakehashi.harvest_cursor AS old (source, collection, basis, bbox, until)
SELECT source, collection, basis, bbox, until
FROM (
    SELECT source, collection, basis, bbox, coalesce(
        min(window_start) FILTER (WHERE state IN ('pending', 'running', 'failed')),
        max(window_end) FILTER (WHERE state = 'done')
    ) AS until
    FROM kakehashi.harvest_window WHERE kind = 'follow' GROUP BY source, collection, basis, bbox
) AS followed
WHERE until IS NOT NULL
ON CONFLICT (source, collection, basis, bbox) DO UPDATE SET until = least(old.until, excluded.until);
