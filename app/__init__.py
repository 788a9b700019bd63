"""The HTTP API: a request in, bytes out. Reads the catalogue, never an upstream."""

import logging

# stac-fastapi makes settings when it is imported and warns of their defaults, which we never use.
logging.getLogger("stac_fastapi.types.config").setLevel(logging.ERROR)
