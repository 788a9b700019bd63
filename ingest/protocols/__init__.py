"""The dialects that upstreams speak: one file per dialect, none of which knows any source."""
