-- What a record says is as old as the question that it answered, which may be hours before it was refused.
ALTER TABLE kakehashi.quarantine
    ADD COLUMN asked_at timestamptz; -- by the clock of the database; null: when it was refused, or unknown
