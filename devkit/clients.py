"""Callers of the APIs, written from the vendors' public samples: they share no code with what they test."""

import base64
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

from devkit.patience import WAIT_S, until


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
        with opener.open(request, timeout=WAIT_S) as reply:
            return Answer(reply.status, {k.lower(): v for k, v in reply.headers.items()}, reply.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())


def encoded(pixels: np.ndarray, image_format: str = "JPEG", **options: Any) -> bytes:
    """A picture file of (H, W, 3|4) uint8 pixels."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, image_format, **options)
    return buffer.getvalue()


def plain_picture(width: int, height: int, image_format: str = "PNG") -> bytes:
    """A disc before a plain background: small, and quick to cut out."""
    y, x = np.ogrid[:height, :width]
    inside = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (min(width, height) / 3) ** 2
    pixels = np.where(inside[..., None], (200, 40, 30), (230, 232, 235)).astype(np.uint8)
    return encoded(pixels, image_format)


SMALL = plain_picture(64, 48)


@dataclass(frozen=True)
class JdClient:
    """Signs as JD's SDKs do: host, type, date and nonce, over the raw body."""

    base_url: str
    access_key: str = "DEMOAK"
    secret: str = "DEMOSK"
    version: str = "2"
    content_type: str = "application/octet-stream"

    def headers(
        self, path: str, body: bytes, *, at: float | None = None, nonce: str = "", method: str = "POST", query: str = ""
    ) -> dict[str, str]:
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
        signed = {
            "content-type": self.content_type,
            "host": urlsplit(self.base_url).netloc,
            "x-jdcloud-date": date,
            "x-jdcloud-nonce": nonce or str(uuid.uuid4()),
        }
        names = ";".join(signed)
        block = "".join(f"{name}:{value}\n" for name, value in signed.items())
        canonical = "\n".join([method, path, query, block, names, hashlib.sha256(body).hexdigest()])
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

    def segment(self, image: bytes) -> Answer:
        document = {"image": base64.b64encode(image).decode()}
        return self.cutout(json.dumps(document).encode(), "/jdai/SelfieSeg")


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
        return send("POST", url, body, {"Content-Type": "application/json", "x-iop-trial": "true"})

    def get(self, fields: dict[str, str], path: str = "/ai/image/cut/out") -> Answer:
        return send("GET", f"{self.base_url}{path}?{urlencode({**self.query(), **fields})}")


def multipart(fields: dict[str, str], file: str = "", data: bytes | None = None) -> tuple[bytes, str]:
    """The body and its Content-Type as curl makes them; without `data` there is no file."""
    parts = [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    if data is not None:
        head = f'name="{file}"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        parts.append(head.encode() + data)
    delimiter = uuid.uuid4().hex
    opening = f"--{delimiter}\r\nContent-Disposition: form-data; ".encode()
    body = b"".join(opening + part + b"\r\n" for part in parts) + f"--{delimiter}--\r\n".encode()
    return body, f"multipart/form-data; boundary={delimiter}"


@dataclass(frozen=True)
class PicWish:
    """Calls as the vendor's samples do: multipart with X-API-KEY, then GET by task id until the task has ended."""

    url: str
    key: str = "demo-key"
    path: str = "/api/tasks/visual/segmentation"

    def create(self, image: bytes | None = SMALL, **fields: str) -> Answer:
        return self.post(*multipart(fields, "image_file", image))

    def post(self, body: bytes, content_type: str) -> Answer:
        return send("POST", self.url + self.path, body, {**self._key, "Content-Type": content_type})

    def query(self, task_id: str) -> Answer:
        return send("GET", f"{self.url}{self.path}/{task_id}", headers=self._key)

    def poll(self, task_id: str) -> Any:
        """The task's data, asked for until the state is 1 or negative."""

        def ended() -> Any:
            data = self.query(task_id).json["data"]
            return data if data["state"] == 1 or data["state"] < 0 else None

        return until(ended, f"the end of task {task_id}")

    @property
    def _key(self) -> dict[str, str]:
        return {"X-API-KEY": self.key} if self.key else {}


@dataclass(frozen=True)
class AiLab:
    """Calls as the vendor's samples do: multipart with ailabapi-api-key."""

    url: str
    key: str = "demo-key"
    path: str = "/api/cutout/general/apparel-background-removal"

    def cut(self, image: bytes | None, /, **fields: str) -> Answer:
        return self.post(*multipart(fields, "image", image))

    def post(self, body: bytes, content_type: str) -> Answer:
        key = {"ailabapi-api-key": self.key} if self.key else {}
        return send("POST", self.url + self.path, body, {**key, "Content-Type": content_type})


@dataclass(frozen=True)
class RemoveBg:
    """Calls as the vendor's curl line does: multipart with X-Api-Key."""

    url: str
    key: str = "demo-key"
    accept: str = "*/*"

    def remove(self, image: bytes | None = SMALL, **fields: str) -> Answer:
        return self.post(*multipart(fields, "image_file", image))

    def post(self, body: bytes, content_type: str, path: str = "/v1.0/removebg") -> Answer:
        return send("POST", self.url + path, body, {**self._headers, "Content-Type": content_type})

    def account(self) -> Answer:
        return send("GET", f"{self.url}/v1.0/account", headers=self._headers)

    @property
    def _headers(self) -> dict[str, str]:
        return {"Accept": self.accept, **({"X-Api-Key": self.key} if self.key else {})}


@dataclass(frozen=True)
class Rembg:
    """Calls as rembg's README does: a file as multipart, or an address in the query; with a key in a header."""

    url: str
    key: str = "demo-key"

    def remove(self, image: bytes | None = SMALL, query: str = "", **fields: str) -> Answer:
        body, kind = multipart(fields, "file", image)
        return send("POST", f"{self.url}/api/remove{query}", body, {**self._key, "Content-Type": kind})

    def fetch(self, **query: str) -> Answer:
        return send("GET", f"{self.url}/api/remove?{urlencode(query)}", headers=self._key)

    @property
    def _key(self) -> dict[str, str]:
        return {"X-Api-Key": self.key} if self.key else {}


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
