"""Writes the sample events into this folder: what API Gateway, or a schedule, passes to each function.

    python events/generate.py          writes them with signatures of a fixed time, as committed
    python events/generate.py --now    writes them signed now, for sam local invoke and the console

The picture is a disc that this script draws; the credentials are the local cloud's demo account.
"""

import argparse
import base64
import hashlib
import hmac
import io
import json
import time
import uuid
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

FIXED_TIME = 1704164645
HOST = "cutout.example.com"
_STAGE = "v1"
_BOUNDARY = "cutline-sample"


def sample_events(now: int) -> dict[str, dict[str, Any]]:
    """Every event by file name, its signatures dated `now` (unix seconds)."""
    return {**_events_of_the_five(now), **_events_of_cutline(now), **_events_without_a_call(now)}


def _events_of_the_five(now: int) -> dict[str, dict[str, Any]]:
    picture = _picture()
    encoded = base64.b64encode(picture).decode()
    aidge_query = _aidge_query(now)
    portrait = json.dumps({"image": encoded}).encode()
    api_key = {"X-API-KEY": "demo-key", "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
    apparel = "/api/cutout/general/apparel-background-removal"
    ail_key = {"ailabapi-api-key": "demo-key", "Content-Type": api_key["Content-Type"]}
    return {
        "cutout-jd": _event("POST", "/api/cutout/", picture, _jd_headers("/api/cutout/", picture, now), now=now),
        "cutout-aidge": _event(
            "POST",
            "/ai/image/cut/out",
            json.dumps({"imageBase64": encoded, "backGroundType": "WHITE_BACKGROUND"}).encode(),
            {"Content-Type": "application/json"},
            query=aidge_query,
            now=now,
        ),
        "cutout-removebg": _event(
            "POST", "/v1.0/removebg", _multipart({"size": "auto"}, "image_file", picture), api_key, now=now
        ),
        "cutout-rembg": _event("POST", "/api/remove", _multipart({"om": "1"}, "file", picture), api_key, now=now),
        "cutout-check": _event(
            "POST", "/check", picture, {"X-API-KEY": "demo-key"}, query={"profile": "amazon-main"}, now=now
        ),
        "selfie": _event("POST", "/jdai/SelfieSeg", portrait, _jd_headers("/jdai/SelfieSeg", portrait, now), now=now),
        "tasks-create": _event(
            "POST",
            "/api/tasks/visual/segmentation",
            _multipart({"sync": "1", "type": "object"}, "image_file", picture),
            api_key,
            now=now,
        ),
        "tasks-get": _event(
            "GET",
            "/api/tasks/visual/segmentation/{task_id}",
            b"",
            {"X-API-KEY": "demo-key"},
            parameters={"task_id": "7c0e5c1a-0d0b-4a42-9a0e-3b7b5c1f2d10"},
            now=now,
        ),
        "costume": _event(
            "POST", apparel, _multipart({"cloth_class": "tops,pants"}, "image", picture), ail_key, now=now
        ),
    }


def _events_of_cutline(now: int) -> dict[str, dict[str, Any]]:
    return {
        "links": _event("GET", "/r/{token}", b"", {}, parameters={"token": "sample.png"}, now=now),
        "mend": _event(
            "POST",
            "/r/{token}/mend",
            json.dumps({"strokes": [{"do": "remove", "radius": 0.02, "points": [[0.5, 0.4]]}]}).encode(),
            {"Content-Type": "application/json"},
            parameters={"token": "sample.png"},
            now=now,
        ),
        "uploads": _event(
            "POST",
            "/uploads",
            json.dumps({"content_type": "image/png", "size": len(_picture())}).encode(),
            {"X-API-KEY": "demo-key", "Content-Type": "application/json"},
            now=now,
        ),
        "usage": _event(
            "GET", "/usage", b"", {"X-API-KEY": "demo-key"}, query={"from": "2024-01-01", "to": "2024-01-31"}, now=now
        ),
        "site-health": _event("GET", "/health", b"", {}, now=now),
        "site-openapi": _event("GET", "/openapi.json", b"", {}, now=now),
        "site-playground": _event("GET", "/", b"", {}, now=now),
    }


def _events_without_a_call(now: int) -> dict[str, dict[str, Any]]:
    """What `cutline health` and the smoke's schedule send; both functions take any event."""
    scheduled = {
        "version": "0",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, "scheduled-smoke")),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
        "region": "eu-central-1",
        "resources": ["arn:aws:events:eu-central-1:123456789012:rule/cutline-smoke"],
        "detail": {},
    }
    return {"health": {}, "smoke": scheduled}


def main() -> None:
    """Writes one file per event."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--now", action="store_true", help="date the signatures now")
    now = int(time.time()) if parser.parse_args().now else FIXED_TIME
    for name, event in sample_events(now).items():
        text = json.dumps(event, indent=2, ensure_ascii=False) + "\n"
        (Path(__file__).parent / f"{name}.json").write_text(text, "utf-8")


def _event(
    method: str,
    resource: str,
    body: bytes,
    headers: dict[str, str],
    *,
    query: dict[str, str] | None = None,
    parameters: dict[str, str] | None = None,
    now: int,
) -> dict[str, Any]:
    """A REST API proxy event with a binary body."""
    path = resource
    for name, value in (parameters or {}).items():
        path = path.replace(f"{{{name}}}", value)
    headers = {"Host": HOST, "X-Forwarded-Proto": "https", **headers}
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} if query else None,
        "pathParameters": parameters,
        "stageVariables": None,
        "requestContext": {
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "stage": _STAGE,
            "path": f"/{_STAGE}{path}",
            "httpMethod": method,
            "resourcePath": resource,
            "requestTimeEpoch": now * 1000,
            "identity": {"sourceIp": "203.0.113.7"},
        },
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }


def _picture() -> bytes:
    """A red disc on grey, 120 x 100, as PNG."""
    image = Image.new("RGB", (120, 100), (230, 232, 235))
    ImageDraw.Draw(image).ellipse((25, 15, 95, 85), fill=(200, 40, 30))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _multipart(fields: dict[str, str], file_field: str, picture: bytes) -> bytes:
    start = f"--{_BOUNDARY}\r\nContent-Disposition: form-data; name="
    head = "".join(f'{start}"{name}"\r\n\r\n{value}\r\n' for name, value in fields.items())
    head += f'{start}"{file_field}"; filename="disc.png"\r\nContent-Type: image/png\r\n\r\n'
    return head.encode() + picture + f"\r\n--{_BOUNDARY}--\r\n".encode()


def _jd_headers(path: str, body: bytes, now: int) -> dict[str, str]:
    """Host, date and nonce signed with JDCLOUD2-HMAC-SHA256 over the body."""
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    signed = {
        "host": HOST,
        "x-jdcloud-date": date,
        "x-jdcloud-nonce": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{path}{date}")),
    }
    block = "".join(f"{name}:{value}\n" for name, value in signed.items())
    names = ";".join(signed)
    canonical = "\n".join(["POST", path, "", block, names, hashlib.sha256(body).hexdigest()])
    scope = f"{date[:8]}/cn-north-1/cutout/jdcloud2_request"
    text = f"JDCLOUD2-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = b"JDCLOUD2DEMOSK"
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"Credential=DEMOAK/{scope}, SignedHeaders={names}, Signature={signature}"
    return {
        "Content-Type": "application/octet-stream",
        "x-jdcloud-date": date,
        "x-jdcloud-nonce": signed["x-jdcloud-nonce"],
        "Authorization": f"JDCLOUD2-HMAC-SHA256 {credential}",
    }


def _aidge_query(now: int) -> dict[str, str]:
    timestamp = str(now * 1000)
    sign = hmac.digest(b"demo-secret", f"demo-secret{timestamp}".encode(), "sha256").hex().upper()
    return {
        "partner_id": "aidge",
        "sign_method": "sha256",
        "sign_ver": "v2",
        "app_key": "512345",
        "timestamp": timestamp,
        "sign": sign,
    }


if __name__ == "__main__":
    main()
