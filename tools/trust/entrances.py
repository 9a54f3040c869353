"""What is read of a call before rate and quota can bound it: the largest input of each kind, and its CPU time.

    python -m tools.trust.entrances        prints the table

API Gateway passes 10,240 bytes of headers and 10 MB of body on, Lambda 6 MB of event: 4.4 MiB of body as base64.
"""

import base64
import gc
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cutline.accounts.identity import Authenticator
from cutline.contracts import aidge, jd_matting, jd_selfie, picwish
from cutline.contracts.wire import Contract, Request, Scheme
from cutline.errors import MattingError
from cutline.serving.proxy_event import to_request

BODY_BYTES = 4_600_000
HEADER_BYTES = 10_000
CPU_LIMIT_S = 2.0
_NOW = 1_704_164_645.0
_DATE = "20240102T030405Z"
_JD = "JDCLOUD2-HMAC-SHA256 Credential=a/20240102/r/s/jdcloud2_request, SignedHeaders={}, Signature=f"


class _NoAccounts:
    """An account store without accounts: signatures are computed all the same."""

    def find(self, scheme: Scheme, key: str) -> None:
        return None


_AUTHENTICATOR = Authenticator(_NoAccounts(), lenient_body_hash=True)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Entrance:
    """A reader, and the largest input that costs it most."""

    reader: str
    hostile: str
    contract: Contract
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    query: tuple[tuple[str, str], ...] = ()

    def read(self) -> None:
        """Proves the caller and parses the call, as every function does before it counts the call."""
        event = {
            "httpMethod": "POST",
            "path": "/api/cutout/",
            "headers": dict(self.headers),
            "multiValueQueryStringParameters": {name: [value] for name, value in self.query},
            "body": base64.b64encode(self.body).decode(),
            "isBase64Encoded": True,
            "requestContext": {"requestId": "1", "requestTimeEpoch": int(_NOW * 1000), "path": "/v1/api/cutout/"},
        }
        request = to_request(event)
        for work in (self._prove, self.contract.parse):
            try:
                work(request)
            except MattingError:
                continue

    def _prove(self, request: Request) -> Any:
        return _AUTHENTICATOR.prove(self.contract.SCHEME, request)

    @property
    def size(self) -> int:
        texts = (part for pair in (*self.headers, *self.query) for part in pair)
        return len(self.body) + sum(map(len, texts))


def _jd_headers(names: list[str], value: str) -> tuple[tuple[str, str], ...]:
    signed = (("x-jdcloud-date", _DATE), ("x-jdcloud-nonce", "n"), ("authorization", _JD.format(";".join(names))))
    return (*signed, *((name, value) for name in dict.fromkeys(names)))


def _parts(head: bytes, count: int) -> bytes:
    part = b'--X\r\nContent-Disposition: form-data; name="a' + head + b"\r\n\r\n1\r\n"
    return part * count + b"--X--\r\n"


def _filled(start: bytes, piece: bytes, end: bytes) -> bytes:
    return start + piece * ((BODY_BYTES - len(start) - len(end)) // len(piece)) + end


_FORM = (("content-type", "multipart/form-data; boundary=X"),)
_URLENCODED = (("content-type", "application/x-www-form-urlencoded"),)
_AIDGE = (("app_key", "1"), ("timestamp", "1704164645000"), ("sign", "0" * 64))

ENTRANCES = (
    Entrance(
        "JD signature", "2,300 signed headers that are one", jd_matting, headers=_jd_headers(["b"] * 2300, "c" * 5000)
    ),
    Entrance(
        "JD signature", "40 signed headers", jd_matting, headers=_jd_headers([f"h{n}" for n in range(40)], "c " * 110)
    ),
    Entrance(
        "JD signature",
        "a path of escapes",
        jd_matting,
        query=(("a", "%" * 5000), ("b", "é" * 2000)),
        headers=_jd_headers(["host"], "h"),
    ),
    Entrance("JD signature", "a body to hash", jd_matting, _filled(b"", b"\xff", b""), _jd_headers(["host"], "h")),
    Entrance("Aidge signature", "a form to sort", aidge, _filled(b"a=", b"%41", b""), _URLENCODED, _AIDGE),
    Entrance("Aidge signature", "65 fields and more", aidge, _filled(b"", b"a=&", b""), _URLENCODED, _AIDGE),
    Entrance(
        "multipart, type",
        "a type of semicolons",
        picwish,
        b"--X--",
        (("content-type", 'multipart/form-data; a="' + ";" * 9900),),
    ),
    Entrance("multipart, head", "a name of semicolons", picwish, _parts(b";" * 8100 + b'"', 1), _FORM),
    Entrance("multipart, head", "64 of them", picwish, _parts(b";" * 8100 + b'"', 64), _FORM),
    Entrance("multipart, head", "a name of 100,000 quotes", picwish, _parts(b'";"' * 33_000, 1), _FORM),
    Entrance("multipart, head", "folded 100,000 times", picwish, _parts(b'"' + b"\r\n ;b=c" * 100_000, 1), _FORM),
    Entrance("multipart, body", "nothing but boundaries", picwish, _filled(b"", b"\r\n--X", b""), _FORM),
    Entrance("multipart, body", "nothing but half a boundary", picwish, _filled(b"", b"\r\n--", b""), _FORM),
    Entrance(
        "multipart, body",
        "a picture",
        jd_matting,
        _filled(b'--X\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n', b"\xff\n", b"\r\n--X--\r\n"),
        _FORM,
    ),
    Entrance("urlencoded", "nothing but escapes", picwish, _filled(b"image_base64=", b"%41", b""), _URLENCODED),
    Entrance("urlencoded", "nothing but bad escapes", picwish, _filled(b"image_base64=", b"%f0%4", b""), _URLENCODED),
    Entrance("urlencoded", "nothing but pluses", picwish, _filled(b"image_base64=", b"+", b"A"), _URLENCODED),
    Entrance("JSON", "nested a million deep", picwish, _filled(b"", b"[", b"")),
    Entrance("JSON", "a million lists", picwish, _filled(b'{"a":[', b"[],", b"[]]}")),
    Entrance("JSON", "a million fields", picwish, b"{" + b",".join(b'"%d":1' % n for n in range(430_000)) + b"}"),
    Entrance("JSON", "numbers of 4,300 digits", picwish, _filled(b'{"a":[', b"9" * 4300 + b",", b"1]}")),
    Entrance("JSON", "one number of 4 million digits", picwish, _filled(b'{"a":0.', b"1", b"}")),
    Entrance("JSON", "nothing but escapes", jd_selfie, _filled(b'{"image":"', rb"\u0041", b'"}')),
    Entrance("base64", "a picture", jd_selfie, _filled(b'{"image":"', b"AAAA", b'"}')),
    Entrance("base64", "nothing but blanks", jd_selfie, _filled(b'{"image":"', b" A", b'"}')),
    Entrance("base64", "nothing but lines", jd_selfie, _filled(b'{"image":"', rb"A\n", b'"}')),
    Entrance("base64", "nothing but prefixes", jd_selfie, _filled(b'{"image":"', b"data:", b'"}')),
)


def measured() -> Iterator[tuple[Entrance, float]]:
    """Each entrance with the CPU seconds that it takes.

    What this process holds already is kept out of the collector's passes, which are as long as it is large.
    """
    gc.collect()
    gc.freeze()
    for entrance in ENTRANCES:
        begun = time.process_time()
        entrance.read()
        yield entrance, time.process_time() - begun


def main() -> None:
    """Prints the table."""
    for entrance, seconds in measured():
        print(f"{entrance.reader:<18}{entrance.hostile:<36}{entrance.size:>10}{seconds:>8.3f} s")


if __name__ == "__main__":
    main()
