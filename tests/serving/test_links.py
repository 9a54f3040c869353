"""Links lead to the file, or to its WebP for callers who prefer that: made once, within bounds, the file meanwhile."""

import io
import struct
import time
from collections.abc import Callable

import numpy as np
import pytest
from botocore.exceptions import ClientError
from PIL import Image

from cutline.accounts.meter import day_of
from cutline.pipeline.codecs import encode
from cutline.pipeline.codecs.encode import as_webp, encode_png
from cutline.serving import derived as derived_module
from cutline.serving.derived import LEASE_S, MAX_PX
from tests.support.calls import call
from tests.support.damaged import TEXTS
from tests.support.links import ACCOUNT, CUTOUT, NOW, Links


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
