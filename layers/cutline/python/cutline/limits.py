"""Bounds on pictures and answers, shared by every layer that has to keep them."""

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
# The largest answer of a synchronous function, less 32 KiB for the proxy's envelope and headers (contracts.md 0.1).
MAX_ANSWER_BYTES = 6 * MIB - 32 * KIB
# Of files inside an answer, which travel as base64: four bytes for three.
MAX_INLINE_BYTES = MAX_ANSWER_BYTES // 4 * 3


@dataclass(frozen=True)
class PictureLimits:
    """What a contract accepts; sides are in pixels after EXIF orientation, and all bounds are inclusive.

    `formats` holds Pillow's names ("JPEG", "PNG", ...), recognised by the bytes, never by the file name; "HEIF" counts
    where pi-heif is installed. `max_pixels` None: what the sides allow.
    """

    formats: frozenset[str]
    max_bytes: int
    min_side_px: int = 1
    max_side_px: int = 4096
    max_pixels: int | None = None


# For pictures on this machine, bounded by memory: about 12 bytes per pixel.
LOCAL_LIMITS = PictureLimits(
    frozenset({"AVIF", "BMP", "GIF", "HEIF", "JPEG", "PNG", "TIFF", "WEBP"}), 256 * MIB, max_side_px=16_384
)
