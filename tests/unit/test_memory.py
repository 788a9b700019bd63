"""A server keeps the memory of one page for the next."""

import gc
import platform
import subprocess
import sys

import pytest

from app.memory import long_lived_objects

_ROUNDS, _BLOCKS, _BLOCK_BYTES = 50, 6, 1_200_000
_PAGE_BYTES = 4096
_TAKE_AND_GIVE_BACK = f"""
import resource
from app.memory import keep_freed_memory

keep_freed_memory()
for number in range({_ROUNDS + 1}):
    if number == 1:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [b"x" * {_BLOCK_BYTES} for _ in range({_BLOCKS})]
    del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left as they are")
def test_memory_that_was_given_back_is_not_cleared_again_by_the_kernel() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TAKE_AND_GIVE_BACK], capture_output=True, text=True, check=True
    )
    pages = _BLOCKS * _BLOCK_BYTES // _PAGE_BYTES
    assert int(done.stdout) < 2 * pages, "it took new memory in more than two of the rounds"


def test_objects_of_the_start_are_spared_only_while_the_application_runs() -> None:
    with long_lived_objects():
        assert gc.get_freeze_count() > 10_000
    assert gc.get_freeze_count() == 0
