"""Puts cut-outs on white before the first pictures of a Shopify shop. Needs Python's standard library only.

    python docs/examples/shopify.py [--dry-run]

Reads CUTLINE_URL, CUTLINE_API_KEY; SHOPIFY_URL (https://name.myshopify.com) and SHOPIFY_TOKEN (Admin API access token
of an app with read_products, write_products, write_files). Products that are done get the tag `cutline` and are
skipped when you run it again; remove the tag for another try. The old picture stays, as the second one.
"""

import json
import os
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from typing import Any

GRAPHQL = os.environ["SHOPIFY_URL"].rstrip("/") + "/admin/api/2026-01/graphql.json"
PRODUCTS = """query Products($after: String) { products(first: 50, after: $after, query: "-tag:cutline") {
  nodes { id title media(first: 1) { nodes { ... on MediaImage { id image { url } } } } }
  pageInfo { hasNextPage endCursor } } }"""
STAGE = """mutation Stage($input: [StagedUploadInput!]!) { stagedUploadsCreate(input: $input) {
  stagedTargets { url resourceUrl parameters { name value } } userErrors { message } } }"""
ADD = """mutation Add($product: ProductUpdateInput!, $media: [CreateMediaInput!]) {
  productUpdate(product: $product, media: $media) {
    product { media(last: 1) { nodes { id } } } userErrors { message } } }"""
FIRST = """mutation First($id: ID!, $moves: [MoveInput!]!) { productReorderMedia(id: $id, moves: $moves) {
  job { id } mediaUserErrors { message } } }"""
DONE = """mutation Done($id: ID!, $tags: [String!]!) { tagsAdd(id: $id, tags: $tags) { userErrors { message } } }"""
LARGEST = 4_500_000


class Undone(Exception):
    """A picture that is not cut out; the others go on."""


def main() -> None:
    """Works through all products that are not tagged."""
    dry_run, undone = "--dry-run" in sys.argv[1:], 0
    for product in list(products()):
        pictures = [node for node in product["media"]["nodes"] if node.get("image")]
        if not pictures:
            continue
        print(f"{product['id']} {product['title']}: {pictures[0]['image']['url']}", flush=True)
        try:
            if not dry_run:
                put_first(product, pictures[0])
        except Undone as reason:
            undone += 1
            print(f"{product['id']}: {reason}", file=sys.stderr)
    if undone:
        raise SystemExit(f"not cut out: {undone}")


def products() -> Iterator[Any]:
    """Yields every product without the tag."""
    after, more = None, True
    while more:
        found = ask(PRODUCTS, {"after": after})["products"]
        yield from found["nodes"]
        after, more = found["pageInfo"]["endCursor"], found["pageInfo"]["hasNextPage"]


def put_first(product: Any, picture: Any) -> None:
    """Cuts out the picture, uploads the result, and puts it before the others."""
    photo = send(urllib.request.Request(picture["image"]["url"]))
    # The same key for the same picture: a run that was interrupted pays once.
    result = cut_out(photo, f"shopify-{picture['id'].rpartition('/')[2]}")
    file = {"filename": "white.jpg", "mimeType": "image/jpeg", "resource": "IMAGE", "httpMethod": "POST"}
    (target,) = ask(STAGE, {"input": [file]})["stagedUploadsCreate"]["stagedTargets"]
    fields = {parameter["name"]: parameter["value"] for parameter in target["parameters"]}
    body, content_type = form(fields, "file", result)
    send(urllib.request.Request(target["url"], body, {"Content-Type": content_type}))
    media = {"mediaContentType": "IMAGE", "originalSource": target["resourceUrl"], "alt": product["title"]}
    added = ask(ADD, {"product": {"id": product["id"]}, "media": [media]})["productUpdate"]
    (made,) = added["product"]["media"]["nodes"]
    ask(FIRST, {"id": product["id"], "moves": [{"id": made["id"], "newPosition": "0"}]})
    ask(DONE, {"id": product["id"], "tags": ["cutline"]})


def cut_out(photo: bytes, key: str) -> bytes:
    """Returns the subject on white, cropped, as JPEG. Raises Undone."""
    if len(photo) > LARGEST:
        raise Undone("the picture is larger than a call can carry")
    options = {"sync": "1", "type": "object", "format": "jpg", "bg_color": "ffffff", "crop": "1"}
    body, content_type = form(options, "image_file", photo)
    headers = {"X-API-KEY": os.environ["CUTLINE_API_KEY"], "Content-Type": content_type, "Idempotency-Key": key}
    url = os.environ["CUTLINE_URL"].rstrip("/") + "/api/tasks/visual/segmentation"
    data = json.loads(send(urllib.request.Request(url, body, headers)))["data"]
    if data["state"] != 1:
        raise Undone(f"nothing could be cut out: state {data['state']}")
    return send(urllib.request.Request(data["image"]))


def ask(query: str, variables: dict[str, Any]) -> Any:
    """Returns the data of a GraphQL answer; its errors come with status 200."""
    headers = {"Content-Type": "application/json", "X-Shopify-Access-Token": os.environ["SHOPIFY_TOKEN"]}
    body = json.dumps({"query": query, "variables": variables}).encode()
    answer = json.loads(send(urllib.request.Request(GRAPHQL, body, headers)))
    problems = answer.get("errors") or [
        error
        for part in answer["data"].values()
        for name in ("userErrors", "mediaUserErrors")
        for error in part.get(name) or []
    ]
    if problems:
        raise SystemExit(f"Shopify: {problems}")
    return answer["data"]


def form(fields: dict[str, str], name: str, file: bytes) -> tuple[bytes, str]:
    """Encodes multipart/form-data with the file last, as S3 requires; returns it and its content type."""
    boundary = uuid.uuid4().hex
    opening = f"--{boundary}\r\nContent-Disposition: form-data; "
    parts = [f'{opening}name="{field}"\r\n\r\n{value}\r\n'.encode() for field, value in fields.items()]
    parts += [f'{opening}name="{name}"; filename="white.jpg"\r\n\r\n'.encode(), file]
    return b"".join([*parts, f"\r\n--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"


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
