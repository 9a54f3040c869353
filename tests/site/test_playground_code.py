"""The code that the playground shows, run as a reader would run it."""

import base64
from pathlib import Path
from typing import Any

import pytest

from devkit.clients import follow, open_picture
from tests.support.browser import Browser
from tests.support.playground import (
    APIS,
    LANGUAGES,
    STATIC,
    cut_sample,
    run_code,
)


@pytest.mark.parametrize(("api", "sample"), [*APIS.items(), ("chk", "mug"), ("pw sync=0", "mug")])
def test_the_code_that_is_shown_works(
    page: Browser, programs: dict[str, str], tmp_path: Path, api: str, sample: str
) -> None:
    if api.endswith("sync=0"):
        page.choose("#option-sync", "0")
    cut_sample(page, api.split(maxsplit=1)[0], sample)
    (tmp_path / f"{sample}.jpg").write_bytes((STATIC / f"{sample}.jpg").read_bytes())
    for language in LANGUAGES:
        assert_success(run_code(page, programs, language, tmp_path), api)


def assert_success(answer: dict[str, Any], api: str) -> None:
    match api.split(maxsplit=1)[0]:
        case "pw" if api.endswith("sync=0") and "state" not in answer["data"]:
            assert answer["data"]["task_id"]
        case "pw":
            assert open_picture(follow(answer["data"]["image"]).body).mode == "RGBA"
        case "jdc":
            assert answer["result"]["status"] == 0
        case "jds":
            assert open_picture(base64.b64decode(answer["result"]["image"])).mode == "RGBA"
        case "aid":
            assert answer["success"] is True
        case "rbg":
            assert open_picture(base64.b64decode(answer["data"]["result_b64"])).mode == "RGBA"
        case "chk":
            assert (answer["profile"], answer["passed"]) == ("amazon-main", False)
        case "rem":
            assert answer == {"saved": "cutout.png", "status": 200}
        case _:
            assert answer["error_code"] == 0


def test_the_code_can_be_copied(page: Browser) -> None:
    cut_sample(page, "pw", "mug")
    page.protocol("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    page.click("#tab-python")
    page.click("#copy")
    page.wait_for(lambda: page.text("#copy") == "Copied")
    assert page.run("return navigator.clipboard.readText()") == page.run(
        "return document.getElementById('snippet').textContent"
    )
