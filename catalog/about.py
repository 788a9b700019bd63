"""What documents and requests of ours say of themselves: the version of STAC that they are in, and our own."""

from importlib.metadata import PackageNotFoundError, version

# Of documents that we make.
STAC_VERSION = "1.1.0"
# Of documents that we take from others.
STAC_VERSIONS = ("1.0.0", STAC_VERSION)


def our_version() -> str:
    """Return the version of Kakehashi; `0` where it runs without being installed."""
    try:
        return version("kakehashi")
    except PackageNotFoundError:
        return "0"
