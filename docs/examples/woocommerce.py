"""Puts cut-outs on white before the first pictures of a WooCommerce shop. Needs Python's standard library only.

    python docs/examples/woocommerce.py [--dry-run]

Reads CUTLINE_URL, CUTLINE_API_KEY; WC_URL (https://shop.example), WC_KEY and WC_SECRET (WooCommerce, Settings,
Advanced, REST API: read/write); WP_USER and WP_PASSWORD (an application password of a user who may upload). Run it
again at any time: a product whose first picture has not changed since is skipped. The old picture stays, as the
second one.
"""

import base64
import json
import os
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from typing import Any

SHOP = os.environ["WC_URL"].rstrip("/") + "/wp-json"
DONE = "_cutline_result"
PAGE = 50
LARGEST = 4_500_000


class Undone(Exception):
    """A picture that is not cut out; the others go on."""


def main() -> None:
    """Works through all published products."""
    dry_run, undone = "--dry-run" in sys.argv[1:], 0
    for product in products():
        pictures, done = product["images"], known(product)
        if not pictures or str(pictures[0]["id"]) == done:
            continue
        print(f"{product['id']} {product['name']}: {pictures[0]['src']}", flush=True)
        try:
            if not dry_run:
                replace_first(product, pictures)
        except Undone as reason:
            undone += 1
            print(f"{product['id']}: {reason}", file=sys.stderr)
    if undone:
        raise SystemExit(f"not cut out: {undone}")


def products() -> Iterator[Any]:
    """Yields every published product, oldest first, so that new ones do not shift the pages."""
    page, found = 1, True
    while found:
        query = f"per_page={PAGE}&page={page}&status=publish&orderby=id&order=asc"
        found = shop("GET", f"/wc/v3/products?{query}")
        yield from found
        page += 1


def known(product: Any) -> str:
    """Returns the id of the picture that an earlier run made for this product."""
    return next((str(entry["value"]) for entry in product["meta_data"] if entry["key"] == DONE), "")


def replace_first(product: Any, pictures: Any) -> None:
    """Cuts out the first picture, uploads the result and puts it before the others."""
    with urllib.request.urlopen(pictures[0]["src"], timeout=60) as answer:
        photo = answer.read()
    # The same key for the same picture: a run that was interrupted pays once.
    result = cut_out(photo, f"woocommerce-{product['id']}-{pictures[0]['id']}")
    name = f"product-{product['id']}-white.jpg"
    headers = {"Content-Type": "image/jpeg", "Content-Disposition": f'attachment; filename="{name}"'}
    made = shop("POST", "/wp/v2/media", result, headers)
    change = {
        "images": [{"id": made["id"]}, *({"id": picture["id"]} for picture in pictures)],
        "meta_data": [{"key": DONE, "value": str(made["id"])}],
    }
    shop("PUT", f"/wc/v3/products/{product['id']}", json.dumps(change).encode(), {"Content-Type": "application/json"})


def cut_out(photo: bytes, key: str) -> bytes:
    """Returns the subject on white, cropped, as JPEG. Raises Undone."""
    if len(photo) > LARGEST:
        raise Undone("the picture is larger than a call can carry")
    fields = {"sync": "1", "type": "object", "format": "jpg", "bg_color": "ffffff", "crop": "1"}
    boundary = uuid.uuid4().hex
    opening = f"--{boundary}\r\nContent-Disposition: form-data; "
    parts = [f'{opening}name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()]
    parts += [f'{opening}name="image_file"; filename="photo"\r\n\r\n'.encode(), photo]
    headers = {
        "X-API-KEY": os.environ["CUTLINE_API_KEY"],
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Idempotency-Key": key,
    }
    body = b"".join([*parts, f"\r\n--{boundary}--\r\n".encode()])
    url = os.environ["CUTLINE_URL"].rstrip("/") + "/api/tasks/visual/segmentation"
    data = json.loads(send(urllib.request.Request(url, body, headers)))["data"]
    if data["state"] != 1:
        raise Undone(f"nothing could be cut out: state {data['state']}")
    return send(urllib.request.Request(data["image"]))


def shop(method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Any:
    """Returns the shop's answer. WooCommerce's routes take its key, WordPress's the application password."""
    names = ("WC_KEY", "WC_SECRET") if path.startswith("/wc/") else ("WP_USER", "WP_PASSWORD")
    credentials = ":".join(os.environ[name] for name in names)
    basic = {"Authorization": "Basic " + base64.b64encode(credentials.encode()).decode()}
    return json.loads(send(urllib.request.Request(SHOP + path, body, {**basic, **(headers or {})}, method=method)))


def send(request: urllib.request.Request) -> bytes:
    """Returns the answer's body; retry.py shows how to try again."""
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            raise SystemExit(
                f"{request.full_url}: {error.code} {error.read()[:300].decode(errors='replace')}"
            ) from error


if __name__ == "__main__":
    main()
