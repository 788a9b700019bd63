"""Routes beyond STAC."""
