"""How a process that answers requests keeps its memory."""

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Parameters of mallopt(3), by <malloc.h>.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 33_554_432
_LARGEST_KEPT_BYTES = 8_388_608


def keep_freed_memory() -> None:
    """Let the C library keep what a page took for the next page.

    By itself glibc gives the memory of a page of some 100 kB or more back to the kernel, which clears it
    when the next page asks for it again: a seventh of the processor time of a page of 1.2 MB.
    Other C libraries are left as they are.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT_BYTES)
    mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


@contextmanager
def long_lived_objects() -> Iterator[None]:
    """Spare the garbage collector, inside the block, the objects there are: modules, routes, models.

    They live as long as the process does, but every full collection would look at all of them.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
