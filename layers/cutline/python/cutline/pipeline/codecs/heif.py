"""HEIC, in which phones take pictures, where the optional package `pi-heif` is installed (layers/heif)."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

HEIF = "HEIF"


@cache
def is_readable() -> bool:
    """Whether this installation reads HEIC."""
    return find_spec("pi_heif") is not None


@cache
def register() -> None:
    """Teaches Pillow the format. Only what makes the primary picture is decoded, and by this thread alone.

    Threads of libheif's own would each count against the decoder's memory.
    """
    from pi_heif import register_heif_opener  # noqa: PLC0415

    register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)
