"""The recipes for shops, run against stand-ins for the shops and the local cloud."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cutline.batch.report import ReportLine, write_report
from cutline.openapi.document import document
from devkit.patience import WAIT_S
from devkit.running import ROOT
from tests.support.playground import STATIC
from tests.support.stores import TOKEN, WC, WP, Shopify, WooCommerce, serving

EXAMPLES = ROOT / "docs" / "examples"
MUG = (STATIC / "mug.jpg").read_bytes()


def run(recipe: str, environment: dict[str, str], *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(EXAMPLES / recipe), *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=WAIT_S, check=False)


def assert_on_white(file: bytes) -> None:
    with Image.open(io.BytesIO(file)) as image:
        assert image.format == "JPEG"
        pixels = np.asarray(image)
    assert pixels.shape[1] < 800, "cropped"
    assert (pixels[0, 0] > 250).all()


def test_woocommerce_gets_a_white_picture_before_each_first_one_once(environment: dict[str, str]) -> None:
    with serving(WooCommerce(MUG)) as shop:
        variables = {
            "WC_URL": shop.address,
            "WC_KEY": WC[0],
            "WC_SECRET": WC[1],
            "WP_USER": WP[0],
            "WP_PASSWORD": WP[1],
        }
        dry = run("woocommerce.py", {**environment, **variables}, "--dry-run")
        assert (dry.returncode, dry.stdout.count("Mug"), shop.uploads) == (0, 2, {})
        ended = run("woocommerce.py", {**environment, **variables})
        assert ended.returncode == 0, ended.stderr
        assert [[image["id"] for image in product["images"]] for product in shop.products] == [[101, 11], [102, 12], []]
        assert_on_white(shop.uploads["product-1-white.jpg"])
        again = run("woocommerce.py", {**environment, **variables})
        assert (again.returncode, again.stdout, len(shop.uploads)) == (0, "", 2)
        wrong = run("woocommerce.py", {**environment, **variables, "WC_SECRET": "no"})
        assert (wrong.returncode, "401" in wrong.stderr) == (1, True)


def test_shopify_gets_a_white_picture_before_each_first_one_once(environment: dict[str, str]) -> None:
    with serving(Shopify(MUG)) as shop:
        variables = {**environment, "SHOPIFY_URL": shop.address, "SHOPIFY_TOKEN": TOKEN}
        ended = run("shopify.py", variables)
        assert ended.returncode == 0, ended.stderr
        assert [item["id"][-2:] for item in shop.products[0]["media"]] == ["99", "/1"]
        assert [product["tags"] for product in shop.products] == [["cutline"], [], ["cutline"]]
        assert shop.calls == ["Products", "Stage", "Add", "First", "Done"]
        assert_on_white(shop.uploads["staged"])
        again = run("shopify.py", variables)
        assert (again.returncode, again.stdout) == (0, "")
        wrong = run("shopify.py", {**variables, "SHOPIFY_TOKEN": "no"})
        assert (wrong.returncode, "401" in wrong.stderr) == (1, True)


@pytest.mark.parametrize("photo", [b"no picture", bytes(5_000_000)], ids=["not a picture", "too large"])
def test_a_picture_that_cannot_be_cut_out_does_not_keep_the_others_waiting(
    environment: dict[str, str], photo: bytes
) -> None:
    # Pictures of their own: the other tests' Idempotency-Keys stand for the mug.
    with serving(WooCommerce(MUG, {"/1.jpg": photo})) as shop:
        shop.products[0]["images"][0]["id"] = 31
        keys = {"WC_KEY": WC[0], "WC_SECRET": WC[1], "WP_USER": WP[0], "WP_PASSWORD": WP[1]}
        ended = run("woocommerce.py", {**environment, **keys, "WC_URL": shop.address})
        assert (ended.returncode, "not cut out: 1" in ended.stderr) == (1, True), ended.stderr
        assert [[image["id"] for image in product["images"]] for product in shop.products] == [[31], [101, 12], []]
    with serving(Shopify(MUG, {"/1.jpg": photo})) as store:
        store.products[0]["media"][0]["id"] = "gid://shopify/MediaImage/31"
        store.products[1]["media"] = [{"id": "gid://shopify/MediaImage/2", "image": {"url": "PHOTO/2.jpg"}}]
        ended = run("shopify.py", {**environment, "SHOPIFY_URL": store.address, "SHOPIFY_TOKEN": TOKEN})
        assert (ended.returncode, "not cut out: 1" in ended.stderr) == (1, True), ended.stderr
        assert [product["tags"] for product in store.products] == [[], ["cutline"], ["cutline"]]


def test_what_shopify_refuses_is_reported(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = {"productUpdate": {"product": None, "userErrors": [{"message": "Media limit reached"}]}}
    monkeypatch.setattr(Shopify, "_add", lambda self, variables: refusal)
    with serving(Shopify(MUG)) as shop:
        ended = run("shopify.py", {**environment, "SHOPIFY_URL": shop.address, "SHOPIFY_TOKEN": TOKEN})
        assert (ended.returncode, "Media limit reached" in ended.stderr) == (1, True)
        assert shop.products[0]["tags"] == []


def test_magento_imports_what_is_sure_and_reports_the_rest(tmp_path: Path) -> None:
    lines = [
        ReportLine("/photos/MUG-1.jpg", "MUG-1.jpg.jpg", confidence="0.95", passed="yes"),
        ReportLine("/photos/MUG-2.jpg", "MUG-2.jpg.jpg", confidence="0.40", passed="yes"),
        ReportLine("/photos/MUG-3.jpg", "MUG-3.jpg.jpg", confidence="0.99", passed="no", verdicts="bytes 9, not 8"),
        ReportLine("/photos/MUG-4.jpg", problem="Nothing was found"),
    ]
    (tmp_path / "report.csv").write_bytes(write_report(lines))
    ended = run("magento.py", {}, str(tmp_path / "report.csv"), str(tmp_path / "products.csv"))
    assert ended.returncode == 0, ended.stderr
    rows = list(csv.DictReader(io.StringIO((tmp_path / "products.csv").read_text("utf-8"))))
    assert rows == [
        {"sku": "MUG-1", **dict.fromkeys(("base_image", "small_image", "thumbnail_image"), "MUG-1.jpg.jpg")}
    ]
    assert [line.partition(": ")[2] for line in ended.stderr.splitlines()] == [
        "confidence 0.40",
        "bytes 9, not 8",
        "Nothing was found",
    ]


def test_the_n8n_node_calls_what_is_described(environment: dict[str, str]) -> None:
    workflow: dict[str, Any] = json.loads((EXAMPLES / "n8n.json").read_text("utf-8"))
    cut, fetch = (node["parameters"] for node in workflow["nodes"])
    path = cut["url"].removeprefix("={{ $env.CUTLINE_URL }}")
    described = document("https://x.example")["paths"][path]["post"]
    form = described["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    fields = [parameter["name"] for parameter in cut["bodyParameters"]["parameters"]]
    assert set(fields) <= set(form)
    assert fetch["url"] == "={{ $json.data.image }}"
    assert workflow["connections"]["Cut out"]["main"][0][0]["node"] == workflow["nodes"][1]["name"]
