-- A window of the present that fails again and again is set aside: it is tried on, but does not hold up those after it.
ALTER TABLE kakehashi.harvest_window
    ADD COLUMN aside_since timestamptz; -- null: the cursor waits for it, as long as it is not done
CREATE INDEX harvest_window_aside_idx ON kakehashi.harvest_window (source, collection)
    WHERE aside_since IS NOT NULL;
