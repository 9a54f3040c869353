"""Links lead to the file, or to its WebP for callers who prefer that."""

import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
import numpy as np
import pytest
from aws_lambda_powertools import Logger, Metrics
from botocore.exceptions import ClientError
from moto import mock_aws
from PIL import Image

from cutline.adapters.result_store import ResultStore
from cutline.contracts.wire import Response
from cutline.pipeline.codecs.encode import as_webp, encode_png
from cutline.serving.native import LinkService
from tests.support.calls import call

NOW = 1_700_000_000
CUTOUT = np.dstack([np.full((40, 60, 3), 200, np.uint8), np.tile(np.arange(60, dtype=np.uint8) * 4, (40, 1))])


class Links:
    """The service over a bucket in memory, and how often it made a WebP."""

    def __init__(self, s3: Any) -> None:
        self.s3, self.made = s3, 0
        self.store = ResultStore(s3, "out", lambda: b"secret")
        self.service = LinkService(
            results=self.store,
            as_webp=self._as_webp,
            logger=Logger(service="links"),
            metrics=Metrics("Cutline", "links"),
        )

    def _as_webp(self, png: bytes) -> bytes | None:
        self.made += 1
        return as_webp(png)

    def follow(self, key: str, accept: str = "image/webp,*/*", method: str = "GET") -> Response:
        token = self.store.link("https://shop.example", key, NOW + 600).rpartition("/")[2]
        return self.service.handle(call(method=method, headers={"accept": accept}), token)

    def file_behind(self, response: Response) -> tuple[str, bytes, str]:
        """Key, body and content type of what a redirect leads to."""
        assert (response.status, response.headers["Vary"]) == (302, "Accept")
        key = urlsplit(response.headers["Location"]).path.removeprefix("/out").removeprefix("/")
        answer = self.s3.get_object(Bucket="out", Key=key)
        return key, answer["Body"].read(), answer["ContentType"]


@pytest.fixture
def links() -> Iterator[Links]:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="out")
        yield Links(s3)


def test_a_page_gets_a_webp_that_is_made_once(links: Links) -> None:
    links.store.put_at("r/shop/a-image.png", encode_png(CUTOUT), "image/png")
    for method in ("GET", "HEAD", "GET"):
        key, body, content_type = links.file_behind(links.follow("r/shop/a-image.png", method=method))
        assert (key, content_type) == ("r/shop/a-image.webp", "image/webp")
    assert links.made == 1
    with Image.open(io.BytesIO(body)) as image:
        pixels = np.asarray(image.convert("RGBA")).astype(int)
    assert np.array_equal(pixels[..., 3], CUTOUT[..., 3])
    assert np.abs(pixels[..., :3] - CUTOUT[..., :3])[CUTOUT[..., 3] > 128].max() < 4


@pytest.mark.parametrize("accept", ["", "*/*", "text/html,image/webp,*/*;q=0.8"])
def test_all_other_browsers_get_the_file_as_it_was_made(links: Links, accept: str) -> None:
    links.store.put_at("r/shop/a.png", encode_png(CUTOUT), "image/png")
    assert links.file_behind(links.follow("r/shop/a.png", accept))[0] == "r/shop/a.png"
    assert links.made == 0


@pytest.mark.parametrize(
    ("key", "file"),
    [
        ("r/shop/a-mask.png", encode_png(CUTOUT[..., 3])),
        ("r/shop/6f0c9d2e.png", encode_png(CUTOUT[..., 3])),
        ("r/shop/a.jpg", b"a JPEG"),
        ("r/shop/a.webp", b"a WebP"),
        ("in/shop/auto/x.jpg.png", encode_png(CUTOUT)),
        ("r/shop/long.png", encode_png(np.zeros((1, 16_384, 3), np.uint8))),
    ],
    ids=["a task's mask", "a mask", "jpeg", "webp", "a drop's", "too long"],
)
def test_a_file_without_a_webp_is_led_to_unchanged(links: Links, key: str, file: bytes) -> None:
    links.store.put_at(key, file, "image/png")
    assert links.file_behind(links.follow(key))[:2] == (key, file)
    assert len(links.s3.list_objects_v2(Bucket="out")["Contents"]) == 1


def test_a_webp_that_cannot_be_stored_leaves_the_result(links: Links, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "SlowDown"}}, "PutObject")

    links.store.put_at("r/shop/a.png", encode_png(CUTOUT), "image/png")
    monkeypatch.setattr(links.s3, "put_object", refuse)
    assert links.file_behind(links.follow("r/shop/a.png"))[0] == "r/shop/a.png"


def test_a_result_that_is_gone_is_s3s_to_answer(links: Links) -> None:
    response = links.follow("r/shop/gone.png")
    assert (response.status, "/r/shop/gone.png" in response.headers["Location"]) == (302, True)


def test_a_forged_link_is_not_found_in_any_format(links: Links) -> None:
    request = call(method="GET", headers={"accept": "image/webp"})
    assert links.service.handle(request, "forged.png").status == 404
