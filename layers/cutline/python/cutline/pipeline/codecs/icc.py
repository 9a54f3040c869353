"""What an ICC profile may cost, told before littlecms sees it (ICC.1:2022 7 and 10).

littlecms builds all that a tag points at, as often as it is pointed at: 951 bytes of PNG can hold 6,000 processing
elements that share one curve and cost half a minute. What is let through here costs it less than a second.
"""

from __future__ import annotations

import struct

from cutline.limits import MIB

# The largest that printing houses hand out, for CMYK, have 2.7 MiB.
_MOST_BYTES = 4 * MIB
# True ones have 9 to 40; littlecms itself stops at 100.
_MOST_TAGS = 64
_HEADER_BYTES = 128
_ENTRY_BYTES = 12
# What a picture may embed (ICC.1:2022 B.1): input, display, output, colour space.
_CLASSES = frozenset({b"scnr", b"mntr", b"prtr", b"spac"})
# Tags of version 4.3 and later, beside the older ones that every profile must have. Only these may hold elements.
_ELEMENT_TAGS = frozenset({b"D2B0", b"D2B1", b"D2B2", b"D2B3", b"B2D0", b"B2D1", b"B2D2", b"B2D3"})
_ELEMENTS = b"mpet"


def bounded_profile(profile: bytes) -> bytes | None:
    """The profile without tags of processing elements; None where it is none, or may cost more than it is worth.

    The tags stay in the table under names that nobody asks for, so nothing has to move.
    """
    if not _HEADER_BYTES + 4 <= len(profile) <= _MOST_BYTES or profile[36:40] != b"acsp":
        return None
    if profile[12:16] not in _CLASSES:
        return None
    (count,) = struct.unpack_from(">I", profile, _HEADER_BYTES)
    table = _HEADER_BYTES + 4
    if count > _MOST_TAGS or table + count * _ENTRY_BYTES > len(profile):
        return None
    bounded = bytearray(profile)
    for at in range(table, table + count * _ENTRY_BYTES, _ENTRY_BYTES):
        name, offset = struct.unpack_from(">4sI", profile, at)
        if name in _ELEMENT_TAGS:
            bounded[at : at + 2] = b"~~"
            bounded[at + 2 : at + 4] = name[:1] + name[3:]
        elif profile[offset : offset + 4] == _ELEMENTS:
            return None
    return bytes(bounded)
