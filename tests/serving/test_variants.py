"""Variants of a result: rendered once, bounded, refused where they cannot be made, of their own version."""

import io

import numpy as np
import pytest
from PIL import Image

from cutline.accounts.meter import day_of
from cutline.contracts.wire import Response
from cutline.pipeline.codecs.encode import encode_png
from cutline.pipeline.options import VariantOptions
from cutline.pipeline.outputs.variant import render_variant
from cutline.serving import derived as derived_module
from cutline.serving import variants as variants_module
from cutline.serving.variants import MAX_VARIANTS
from devkit.memory_table import client_error
from tests.support.links import ACCOUNT, CUTOUT, NOW, Links


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
