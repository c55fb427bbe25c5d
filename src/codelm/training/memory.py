"""Keep freed memory in the process: an update allocates the same large tensors again and again.

glibc gives blocks of 32 MB and more back to the kernel as soon as they are freed and takes them anew, page
fault by page fault; for the logits of a small model that costs about as much as their arithmetic. No number
changes by it.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -3, -4  # of glibc's malloc.h
# Where glibc's own adjustment ends, which any use of mallopt turns off.
_USUAL = {_M_TRIM_THRESHOLD: 64 * 2**20, _M_MMAP_THRESHOLD: 32 * 2**20, _M_MMAP_MAX: 65536}


@contextmanager
def memory_kept() -> Iterator[None]:
    """Inside the block freed memory stays with the process; at its end it goes back. glibc only."""
    libc = ctypes.CDLL(None)
    if not (hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim")):
        yield
        return
    libc.mallopt(_M_MMAP_MAX, 0)
    libc.mallopt(_M_TRIM_THRESHOLD, -1)
    try:
        yield
    finally:
        for option, value in _USUAL.items():
            libc.mallopt(option, value)
        libc.malloc_trim(0)
