"""Signed calls for the account tests, and the clock that they were signed by."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cutline.contracts.wire import Request

NOW = 1_704_164_645.0  # 20240102T030405Z
DATE = "20240102T030405Z"
HOST = "cutout.example.com"


def at(date: str) -> float:
    """The unix second of a date in JD's form."""
    return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def request(
    *,
    method: str = "POST",
    path: str = "/api/cutout/",
    raw_path: str = "",
    query: tuple[tuple[str, str], ...] = (),
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    now: float = NOW,
) -> Request:
    """A request as the gateway event's conversion makes it."""
    return Request(method, path, raw_path or path, query, headers or {}, body, "request-1", now, f"https://{HOST}/v1")


@dataclass(frozen=True)
class JdCall:
    """What a JD client signs, part by part, so that a test can bend any one of them."""

    path: str = "/api/cutout/"
    signed_path: str = "/api/cutout/"
    body: bytes = b"\x89PNG pixels \xff"
    signed_body: bytes | None = None
    date: str = DATE
    nonce: str = "nonce-1"
    version: str = "2"
    access_key: str = "DEMOAK"
    secret: str = "DEMOSK"
    headers: Mapping[str, str] = field(default_factory=lambda: {"host": HOST})
    signed_values: Mapping[str, str] = field(default_factory=dict)
    unsigned: tuple[str, ...] = ()

    def send(self, now: float = NOW) -> Request:
        """The signed request."""
        headers = {"x-jdcloud-date": self.date, "x-jdcloud-nonce": self.nonce, **self.headers}
        names = sorted(name for name in headers if name not in self.unsigned)
        values = {**headers, **self.signed_values}
        lines = "".join(f"{name}:{values[name].strip()}\n" for name in names)
        digest = hashlib.sha256(self.body if self.signed_body is None else self.signed_body).hexdigest()
        canonical = "\n".join(["POST", self.signed_path, "", lines, ";".join(names), digest])
        scope = f"{self.date[:8]}/cn-north-1/cutout/jdcloud{self.version}_request"
        algorithm = f"JDCLOUD{self.version}-HMAC-SHA256"
        text = "\n".join([algorithm, self.date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = f"JDCLOUD{self.version}{self.secret}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        headers["authorization"] = (
            f"{algorithm} Credential={self.access_key}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
        )
        return request(path=self.path, headers=headers, body=self.body, now=now)


def aidge_query(secret: str = "demo-secret", now: float = NOW, **changes: str) -> tuple[tuple[str, str], ...]:
    """The query of a v2-signed Aidge call."""
    timestamp = str(int(now * 1000))
    sign = hmac.digest(secret.encode(), (secret + timestamp).encode(), "sha256").hex().upper()
    fields = {
        "partner_id": "aidge",
        "sign_method": "sha256",
        "sign_ver": "v2",
        "app_key": "512345",
        "timestamp": timestamp,
        "sign": sign,
    }
    return tuple({**fields, **changes}.items())
