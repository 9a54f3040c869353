"""Links lead to the file, or to its WebP for callers who prefer that: made once, within bounds, the file meanwhile."""

import io
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import boto3
import numpy as np
import pytest
from aws_lambda_powertools import Logger, Metrics
from botocore.exceptions import ClientError
from moto import mock_aws
from PIL import Image

from cutline.accounts.account import Account, AccountStore
from cutline.accounts.meter import Meter, day_of
from cutline.adapters.kms import KmsCipher
from cutline.adapters.link_secret import LinkSecret
from cutline.adapters.result_store import ResultStore
from cutline.contracts.wire import Response
from cutline.pipeline.codecs import encode
from cutline.pipeline.codecs.encode import as_webp, encode_png
from cutline.pipeline.options import VariantOptions
from cutline.pipeline.outputs.variant import reduce_result, render_variant
from cutline.serving import derived as derived_module
from cutline.serving import variants as variants_module
from cutline.serving.derived import LEASE_S, MAX_PX, DerivedFiles
from cutline.serving.native import LinkService
from cutline.serving.variants import MAX_VARIANTS, Variants
from devkit.memory_table import MemoryTable, client_error
from tests.support.calls import call
from tests.support.damaged import TEXTS

NOW = 1_700_000_000
ACCOUNT = Account("shop", qps=2)
CUTOUT = np.dstack([np.full((40, 60, 3), 200, np.uint8), np.tile(np.arange(60, dtype=np.uint8) * 4, (40, 1))])


class Links:
    """The service over a bucket and a table in memory, what it does to make a WebP, and how often it did it."""

    def __init__(self, s3: Any) -> None:
        self.s3, self.made, self.reduced, self.now = s3, 0, 0, float(NOW)
        self.make: Callable[[bytes], bytes | None] = as_webp
        self.render: Callable[[bytes, VariantOptions], bytes] = render_variant
        self.store = ResultStore(s3, "out", lambda: LinkSecret.parse("secret"))
        self.table, accounts = MemoryTable("meter", "pk", "sk"), MemoryTable("accounts", "pk")
        self.meter = Meter(self.table, max_in_flight=5)
        registry = AccountStore(accounts, KmsCipher(None, ""))
        registry.put_account(ACCOUNT)
        logger = Logger(service="links")
        derived = DerivedFiles(self.store, self.table, registry, self.meter, logger, clock=lambda: self.now)
        self.service = LinkService(
            results=self.store,
            derived=derived,
            variants=Variants(self.store, derived, self._render, self._reduce),
            as_webp=self._as_webp,
            logger=logger,
            metrics=Metrics("Cutline", "links"),
        )

    def _as_webp(self, png: bytes) -> bytes | None:
        self.made += 1
        return self.make(png)

    def _render(self, png: bytes, options: VariantOptions) -> bytes:
        self.made += 1
        return self.render(png, options)

    def _reduce(self, png: bytes) -> bytes:
        self.reduced += 1
        return reduce_result(png)

    def vary(self, key: str, method: str = "GET", match: str = "", **query: str) -> Response:
        """The answer to a link with parameters."""
        token = self.store.link("https://shop.example", key, NOW + 600).rpartition("/")[2]
        request = replace(call(method=method, headers={"if-none-match": match}), query=tuple(query.items()))
        return self.service.handle(request, token)

    def follow(self, key: str, accept: str = "image/webp,*/*", method: str = "GET") -> Response:
        token = self.store.link("https://shop.example", key, NOW + 600).rpartition("/")[2]
        return self.service.handle(call(method=method, headers={"accept": accept}), token)

    def lead_to(self, key: str) -> str:
        """The name of the file that a page is led to."""
        return str(urlsplit(self.follow(key).headers["Location"]).path).rpartition("/")[2]

    def file_behind(self, response: Response) -> tuple[str, bytes, str]:
        """Key, body and content type of what a redirect leads to."""
        assert (response.status, response.headers["Vary"]) == (302, "Accept")
        key = urlsplit(response.headers["Location"]).path.removeprefix("/out").removeprefix("/")
        answer = self.s3.get_object(Bucket="out", Key=key)
        return key, answer["Body"].read(), answer["ContentType"]

    def in_flight(self) -> int:
        """The account's calls in flight."""
        return sum(int(item.get("under_way", 0)) for item in self.table.items.values())


@pytest.fixture
def links(monkeypatch: pytest.MonkeyPatch) -> Iterator[Links]:
    monkeypatch.setattr(derived_module, "_POLL_S", 0.001)
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


def test_damaged_headers_and_parameters_of_a_link_are_refused_or_passed_over(links: Links) -> None:
    links.store.put_at("r/shop/a.png", encode_png(CUTOUT), "image/png")
    for text in TEXTS:
        assert links.follow("r/shop/a.png", text).status == 302, text[:20]
        assert links.vary("r/shop/a.png", match=text, w="20").status in (200, 304), text[:20]
        for name in ("w", "h", "fit", "bg", "format", "shadow", "profile", "version", "quality"):
            assert links.vary("r/shop/a.png", **{name: text}).status in (200, 302, 400, 404), (name, text[:20])
    # Every refusal left what is stored as it was: the result, its WebP and the one variant.
    assert len(links.s3.list_objects_v2(Bucket="out")["Contents"]) <= 3


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


def with_size(width: int, height: int) -> bytes:
    """A small PNG whose header names a size."""
    png = encode_png(CUTOUT)
    return png[:16] + struct.pack(">II", width, height) + png[24:]


@pytest.mark.parametrize(("width", "height", "made"), [(MAX_PX, 1, 1), (MAX_PX + 1, 1, 0), (4096, 4096, 0), (0, 5, 0)])
def test_no_more_than_3_megapixels_are_made_while_a_page_waits(
    links: Links, width: int, height: int, made: int
) -> None:
    links.make = lambda png: b"a WebP"
    links.store.put_at("r/shop/a.png", with_size(width, height), "image/png")
    read: list[str] = []
    links.s3.meta.events.register(
        "before-call.s3.GetObject", lambda params, **_: read.append(params["headers"].get("Range", "whole"))
    )
    assert [links.lead_to("r/shop/a.png") for _ in range(3)] == [f"a.{'webp' if made else 'png'}"] * 3
    assert links.made == made
    # Of a picture that is too large only the header is read, and only once.
    assert read == ["bytes=0-32", *["whole"] * made]


def fails(png: bytes) -> bytes | None:
    raise OSError("broken")


def takes_too_long(png: bytes) -> bytes | None:
    time.sleep(30)
    return b""


@pytest.mark.parametrize("make", [fails, takes_too_long])
def test_what_failed_twice_is_not_tried_again(
    links: Links, monkeypatch: pytest.MonkeyPatch, make: Callable[[bytes], bytes | None]
) -> None:
    monkeypatch.setattr(derived_module, "TIME_LIMIT_MS", 50)
    links.make = make
    links.store.put_at("r/shop/a.png", encode_png(CUTOUT), "image/png")
    for _ in range(6):
        assert links.lead_to("r/shop/a.png") == "a.png"
        links.now += LEASE_S + 1
    assert (links.made, links.in_flight()) == (2, 0)


def test_an_encoder_that_might_overrun_is_not_started(links: Links, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "WORST_S_PER_PX", {"WEBP": 1.0})
    links.store.put_at("r/shop/a.png", encode_png(CUTOUT), "image/png")
    began = time.monotonic()
    assert links.lead_to("r/shop/a.png") == "a.png"
    assert time.monotonic() - began < 3


def test_a_page_does_not_wait_for_the_webp_of_another_and_takes_over_from_a_dead_one(links: Links) -> None:
    links.store.put_at("r/shop/a.png", encode_png(CUTOUT), "image/png")
    seen: list[str] = []

    def meanwhile(png: bytes) -> bytes | None:
        links.make = as_webp
        seen.append(links.lead_to("r/shop/a.png"))
        raise KeyboardInterrupt  # killed

    links.make = meanwhile
    with pytest.raises(KeyboardInterrupt):
        links.follow("r/shop/a.png")
    assert (seen, links.made) == (["a.png"], 1)
    assert links.lead_to("r/shop/a.png") == "a.png", "its lease lives"
    links.now += LEASE_S + 1
    assert links.lead_to("r/shop/a.png") == "a.webp"
    assert links.made == 2


def test_making_one_counts_among_the_calls_in_flight_of_the_results_account(links: Links) -> None:
    links.store.put_at("r/shop/a.png", encode_png(CUTOUT), "image/png")
    at_work: list[int] = []
    links.make = lambda png: at_work.append(links.in_flight()) or as_webp(png)
    calls = [links.meter.enter(ACCOUNT, f"call-{n}", day_of(NOW)) for n in range(4)]
    for _ in range(4):
        assert links.lead_to("r/shop/a.png") == "a.png", "the account has its most in flight"
    links.meter.end_wait(calls.pop())
    assert links.lead_to("r/shop/a.png") == "a.webp"
    assert (at_work, links.in_flight()) == ([4], 3)


def test_of_an_account_that_is_gone_nothing_is_made(links: Links) -> None:
    links.store.put_at("r/gone/a.png", encode_png(CUTOUT), "image/png")
    assert links.lead_to("r/gone/a.png") == "a.png"
    assert links.made == 0


def test_a_result_that_is_gone_is_s3s_to_answer(links: Links) -> None:
    response = links.follow("r/shop/gone.png")
    assert (response.status, "/r/shop/gone.png" in response.headers["Location"]) == (302, True)


def test_a_forged_link_is_not_found_in_any_format(links: Links) -> None:
    request = call(method="GET", headers={"accept": "image/webp"})
    answer = links.service.handle(request, "forged.png")
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (404, "*")


def test_a_result_that_cannot_be_mended_has_a_first_version(links: Links) -> None:
    """So that a page may name the version in every address."""
    links.store.put_at("r/shop/a.png", encode_png(CUTOUT), "image/png")
    assert links.file_behind(links.vary("r/shop/a.png", version="1"))[0] == "r/shop/a.png"
    assert links.vary("r/shop/a.png", version="2").status == 404
    assert links.vary("r/shop/gone.png", version="1").status == 404


def test_a_variant_is_rendered_once_and_carries_what_caches_need(links: Links) -> None:
    links.store.put_at("r/shop/a.png", encode_png(CUTOUT), "image/png")
    response = links.vary("r/shop/a.png", w="30", bg="ffffff", format="webp")
    again = links.vary("r/shop/a.png", format="webp", bg="white", w="30")
    assert (response.status, again.body, links.made) == (200, response.body, 1)
    with Image.open(io.BytesIO(response.body)) as image:
        assert (image.format, image.size) == ("WEBP", (30, 20))
    etag = response.headers["ETag"]
    assert response.headers["Content-Type"] == "image/webp"
    assert response.headers["Cache-Control"] == "public, max-age=300"
    same = links.vary("r/shop/a.png", match=f'"x", {etag}', w="30", bg="ffffff", format="webp")
    assert (same.status, same.body, same.headers["ETag"]) == (304, b"", etag)
    asked = links.vary("r/shop/a.png", method="HEAD", w="30", bg="ffffff", format="webp")
    assert (asked.status, asked.body, links.made) == (200, b"", 1)
    # A result that was replaced has a variant of its own.
    links.store.put_at("r/shop/a.png", encode_png(CUTOUT[:, ::-1].copy()), "image/png")
    assert links.vary("r/shop/a.png", w="30", bg="ffffff", format="webp").headers["ETag"] != etag
    assert (links.made, links.in_flight()) == (2, 0)


def test_a_drops_result_has_variants_outside_of_the_drops_folder(links: Links) -> None:
    links.store.put_at("in/shop/auto/x.jpg.png", encode_png(CUTOUT), "image/png")
    assert links.vary("in/shop/auto/x.jpg.png", w="30").status == 200
    keys = {item["Key"] for item in links.s3.list_objects_v2(Bucket="out")["Contents"]}
    assert [key[:15] for key in keys - {"in/shop/auto/x.jpg.png"}] == ["r/shop/variant-"]


@pytest.mark.parametrize(
    ("key", "file", "query", "status", "words"),
    [
        ("r/shop/a.png", encode_png(CUTOUT), {"w": "x"}, 400, "1 to 3000"),
        ("r/shop/a-mask.png", encode_png(CUTOUT[..., 3]), {"w": "9"}, 400, "not of masks"),
        ("r/shop/a.jpg", b"a JPEG", {"w": "9"}, 400, "not of masks"),
        ("r/shop/a.png", encode_png(CUTOUT[..., :3]), {"bg": "000000"}, 400, "transparent result"),
        ("r/shop/a.png", encode_png(np.zeros((9, 9, 4), np.uint8)), {"profile": "amazon-main"}, 400, "no subject"),
        ("r/gone/a.png", encode_png(CUTOUT), {"w": "9"}, 503, ""),
    ],
)
def test_a_variant_that_cannot_be_made_is_refused_and_leaves_nothing(
    links: Links, key: str, file: bytes, query: dict[str, str], status: int, words: str
) -> None:
    links.store.put_at(key, file, "image/png")
    for _ in range(3):
        response = links.vary(key, **query)
        assert (response.status, words in response.body.decode()) == (status, True)
        assert response.headers["Access-Control-Allow-Origin"] == "*", "a page may read why"
    assert len(links.s3.list_objects_v2(Bucket="out")["Contents"]) == 1
    assert links.in_flight() == 0


@pytest.mark.parametrize(
    ("queries", "reduced"),
    [
        ([{"w": "800", "h": "800"}, {"w": "40", "bg": "ffffff"}, {"h": "700", "format": "webp"}], 1),
        ([{"w": "900"}, {"w": "800", "h": "500", "fit": "cover"}, {"format": "jpg"}, {"profile": "amazon-main"}], 0),
    ],
    ids=["small", "large"],
)
def test_small_variants_of_a_large_result_are_made_of_one_reduced_copy(
    links: Links, queries: list[dict[str, str]], reduced: int
) -> None:
    large = np.asarray(Image.fromarray(CUTOUT).resize((1200, 1600)))
    links.store.put_at("r/shop/a.png", encode_png(large), "image/png")
    answers = [links.vary("r/shop/a.png", **query) for query in queries]
    assert ([answer.status for answer in answers], links.reduced) == ([200] * len(queries), reduced)
    width, height = links.vary("r/shop/a.png", w="400").body[16:20], links.vary("r/shop/a.png", w="400").body[20:24]
    assert (int.from_bytes(width), int.from_bytes(height)) == (400, 533)


def test_a_variant_of_a_deleted_result_is_not_found(links: Links) -> None:
    assert links.vary("r/shop/gone.png", w="9").status == 404


def test_a_result_has_a_bounded_number_of_variants(links: Links) -> None:
    links.store.put_at("r/shop/a.png", encode_png(CUTOUT), "image/png")
    links.render = lambda png, options: b"a variant"
    answers = [links.vary("r/shop/a.png", w=str(side)).status for side in range(1, MAX_VARIANTS + 3)]
    assert answers == [200] * MAX_VARIANTS + [400] * 2
    assert links.vary("r/shop/a.png", w="1").status == 200
    assert links.made == MAX_VARIANTS


def test_a_new_version_of_a_result_has_variants_of_its_own(links: Links) -> None:
    links.render = lambda png, options: b"a variant"
    for colour in (200, 100):
        links.store.put_at("r/shop/a.png", encode_png(np.full_like(CUTOUT, colour)), "image/png")
        answers = [links.vary("r/shop/a.png", w=str(side)).status for side in range(1, MAX_VARIANTS + 2)]
        assert answers == [200] * MAX_VARIANTS + [400]


@pytest.mark.parametrize(
    ("file", "query"),
    [
        (encode_png(CUTOUT), {"w": "3000"}),
        (encode_png(CUTOUT), {"w": "1800", "h": "1800", "format": "webp"}),
        (encode_png(CUTOUT[..., :3]), {"profile": "amazon-main"}),
    ],
)
def test_what_cannot_be_made_takes_none_of_a_results_variants(links: Links, file: bytes, query: dict[str, str]) -> None:
    """However many visitors a page has whose address is wrong."""
    links.store.put_at("r/shop/a.png", file, "image/png")
    answers = {links.vary("r/shop/a.png", **query).status for _ in range(MAX_VARIANTS + 1)}
    assert (answers, links.vary("r/shop/a.png", w="9").status, links.made) == ({400}, 200, 1)


def test_a_variant_counts_among_the_calls_in_flight(links: Links) -> None:
    links.store.put_at("r/shop/a.png", encode_png(CUTOUT), "image/png")
    calls = [links.meter.enter(ACCOUNT, f"call-{n}", day_of(NOW)) for n in range(4)]
    refused = links.vary("r/shop/a.png", w="9")
    assert (refused.status, refused.headers["Retry-After"], links.made) == (429, "1", 0)
    links.meter.end_wait(calls.pop())
    assert links.vary("r/shop/a.png", w="9").status == 200


def test_a_place_in_flight_that_cannot_be_given_back_changes_no_answer(
    links: Links, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise client_error("InternalServerError", 500)

    links.store.put_at("r/shop/a.png", encode_png(CUTOUT), "image/png")
    monkeypatch.setattr(links.meter, "end_wait", refuse)
    assert links.vary("r/shop/a.png", w="9").status == 200


def test_two_who_ask_for_a_variant_at_once_have_it_rendered_once(links: Links, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derived_module, "_POLL_S", 0.001)
    links.store.put_at("r/shop/a.png", encode_png(CUTOUT), "image/png")
    seen: list[Response] = []

    def meanwhile(png: bytes, options: VariantOptions) -> bytes:
        seen.append(links.vary("r/shop/a.png", w="9"))
        return render_variant(png, options)

    links.render = meanwhile
    assert links.vary("r/shop/a.png", w="9").status == 200
    assert [(busy.status, busy.headers["Retry-After"]) for busy in seen] == [(503, "1")]
    assert links.made == 1


def test_a_variant_that_an_answer_cannot_carry_is_led_to(links: Links, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variants_module, "MAX_INLINE_BYTES", 10)
    links.store.put_at("r/shop/a.png", encode_png(CUTOUT), "image/png")
    response = links.vary("r/shop/a.png", w="9")
    assert (response.status, response.body) == (302, b"")
    assert "/r/shop/variant-" in response.headers["Location"]
