"""Stand-ins for a WooCommerce and a Shopify shop: as much of their APIs as the recipes use, with their refusals."""

import base64
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from devkit.listening import QuietHandler, listening

WC, WP, TOKEN = ("ck_1", "cs_1"), ("editor", "abcd efgh"), "shpat_1"
Answer = tuple[int, Any]


@dataclass
class Store(ABC):
    """Products, uploads, and the picture behind every path but those in `others`; `address` once it serves."""

    photo: bytes
    others: dict[str, bytes] = field(default_factory=dict)
    address: str = ""
    uploads: dict[str, bytes] = field(default_factory=dict)
    products: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    @abstractmethod
    def answer(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        """The status and the document that a request is answered with."""


@dataclass
class WooCommerce(Store):
    """Two products with a picture each, a third without."""

    def __post_init__(self) -> None:
        for number in (1, 2):
            image = {"id": 10 + number, "src": f"PHOTO/{number}.jpg"}
            self.products.append({"id": number, "name": f"Mug {number}", "images": [image], "meta_data": []})
        self.products.append({"id": 3, "name": "Nothing", "images": [], "meta_data": []})

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        user = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode()
        expected = ":".join(WC if "/wc/" in path else WP)
        if user != expected:
            return 401, {"code": "rest_forbidden"}
        if method == "GET":
            page = int(re.findall(r"[?&]page=(\d+)", path)[0])
            return 200, json.loads(json.dumps(self.products if page == 1 else []).replace("PHOTO", self.address))
        if path == "/wp-json/wp/v2/media":
            name = re.findall(r'filename="(.+)"', headers["Content-Disposition"])[0]
            assert headers["Content-Type"] == "image/jpeg"
            self.uploads[name] = body
            return 201, {"id": 100 + len(self.uploads), "source_url": f"{self.address}/{name}"}
        product = next(item for item in self.products if path.endswith(f"/products/{item['id']}"))
        change = json.loads(body)
        product["images"] = [{"src": f"PHOTO/{image['id']}.jpg", **image} for image in change["images"]]
        product["meta_data"] = change["meta_data"]
        return 200, product


@dataclass
class Shopify(Store):
    """A product with a picture, one without, one that is tagged."""

    def __post_init__(self) -> None:
        for number, tags in ((1, []), (2, []), (3, ["cutline"])):
            media = (
                [] if number == 2 else [{"id": f"gid://shopify/MediaImage/{number}", "image": {"url": "PHOTO/1.jpg"}}]
            )
            self.products.append(
                {"id": f"gid://shopify/Product/{number}", "title": "Mug", "media": media, "tags": tags}
            )

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        if path == "/staged":
            fields, _, file = body.partition(b'name="file"')
            assert b'name="policy"' in fields
            self.uploads["staged"] = file.partition(b"\r\n\r\n")[2].rpartition(b"\r\n--")[0]
            return 201, {}
        if headers["X-Shopify-Access-Token"] != TOKEN:
            return 401, {"errors": "[API] Invalid API key or access token"}
        call = json.loads(body)
        name = re.findall(r"(?:query|mutation) (\w+)\(", call["query"])[0]
        self.calls.append(name)
        answers: dict[str, Callable[[Any], Any]] = {
            "Products": self._list,
            "Stage": self._stage,
            "Add": self._add,
            "First": self._move,
            "Done": self._tag,
        }
        return 200, {"data": answers[name](call["variables"])}

    def _list(self, variables: Any) -> Any:
        nodes = [
            {**product, "media": {"nodes": product["media"][:1]}}
            for product in self.products
            if "cutline" not in product["tags"]
        ]
        text = json.dumps({"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}})
        return {"products": json.loads(text.replace("PHOTO", self.address))}

    def _stage(self, variables: Any) -> Any:
        assert variables["input"][0]["resource"] == "IMAGE"
        target = {"url": f"{self.address}/staged", "resourceUrl": f"{self.address}/staged/white.jpg"}
        parameters = [{"name": "policy", "value": "p"}]
        return {"stagedUploadsCreate": {"stagedTargets": [{**target, "parameters": parameters}], "userErrors": []}}

    def _add(self, variables: Any) -> Any:
        if not variables["media"][0]["originalSource"].startswith(self.address):
            return {"productUpdate": {"product": None, "userErrors": [{"message": "Invalid image"}]}}
        made = {"id": "gid://shopify/MediaImage/99", "image": {"url": "PHOTO/99.jpg"}}
        self._product(variables["product"]["id"])["media"].append(made)
        return {"productUpdate": {"product": {"media": {"nodes": [{"id": made["id"]}]}}, "userErrors": []}}

    def _move(self, variables: Any) -> Any:
        media = self._product(variables["id"])["media"]
        (move,) = variables["moves"]
        moved = next(item for item in media if item["id"] == move["id"])
        media.remove(moved)
        media.insert(int(move["newPosition"]), moved)
        return {"productReorderMedia": {"job": {"id": "1"}, "mediaUserErrors": []}}

    def _tag(self, variables: Any) -> Any:
        self._product(variables["id"])["tags"] += variables["tags"]
        return {"tagsAdd": {"userErrors": []}}

    def _product(self, product_id: str) -> dict[str, Any]:
        return next(item for item in self.products if item["id"] == product_id)


@contextmanager
def serving(store: Store) -> Iterator[Store]:
    """The shop on a free port while the block runs."""

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            if self.path.endswith(".jpg"):
                self._send(200, store.others.get(self.path, store.photo), "image/jpeg")
            else:
                self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_PUT(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, document = store.answer(self.command, self.path, self.headers, body)
            self._send(status, json.dumps(document).encode(), "application/json")

        def _send(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with listening(Handler) as store.address:
        yield store
