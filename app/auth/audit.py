"""The log of who was let in to change what."""

import logging


def audit_log() -> logging.Logger:
    """Return the log; it writes to standard error, unless an operator's logging takes it elsewhere."""
    logger = logging.getLogger("kakehashi.audit")
    logger.setLevel(logging.INFO)
    if not logger.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
        logger.addHandler(handler)
    return logger
