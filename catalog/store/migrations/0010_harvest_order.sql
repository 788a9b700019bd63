-- What decides which window comes next, and whether a collection may be asked for by several at once.

ALTER TABLE kakehashi.harvest_window
    ADD COLUMN rank double precision NOT NULL DEFAULT 0; -- within a priority, the highest first: newest or oldest
DROP INDEX kakehashi.harvest_window_due_idx;
CREATE INDEX harvest_window_due_idx ON kakehashi.harvest_window (source, priority DESC, rank DESC)
    WHERE state IN ('pending', 'failed') AND is_planned;

ALTER TABLE kakehashi.harvest_source
    ADD COLUMN is_serial boolean NOT NULL DEFAULT true; -- one window of a collection at a time

-- Cursors took its place.
DROP TABLE kakehashi.watermark;
