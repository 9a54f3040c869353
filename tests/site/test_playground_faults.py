"""The playground when things come late, out of order, or not at all: what it says, and whose picture it then holds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.clients import plain_picture
from devkit.running import RunningCloud
from tests.support.browser import Browser
from tests.support.playground import cut, take_sample

# The next picture is opened only after release(), which answers when the page has had its turn with it.
HOLD_A_PICTURE = """
    const open = window.createImageBitmap;
    window.createImageBitmap = (...given) => {
        window.createImageBitmap = open;
        const opened = new Promise((go) => (window.go = go)).then(() => open(...given));
        window.release = () => (window.go(), opened.then(() => new Promise((resume) => setTimeout(resume))));
        return opened;
    };
"""

# PicWish's next answer is a link that the browser may not fetch.
BLOCKED_LINK = """
    const ask = window.fetch;
    const link = "https://results.example/picture.png";
    const answer = { status: 200, message: "success", data: { task_id: "t", state: 1, image: link } };
    window.fetch = async (address, ...rest) => {
        if (String(address) === link) throw new TypeError("Failed to fetch");
        if (!String(address).includes("segmentation")) return ask(address, ...rest);
        return new Response(JSON.stringify(answer), { headers: { "X-Cutline-Charge-Micros": "1200" } });
    };
"""

NO_NETWORK = "window.fetch = async () => { throw new TypeError('Failed to fetch') }"
NO_FILE = 'window.fetch = async () => new Response(\'{"message": "Too Many Requests"}\', { status: 429 })'


def choose(page: Browser, path: Path) -> None:
    page.type("#file", str(path))
    page.wait_for(lambda: page.text("#picture-name") == path.name)


@pytest.fixture
def waking(chromium: Browser, cloud: RunningCloud) -> Iterator[Browser]:
    """The page of a service that is slow to say what its options are: it does at wake(200) only."""
    source = """
        const ask = window.fetch;
        window.fetch = async (address, ...rest) => {
            if (!String(address).endsWith("facts.json")) return ask(address, ...rest);
            const status = await new Promise((wake) => (window.wake = wake));
            if (!status) throw new TypeError("no network");
            return status === 200 ? ask(address, ...rest) : new Response('{"message": "refused"}', { status });
        };
    """
    script = chromium.protocol("Page.addScriptToEvaluateOnNewDocument", source=source)
    chromium.resize(1280)
    chromium.open(f"{cloud.url}/")
    chromium.wait_for(lambda: chromium.run("return typeof window.wake === 'function'"))
    yield chromium
    chromium.protocol("Page.removeScriptToEvaluateOnNewDocument", **script)
    assert chromium.console() == []


def test_a_caller_quicker_than_the_service_loses_nothing(waking: Browser) -> None:
    take_sample(waking, "mug")
    waking.click("#go")
    assert waking.text("#status") == ""
    waking.run("wake(200)")
    waking.wait_for(lambda: waking.is_shown("#api-pw"))
    cut(waking)
    assert waking.text("#status").startswith("Done in")


def test_a_page_whose_service_is_away_says_so(waking: Browser) -> None:
    waking.run("wake(0)")
    waking.wait_for(lambda: waking.text("#status") == "The service could not be reached.")


@pytest.mark.parametrize("status", [429, 503])
def test_a_page_that_is_refused_its_options_says_so_for_good(waking: Browser, status: int) -> None:
    waking.run(f"wake({status})")
    waking.wait_for(lambda: "did not send this page its options" in waking.text("#status"))
    take_sample(waking, "mug")
    waking.click("#go")
    assert "did not send this page its options" in waking.text("#status")
    waking.click("#lang-zh")
    assert "刷新页面" in waking.text("#status")


def test_the_same_file_can_be_chosen_again_after_a_sample(page: Browser, tmp_path: Path) -> None:
    (tmp_path / "disc.png").write_bytes(plain_picture(64, 48))
    choose(page, tmp_path / "disc.png")
    take_sample(page, "mug")
    # A browser tells of no change where the field would hold what it holds already; chromedriver does not mind.
    assert page.run("return document.getElementById('file').files.length") == 0
    choose(page, tmp_path / "disc.png")


def test_the_latest_choice_counts_and_not_the_slowest(page: Browser, tmp_path: Path) -> None:
    (tmp_path / "disc.png").write_bytes(plain_picture(64, 48))
    page.run(HOLD_A_PICTURE)
    page.type("#file", str(tmp_path / "disc.png"))
    page.wait_for(lambda: page.run("return typeof window.release === 'function'"))
    take_sample(page, "mug")
    page.run("return release()")
    assert page.text("#picture-name") == "Mug"
    assert page.text("#picture-note").startswith("800 × 640")


def test_a_copy_made_late_says_nothing_under_another_pictures_name(page: Browser, tmp_path: Path) -> None:
    (tmp_path / "disc.png").write_bytes(plain_picture(5000, 50))
    choose(page, tmp_path / "disc.png")
    page.run(BLOCKED_LINK)
    page.run(HOLD_A_PICTURE)
    page.click("#go")
    page.wait_for(lambda: page.run("return typeof window.release === 'function'"))
    take_sample(page, "mug")
    page.run("return release()")
    page.wait_for(lambda: page.text("#status").startswith("That did not"))
    assert page.text("#picture-note").startswith("800 × 640")
    assert "JPEG" not in page.text("#picture-note")


def test_what_is_transparent_is_white_in_a_copy(page: Browser) -> None:
    script = """
        const { fitted, openPicture } = await import(new URL("site/picture.js", document.baseURI));
        const canvas = new OffscreenCanvas(60, 60);
        canvas.getContext("2d").fillRect(0, 0, 30, 60);
        const picture = await openPicture(await canvas.convertToBlob(), "half.png");
        const { picture: copy } = await fitted(picture, { max_side_px: 60, formats: ["JPEG"] }, 1e6);
        const seen = new OffscreenCanvas(60, 60).getContext("2d");
        seen.drawImage(copy.bitmap, 0, 0);
        return [10, 50].map((x) => seen.getImageData(x, 30, 1, 1).data[1]);
    """
    black, clear = page.run(f"return (async () => {{ {script} }})()")
    assert black < 5
    assert clear > 250


@pytest.mark.parametrize("break_off", [NO_NETWORK, NO_FILE], ids=["offline", "refused"])
def test_a_sample_that_does_not_come_is_reported_in_words(page: Browser, break_off: str) -> None:
    page.run(break_off)
    page.click("[data-sample=mug]")
    page.wait_for(lambda: page.text("#status") == "The service could not be reached.")
    assert page.text("#picture-name") == "Drop, paste or choose a picture"


def test_an_error_is_reported_in_the_language_that_is_switched_to(page: Browser) -> None:
    take_sample(page, "mug")
    page.run(NO_NETWORK)
    cut(page)
    assert "The service could not be reached." in page.text("#error")
    page.click("#lang-zh")
    assert page.text("#error-title") == "没有结果"
    assert page.text("#error-hint") == "无法连接到服务。"
    assert page.text("#error-code") == "Failed to fetch"


def test_a_result_that_cannot_be_fetched_leaves_the_answer_and_its_charge(page: Browser) -> None:
    take_sample(page, "mug")
    page.run(BLOCKED_LINK)
    cut(page)
    assert page.text("#error-hint") == "The result could not be fetched."
    assert page.text("#fact-status") == "200"
    assert page.text("#fact-charge").startswith("0.0012")
    assert not page.is_shown("#after")
    assert page.is_shown("#snippet")
