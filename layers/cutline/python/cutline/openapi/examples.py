"""The picture, the call and the outcome that the document's examples show."""

import base64
import struct
import zlib
from typing import Any

from cutline.contracts.wire import Contract, Job, Metadata, Options, Outcome, Quota, Request, Source

BASE_URL = "https://cutout.example.com"
NOW = 1704164645
REQUEST_ID = "5b1f3a52-6f0e-4f6e-9a5e-0d8f1f4f9c11"
TASK_ID = "7c0e5c1a-0d0b-4a42-9a0e-3b7b5c1f2d10"
REQUEST = Request("POST", "/", "/", (), {}, b"", REQUEST_ID, float(NOW), BASE_URL)
_SIDE = 120


def picture() -> bytes:
    """Encode a red square on grey, 120 x 120, as PNG."""
    rows = []
    for y in range(_SIDE):
        inside = _SIDE // 4 <= y < 3 * _SIDE // 4
        middle = (b"\xc8\x28\x1e" if inside else b"\xe6\xe8\xeb") * (_SIDE // 2)
        edge = b"\xe6\xe8\xeb" * (_SIDE // 4)
        rows.append(b"\0" + edge + middle + edge)
    head = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


PICTURE = base64.b64encode(picture()).decode()


def job(contract: Contract, options: Options = None) -> Job:
    """Return the call behind the contract's examples."""
    return Job(Source(data=picture()), contract.LIMITS, options=options)


def outcome(*names: str, metadata: Metadata = None) -> Outcome:
    """Return a charged call's outcome: the named results as links, and the picture inline."""
    links = {name: f"{BASE_URL}/r/q2Y5xw-{name}.png" for name in names}
    inline = {"image": picture()}
    quota = Quota(499, charged=True, qps=10)
    return Outcome(_SIDE, _SIDE, links, inline=inline, quota=quota, elapsed_ms=412, metadata=metadata)


def examples(answers: dict[str, Any]) -> dict[str, Any]:
    """Return named examples in OpenAPI's form."""
    return {name: {"value": value} for name, value in answers.items()}
