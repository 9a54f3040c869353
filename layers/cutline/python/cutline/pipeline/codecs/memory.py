"""Settings of the C library's allocator."""

from __future__ import annotations

import ctypes

from cutline.limits import MIB

# Parameters of glibc's mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
# Larger blocks, such as a picture of 16 megapixels, still go back at once. More than this would stay with the process.
_LARGEST_KEPT, _MAX_KEPT = 32 * MIB, 128 * MIB


def keep_freed_memory() -> None:
    """Let this process keep what it frees, up to 128 MiB, instead of asking the kernel for it again. For INIT.

    Every stage makes and drops arrays of a few MiB; the pages that the kernel clears for them anew are a seventh of the
    CPU time of a picture of one megapixel. Where the C library is not glibc nothing happens.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        library.mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT)
        library.mallopt(_TRIM_THRESHOLD, _MAX_KEPT)
