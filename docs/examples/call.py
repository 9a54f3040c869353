"""Cuts a picture out with each API whose answer is JSON. For a server; needs Python's standard library only.

    python docs/examples/call.py API PICTURE RESULT      API: jd, selfie, picwish, aidge or ailab

Reads CUTLINE_URL and the credentials of the API: CUTLINE_API_KEY (picwish, ailab), CUTLINE_JD_KEY and CUTLINE_JD_SECRET
(jd, selfie), CUTLINE_AIDGE_KEY and CUTLINE_AIDGE_SECRET (aidge). If you use a vendor's SDK today, keep it: change its
host and keys instead.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

URL = os.environ["CUTLINE_URL"].rstrip("/")


def jd(picture: bytes) -> bytes:
    """Calls JD Cloud's matting: the file itself is the body."""
    answer = ask_signed("/api/cutout/", picture, "application/octet-stream")
    if answer["code"] != 10000 or answer["result"]["status"] != 0:
        raise SystemExit(f"refused: {answer['msg']} {answer['result']}")
    return fetch(answer["result"]["cutout_image_url"])


def selfie(picture: bytes) -> bytes:
    """Calls JD's SelfieSeg, for people only; the answer contains the result."""
    body = json.dumps({"image": base64.b64encode(picture).decode()}).encode()
    answer = ask_signed("/jdai/SelfieSeg", body, "application/json")
    if answer["code"] != "10000" or answer["result"]["status"] != 1000:
        raise SystemExit(f"refused: {answer['msg']} {answer['result']}")
    return base64.b64decode(answer["result"]["image"])


def picwish(picture: bytes) -> bytes:
    """Calls PicWish's API synchronously; shop.py shows background tasks."""
    body, content_type = form({"sync": "1", "type": "object"}, "image_file", picture)
    key = {"X-API-KEY": os.environ["CUTLINE_API_KEY"]}
    answer = ask("/api/tasks/visual/segmentation", body, {**key, "Content-Type": content_type})
    if answer["status"] != 200 or answer["data"]["state"] != 1:
        raise SystemExit(f"refused: {answer}")
    return fetch(answer["data"]["image"])


def aidge(picture: bytes) -> bytes:
    """Calls Aidge: the query contains the signature, which covers the time."""
    secret, timestamp = os.environ["CUTLINE_AIDGE_SECRET"], str(int(time.time() * 1000))
    query = {
        "partner_id": "aidge",
        "sign_method": "sha256",
        "sign_ver": "v2",
        "app_key": os.environ["CUTLINE_AIDGE_KEY"],
        "timestamp": timestamp,
        "sign": hmac.digest(secret.encode(), (secret + timestamp).encode(), "sha256").hex().upper(),
    }
    document = {"imageBase64": base64.b64encode(picture).decode(), "backGroundType": "TRANSPARENT"}
    headers = {"Content-Type": "application/json"}
    answer = ask(f"/rest/ai/image/cut/out?{urlencode(query)}", json.dumps(document).encode(), headers)
    if not answer["success"] or answer["resCode"] != 200:
        raise SystemExit(f"refused: {answer}")
    return fetch(answer["data"]["imageUrl"])


def ailab(picture: bytes) -> bytes:
    """Calls AILabTools, for clothes only; `elements[1].class_url` has the classes of `cloth_class`."""
    body, content_type = form({"cloth_class": "tops,pants"}, "image", picture)
    key = {"ailabapi-api-key": os.environ["CUTLINE_API_KEY"]}
    answer = ask("/api/cutout/general/apparel-background-removal", body, {**key, "Content-Type": content_type})
    if answer["error_code"] != 0:
        raise SystemExit(f"refused: {answer['error_detail']}")
    return fetch(answer["data"]["elements"][0]["image_url"])


def ask_signed(path: str, body: bytes, content_type: str) -> Any:
    """Sends a POST signed with JDCLOUD2-HMAC-SHA256 over exactly these bytes."""
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = {
        "content-type": content_type,
        "host": urlsplit(URL).netloc,
        "x-jdcloud-date": date,
        "x-jdcloud-nonce": str(uuid.uuid4()),
    }
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    signed_path = urlsplit(URL).path + path
    canonical = "\n".join(["POST", signed_path, "", lines, names, hashlib.sha256(body).hexdigest()])
    scope = f"{date[:8]}/cn-north-1/cutout/jdcloud2_request"
    text = "\n".join(["JDCLOUD2-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"JDCLOUD2{os.environ['CUTLINE_JD_SECRET']}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"Credential={os.environ['CUTLINE_JD_KEY']}/{scope}"
    headers["authorization"] = f"JDCLOUD2-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"
    return ask(path, body, headers)


def ask(path: str, body: bytes, headers: dict[str, str]) -> Any:
    """Returns the answer's JSON with any status: every API puts its errors there. retry.py adds retries."""
    request = urllib.request.Request(URL + path, body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=35) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return json.load(error)
    except (OSError, ValueError) as error:
        raise SystemExit(f"no answer from {URL}: {error}") from error


def form(fields: dict[str, str], name: str, picture: bytes) -> tuple[bytes, str]:
    """Encodes multipart/form-data; returns it and its content type."""
    boundary = uuid.uuid4().hex
    opening = f"--{boundary}\r\nContent-Disposition: form-data; "
    parts = [f'{opening}name="{field}"\r\n\r\n{value}\r\n'.encode() for field, value in fields.items()]
    parts += [f'{opening}name="{name}"; filename="photo.jpg"\r\n\r\n'.encode(), picture, b"\r\n"]
    return b"".join([*parts, f"--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"


def fetch(link: str) -> bytes:
    """Downloads the result. Links expire: store the file, not the link."""
    with urllib.request.urlopen(link, timeout=35) as answer:
        return bytes(answer.read())


def main() -> None:
    """Cuts out one file."""
    api, picture, result = sys.argv[1:]
    calls = {"jd": jd, "selfie": selfie, "picwish": picwish, "aidge": aidge, "ailab": ailab}
    Path(result).write_bytes(calls[api](Path(picture).read_bytes()))


if __name__ == "__main__":
    main()
