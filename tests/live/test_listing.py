"""Addresses in tables as shops export them, and shops' own APIs with their limits, on a server of this machine."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from cutline.batch.report import ReportLine, write_report
from cutline.live import shops
from cutline.live.listing import Listed, list_pictures, read_addresses
from cutline.live.shops import Shop, ShopFailed, live_pictures, open_shop
from tests.support.answering import answering
from tests.support.damaged import damaged_documents
from tests.support.stores import TOKEN, WC, Shopify, WooCommerce, serving

A, B, C = "https://a.example/1.jpg", "https://a.example/2.jpg?v=3", "http://b.example/3,x.png"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{A}\n{B}\n", [A, B]),
        (f"Handle,Image Src,Alt\nmug,{A},\nmug,,\ncup,{B},x\n", [A, B]),
        (f'ID,Images\n1,"{A}, {B}"\n2,"{C}"\n', [A, B, C]),
        (f"\ufeffimage_link,link\r\n{A},https://shop.example/p\r\n", [A]),
        (f"Id;Image;Alt, long\n1;{C};x\n", [C]),
        (f"id\timage\n1\t{C}\n", [C]),
    ],
)
def test_the_first_column_with_addresses_counts(text: str, expected: list[str]) -> None:
    assert read_addresses(text.encode(), "urls.csv") == expected


def test_a_text_has_an_address_a_line_with_its_commas() -> None:
    assert read_addresses(f"# live\n{C}, \n  {A}\r\n".encode(), "urls.TXT") == [f"{C},", A]


@pytest.mark.parametrize("data", [b"", b"name\nmug.jpg\n", b"\xff\xfe\x00", b'"' * 200_000])
def test_a_table_without_addresses_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"urls\.csv"):
        read_addresses(data, "urls.csv")


def test_files_folders_patterns_and_addresses_are_listed_once(tmp_path: Path) -> None:
    for name in ("a.jpg", "b/c.png", "b/.hidden.png", "list.doc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "urls.csv").write_text(A)
    found = list_pictures([str(tmp_path), f"{tmp_path}/*.jpg", str(tmp_path / "urls.csv"), A, str(tmp_path / "no.jpg")])
    assert found == [Listed(text) for text in (f"{tmp_path}/a.jpg", f"{tmp_path}/b/c.png", A, f"{tmp_path}/no.jpg")]


SHOPS = {
    "shopify": (Shopify, {"SHOPIFY_TOKEN": TOKEN}, "SHOPIFY_URL", ["Mug (1)"]),
    "woocommerce": (
        WooCommerce,
        dict(zip(("WC_KEY", "WC_SECRET"), WC, strict=True)),
        "WC_URL",
        ["Mug 1 (1)", "Mug 2 (2)"],
    ),
}


@pytest.mark.parametrize("kind", SHOPS)
def test_a_shops_first_pictures_are_listed_with_their_products(kind: str) -> None:
    make, credentials, address, products = SHOPS[kind]
    with serving(make(b"")) as store:
        shop = open_shop(kind, {**credentials, address: f"{store.address}/"})
        found = list(live_pictures(kind, shop, 1))
        assert [one.product for one in found] == products
        assert found[0].picture == f"{store.address}/1.jpg"
        wrong = open_shop(kind, {**dict.fromkeys(credentials, "no"), address: store.address})
        with pytest.raises(ShopFailed, match="refuses the credentials"):
            list(live_pictures(kind, wrong, 1))


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({}, "SHOPIFY_URL, SHOPIFY_TOKEN must be set"),
        ({"SHOPIFY_URL": "http://shop.example", "SHOPIFY_TOKEN": "t"}, "must be an https address"),
        ({"SHOPIFY_URL": "ftp://127.0.0.1", "SHOPIFY_TOKEN": "t"}, "must be an https address"),
        ({"SHOPIFY_URL": "https://[::1", "SHOPIFY_TOKEN": "t"}, "must be an https address"),
        ({"SHOPIFY_URL": "https://shop.example:port", "SHOPIFY_TOKEN": "t"}, "must be an https address"),
        ({"SHOPIFY_URL": "https://shop.example", "SHOPIFY_TOKEN": "a\nb"}, "printable ASCII"),
    ],
)
def test_a_shop_that_no_credential_should_be_sent_to_is_refused(environment: dict[str, str], problem: str) -> None:
    with pytest.raises(ShopFailed, match=problem):
        open_shop("shopify", environment)


def page(address: Any) -> dict[str, Any]:
    """A page of one product of Shopify's, after which it says that there is another."""
    product = {"title": "=1+1\n\ud800", "id": "gid/1", "media": {"nodes": [{"image": {"url": address}}]}}
    return {"data": {"products": {"nodes": [product], "pageInfo": {"hasNextPage": True, "endCursor": "x"}}}}


def test_a_damaged_page_is_a_listing_or_not_like_the_api() -> None:
    true = page("https://a.example/1.jpg")
    true["data"]["products"]["pageInfo"]["hasNextPage"] = False
    assert len(listed("shopify", true)) == 1
    for document in damaged_documents(true):
        for picture in listed("shopify", document):
            assert picture.is_address and picture.product.isprintable() and len(picture.product) <= 200
            assert write_report([ReportLine(picture.picture, product=picture.product)])
    for document in damaged_documents([{"id": 1, "name": "Mug", "images": [{"src": "https://a.example/1.jpg"}]}]):
        assert all(picture.is_address for picture in listed("woocommerce", document))


def listed(kind: str, document: Any) -> list[Listed]:
    """What is listed of a shop that answers with this, and then, if asked again, with an empty page."""
    answers = iter([document, []])

    class Answering(Shop):
        def ask(self, path: str, document: Any = None) -> Any:
            return json.loads(json.dumps(next(answers)))

    found: list[Listed] = []
    with suppress(ShopFailed):
        found += live_pictures(kind, Answering("https://shop.example", {}), 9)
    return found


@pytest.mark.parametrize("kind", ["shopify", "woocommerce"])
def test_a_shop_that_repeats_a_page_or_never_ends_it_is_given_up(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    product = {"id": 1, "name": "Mug", "images": []}
    document = page("https://a.example/1.jpg") if kind == "shopify" else [product]
    with answering((200, {}, document)) as (address, asked), pytest.raises(ShopFailed, match="the same page again"):
        list(live_pictures(kind, Shop(address, {}, lambda _: None), 1))
    assert len(asked) == 2
    monkeypatch.setattr(shops, "_MAX_ANSWER_BYTES", 1000)
    with answering((200, {}, b" " * 2000)) as (address, _), pytest.raises(ShopFailed, match="more than 1000 bytes"):
        list(live_pictures(kind, Shop(address, {}, lambda _: None), 1))


@pytest.mark.parametrize("count", [1, 50])
def test_a_page_of_products_costs_no_more_points_than_shopify_allows(count: int) -> None:
    asked: list[Any] = []

    class Asked(Shop):
        def ask(self, path: str, document: Any = None) -> Any:
            asked.append(document)
            answer = page(A)
            answer["data"]["products"]["nodes"][0]["media"]["nodes"].insert(0, {})  # a video
            return answer

    found = live_pictures("shopify", Asked("https://shop.example", {}), count)
    assert next(found).picture == A
    sizes = asked[0]["variables"]
    assert sizes["media"] >= max(count, 2)
    assert 2 + sizes["products"] * (3 + 2 * sizes["media"]) <= 1000
    assert sizes["products"] > 5


def test_a_shop_that_stays_busy_is_not_waited_for_after_the_last_try() -> None:
    waits: list[float] = []
    with answering((503, {}, {})) as (address, asked), pytest.raises(ShopFailed, match="503"):
        Shop(address, {}, waits.append).ask("/x", {})
    assert len(waits) == len(asked) - 1


@pytest.mark.parametrize("cost", [10**400, float("inf"), float("nan"), "x", None, [], {}])
def test_a_throttled_answer_without_a_true_cost_is_waited_for(cost: Any) -> None:
    waits: list[float] = []
    status = {"currentlyAvailable": 1, "restoreRate": 50.0}
    throttled = {**THROTTLED, "extensions": {"cost": {"requestedQueryCost": cost, "throttleStatus": status}}}
    with answering((200, {}, throttled), (200, {}, {"data": 1})) as (address, _):
        assert Shop(address, {}, waits.append).ask("/x", {}) == {"data": 1}
    assert 1 <= waits[0] <= 60


THROTTLED = {
    "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
    "extensions": {
        "cost": {"requestedQueryCost": 250, "throttleStatus": {"currentlyAvailable": 100, "restoreRate": 50.0}}
    },
}


@pytest.mark.parametrize(
    ("first", "waited"),
    [
        ((429, {"Retry-After": "7"}, {}), 7.0),
        ((429, {"Retry-After": "soon"}, {}), 1.0),
        ((429, {"Retry-After": "9999"}, {}), 60.0),
        ((503, {}, {}), 1.0),
        ((200, {}, THROTTLED), 3.0),
    ],
)
def test_a_shop_that_is_busy_is_waited_for(first: tuple[int, dict[str, str], Any], waited: float) -> None:
    waits: list[float] = []
    with answering(first, (200, {}, {"data": 1})) as (address, asked):
        assert Shop(address, {}, waits.append).ask("/x", {}) == {"data": 1}
    assert (waits, len(asked)) == ([waited], 2)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ((503, {}, {}), "HTTP status 503"),
        ((302, {"Location": "https://elsewhere.example"}, {}), "redirects"),
        ((404, {}, {}), "HTTP status 404"),
        ((200, {}, b"<html>"), "not with JSON"),
        ((200, {}, {"products": []}), "not like the API of shopify"),
        ((200, {}, {"errors": [{"message": "Access denied"}]}), "Access denied"),
        ((200, {}, {"errors": [{"extensions": "THROTTLED"}]}), "not like the API of shopify"),
        ((200, {}, b"[" * 100_000), "not with JSON"),
        ((200, {}, page("/etc/passwd")), "not like the API of shopify"),
        ((200, {}, page("file:///etc/passwd")), "not like the API of shopify"),
        ((200, {}, page("https://a.example/1.jpg")), "the same page again"),
    ],
)
def test_what_a_shop_refuses_is_reported(answer: tuple[int, dict[str, str], Any], problem: str) -> None:
    with answering(answer) as (address, _), pytest.raises(ShopFailed, match=problem):
        list(live_pictures("shopify", Shop(address, {}, lambda _: None), 1))
