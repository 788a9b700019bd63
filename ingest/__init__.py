"""The ingest job: one small adapter per upstream; harmonise, validate, load."""
