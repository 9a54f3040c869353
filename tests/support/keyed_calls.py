"""Calls with an Idempotency-Key, on every API."""

import base64
import json
import uuid
from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

from skimage import data

from devkit.clients import AidgeClient, Answer, JdClient, encoded, plain_picture, send

PICTURES = (encoded(data.astronaut()[:256, 60:380]), plain_picture(120, 100))
# Path, header of the key, field of the picture.
PICWISH = ("/api/tasks/visual/segmentation", "X-API-KEY", "image_file")
AILAB = ("/api/cutout/general/apparel-background-removal", "ailabapi-api-key", "image")
REMBG = ("/api/remove", "X-Api-Key", "file")
REMOVEBG = ("/v1.0/removebg", "X-Api-Key", "image_file")
Post = Callable[[str, bytes, str], Answer]


def jd_cutout(cloud_url: str, account: str, picture: bytes, key: str) -> Answer:
    jd = JdClient(cloud_url, f"AK-{account}", f"SK-{account}")
    path = "/api/cutout/"
    return send("POST", cloud_url + path, picture, {**jd.headers(path, picture), "Idempotency-Key": key})


def jd_selfie(cloud_url: str, account: str, picture: bytes, key: str) -> Answer:
    jd = JdClient(cloud_url, f"AK-{account}", f"SK-{account}")
    path, body = "/jdai/SelfieSeg", json.dumps({"image": base64.b64encode(picture).decode()}).encode()
    return send("POST", cloud_url + path, body, {**jd.headers(path, body), "Idempotency-Key": key})


def aidge(cloud_url: str, account: str, picture: bytes, key: str) -> Answer:
    query = urlencode(AidgeClient(cloud_url, f"APP-{account}", f"SK-{account}").query())
    body = json.dumps({"imageBase64": base64.b64encode(picture).decode()}).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    return send("POST", f"{cloud_url}/ai/image/cut/out?{query}", body, headers)


def multipart(cloud_url: str, account: str, picture: bytes, key: str, *, to: tuple[str, str, str] = PICWISH) -> Answer:
    """Every try has a boundary of its own, as HTTP libraries choose it."""
    boundary = uuid.uuid4().hex
    path, header, name = to
    part = f'Content-Disposition: form-data; name="{name}"; filename="a"\r\nContent-Type: image/png\r\n\r\n'
    body = f"--{boundary}\r\n{part}".encode() + picture + f"\r\n--{boundary}--\r\n".encode()
    content_type = f"multipart/form-data; boundary={boundary}"
    headers = {header: f"key-{account}", "Content-Type": content_type, "Idempotency-Key": key}
    return send("POST", cloud_url + path, body, headers)


def check(cloud_url: str, account: str, picture: bytes, key: str) -> Answer:
    headers = {"X-API-KEY": f"key-{account}", "Idempotency-Key": key}
    return send("POST", f"{cloud_url}/check?profile=amazon-main", picture, headers)


APIS: dict[str, Callable[[str, str, bytes, str], Answer]] = {
    "jdc": jd_cutout,
    "jds": jd_selfie,
    "aid": aidge,
    "pw": multipart,
    "ail": partial(multipart, to=AILAB),
    "rbg": partial(multipart, to=REMOVEBG),
    "rem": partial(multipart, to=REMBG),
    "chk": check,
}
