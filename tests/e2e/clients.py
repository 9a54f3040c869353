"""Callers of the APIs, written from the vendors' public samples: they share no code with what they test."""

import hashlib
import hmac
import io
import json
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def send(method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
    """One call; redirects are not followed, error statuses are answers."""
    request = urllib.request.Request(url, data=body or None, method=method, headers=headers or {})
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=40) as reply:
            return Answer(reply.status, {k.lower(): v for k, v in reply.headers.items()}, reply.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())


@dataclass(frozen=True)
class JdClient:
    """Signs as JD's SDKs do: host, type, date and nonce, over the raw body."""

    base_url: str
    access_key: str = "DEMOAK"
    secret: str = "DEMOSK"
    version: str = "2"

    def headers(self, path: str, body: bytes, *, at: float | None = None, nonce: str = "") -> dict[str, str]:
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
        signed = {
            "content-type": "application/octet-stream",
            "host": urlsplit(self.base_url).netloc,
            "x-jdcloud-date": date,
            "x-jdcloud-nonce": nonce or str(uuid.uuid4()),
        }
        names = ";".join(signed)
        block = "".join(f"{name}:{value}\n" for name, value in signed.items())
        canonical = "\n".join(["POST", path, "", block, names, hashlib.sha256(body).hexdigest()])
        scope = f"{date[:8]}/cn-north-1/cutout/jdcloud{self.version}_request"
        algorithm = f"JDCLOUD{self.version}-HMAC-SHA256"
        text = "\n".join([algorithm, date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = f"JDCLOUD{self.version}{self.secret}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        credential = f"Credential={self.access_key}/{scope}"
        return {**signed, "authorization": f"{algorithm} {credential}, SignedHeaders={names}, Signature={signature}"}

    def cutout(self, body: bytes, path: str = "/api/cutout/") -> Answer:
        return send("POST", self.base_url + path, body, self.headers(path, body))


@dataclass(frozen=True)
class AidgeClient:
    """Signs as Aidge's Python sample does (`sign_ver=v2`)."""

    base_url: str
    app_key: str = "512345"
    secret: str = "demo-secret"

    def query(self, at: float | None = None) -> dict[str, str]:
        timestamp = str(int((time.time() if at is None else at) * 1000))
        sign = hmac.digest(self.secret.encode(), (self.secret + timestamp).encode(), "sha256").hex().upper()
        return {
            "partner_id": "aidge",
            "sign_method": "sha256",
            "sign_ver": "v2",
            "app_key": self.app_key,
            "timestamp": timestamp,
            "sign": sign,
        }

    def post(self, document: Any, path: str = "/rest/ai/image/cut/out") -> Answer:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        url = f"{self.base_url}{path}?{urlencode(self.query())}"
        return send("POST", url, body, {"Content-Type": "application/json"})

    def get(self, fields: dict[str, str], path: str = "/ai/image/cut/out") -> Answer:
        return send("GET", f"{self.base_url}{path}?{urlencode({**self.query(), **fields})}")


def encoded(pixels: np.ndarray, image_format: str = "JPEG", **options: Any) -> bytes:
    """A picture file of (H, W, 3|4) uint8 pixels."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, image_format, **options)
    return buffer.getvalue()


def plain_picture(width: int, height: int, image_format: str = "PNG") -> bytes:
    """A disc on a plain ground: small, and quick to cut out."""
    y, x = np.ogrid[:height, :width]
    inside = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (min(width, height) / 3) ** 2
    pixels = np.where(inside[..., None], (200, 40, 30), (230, 232, 235)).astype(np.uint8)
    return encoded(pixels, image_format)


def open_picture(data: bytes) -> Image.Image:
    """The decoded picture."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def follow(url: str) -> Answer:
    """The file behind a result link: one redirect, then the object."""
    redirect = send("GET", url)
    assert redirect.status == 302, redirect
    return send("GET", redirect.headers["location"])
