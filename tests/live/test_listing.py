"""Addresses in tables as shops export them, and shops' own APIs with their limits, on a server of this machine."""

from pathlib import Path
from typing import Any

import pytest

from cutline.live.listing import Listed, list_pictures, read_addresses
from cutline.live.shops import Shop, ShopFailed, live_pictures, open_shop
from tests.support.answering import answering
from tests.support.stores import TOKEN, WC, Shopify, WooCommerce, serving

A, B, C = "https://a.example/1.jpg", "https://a.example/2.jpg?v=3", "http://b.example/3,x.png"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{A}\n{B}\n", [A, B]),
        (f"Handle,Image Src,Alt\nmug,{A},\nmug,,\ncup,{B},x\n", [A, B]),
        (f'ID,Images\n1,"{A}, {B}"\n2,"{C}"\n', [A, B, C]),
        (f"\ufeffimage_link,link\r\n{A},https://shop.example/p\r\n", [A]),
    ],
)
def test_the_first_column_with_addresses_counts(text: str, expected: list[str]) -> None:
    assert read_addresses(text.encode(), "urls.csv") == expected


@pytest.mark.parametrize("data", [b"", b"name\nmug.jpg\n", b"\xff\xfe\x00", b'"' * 200_000])
def test_a_table_without_addresses_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"urls\.csv"):
        read_addresses(data, "urls.csv")


def test_files_folders_patterns_and_addresses_are_listed_once(tmp_path: Path) -> None:
    for name in ("a.jpg", "b/c.png", "b/.hidden.png", "notes.md"):
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
        ({"SHOPIFY_URL": "https://shop.example", "SHOPIFY_TOKEN": "a\nb"}, "printable ASCII"),
    ],
)
def test_a_shop_that_no_credential_should_be_sent_to_is_refused(environment: dict[str, str], problem: str) -> None:
    with pytest.raises(ShopFailed, match=problem):
        open_shop("shopify", environment)


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
    ],
)
def test_what_a_shop_refuses_is_reported(answer: tuple[int, dict[str, str], Any], problem: str) -> None:
    with answering(answer) as (address, _), pytest.raises(ShopFailed, match=problem):
        list(live_pictures("shopify", Shop(address, {}, lambda _: None), 1))
