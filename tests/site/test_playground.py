"""The playground in headless Chromium: real clicks, real keys, the pixels of the page."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cutline.pipeline.stroke import read_strokes
from devkit.accounts import accounts_of
from devkit.clients import open_picture, plain_picture
from devkit.running import RunningCloud
from tests.support.browser import Browser, browser
from tests.support.playground import (
    APIS,
    STATIC,
    alpha_at,
    cut,
    cut_sample,
    open_playground,
    result_size,
    take_sample,
)


@pytest.mark.parametrize(("api", "sample"), APIS.items())
def test_each_api_cuts_out_a_sample(page: Browser, api: str, sample: str) -> None:
    cut_sample(page, api, sample)
    assert page.is_shown("#after")
    assert alpha_at(page, 0.5, 0.45) > 240
    assert alpha_at(page, 0.02, 0.02) == 0
    assert result_size(page) == open_picture((STATIC / f"{sample}.jpg").read_bytes()).size
    assert page.text("#fact-status") == "200"
    assert page.text("#fact-charge").startswith("0.001")
    assert page.run("return document.querySelectorAll('.stage-row').length") > 5


def test_a_check_shows_the_picture_unchanged_and_the_verdicts(page: Browser) -> None:
    cut_sample(page, "chk", "mug")
    assert result_size(page) == open_picture((STATIC / "mug.jpg").read_bytes()).size
    assert alpha_at(page, 0.02, 0.02) == 255
    answer = json.loads(page.run("return document.getElementById('answer').textContent"))
    assert (answer["profile"], answer["passed"]) == ("amazon-main", False)
    assert len(answer["verdicts"]) > 5
    assert page.text("#fact-charge").startswith("0.001")
    assert not page.is_shown("#brush-open")


def test_a_background_task_is_followed_to_its_end(page: Browser) -> None:
    take_sample(page, "mug")
    page.choose("#option-sync", "0")
    page.run(
        "window.seen = new Set();"
        "new MutationObserver(() => seen.add(document.getElementById('status').textContent))"
        ".observe(document.getElementById('status'), {childList: true})"
    )
    cut(page)
    assert page.text("#status").startswith("Done in")
    assert any(text.startswith("Task ") for text in page.run("return [...seen]"))
    assert alpha_at(page, 0.5, 0.45) > 240
    assert "task_id" in page.text("#snippet")


def test_options_reach_the_service(page: Browser) -> None:
    take_sample(page, "mug")
    page.choose("#option-output_type", "3")
    page.choose("#option-crop", "1")
    cut(page)
    width, height = result_size(page)
    assert width < 800
    assert height < 640
    assert not page.is_shown("#slider"), "a cropped result cannot lie over the original"
    page.choose("#option-output_type", "2")
    page.choose("#option-crop", "0")
    page.choose("#option-format", "jpg")
    page.run(
        "const c = document.getElementById('option-bg_color'); c.value = '#0000ff'; c.dispatchEvent(new Event('input'))"
    )
    cut(page)
    script = "return [...document.getElementById('after').getContext('2d').getImageData(3, 3, 1, 1).data]"
    red, green, blue, alpha = page.run(script)
    assert max(red, green) < 15
    assert blue > 240
    assert alpha == 255


def test_aidge_resizes(page: Browser) -> None:
    take_sample(page, "mug")
    page.click("#api-aid")
    page.type("#option-targetWidth", "320")
    page.type("#option-targetHeight", "200")
    cut(page)
    assert result_size(page) == (320, 200)


def test_garments_are_layers_that_can_be_switched(page: Browser) -> None:
    cut_sample(page, "ail", "person")
    assert alpha_at(page, 0.47, 0.7) > 200, "trousers in the whole"
    page.click("[data-layer=tops]")
    assert page.run("return document.querySelector('[data-layer=image]').checked") is False
    assert alpha_at(page, 0.5, 0.4) > 200
    assert alpha_at(page, 0.44, 0.7) == 0
    page.click("[data-layer=pants]")
    assert alpha_at(page, 0.44, 0.7) > 200
    page.click("[data-layer=tops]")
    assert alpha_at(page, 0.5, 0.4) == 0
    assert "Skirt" in page.text("#layer-list")


@pytest.mark.parametrize("api", ["pw", "jdc"])
def test_a_result_is_mended_with_the_brush(page: Browser, api: str) -> None:
    cut_sample(page, api, "mug")
    assert alpha_at(page, 0.5, 0.5) > 240
    page.click("#brush-open")
    page.run("const s = document.getElementById('brush-size'); s.value = '4'; document.getElementById('brush').focus()")
    assert page.run("return document.getElementById('brush-apply').disabled") is True
    page.press(" ", "right", "right", " ")
    page.click("#brush-undo")
    assert page.run("return document.getElementById('brush-apply').disabled") is True
    # In the middle again, where the keys have left it two steps further.
    page.run("document.getElementById('brush').focus()")
    page.press("left", "left", " ", "right", " ")
    page.click("#brush-apply")
    page.wait_for(lambda: page.text("#status").startswith("Mended: version 2"), "the mend")
    assert alpha_at(page, 0.5, 0.5) == 0
    assert not page.is_shown("#mend")


def test_long_strokes_of_the_brush_are_whole_and_within_the_bounds_of_a_mend(page: Browser) -> None:
    cut_sample(page, "pw", "mug")
    page.click("#brush-open")
    sent = page.run("""
        const canvas = document.getElementById("brush"), box = canvas.getBoundingClientRect();
        canvas.setPointerCapture = () => {};
        const fire = (name, x, y) => canvas.dispatchEvent(
            new PointerEvent(name, { clientX: box.left + x * box.width, clientY: box.top + y * box.height }));
        for (let row = 0; row < 6; row++) {
            fire("pointerdown", 0, row / 6);
            for (let step = 1; step <= 500; step++) fire("pointermove", step / 500, row / 6);
            fire("pointerup", 1, row / 6);
        }
        let body = "";
        window.fetch = async (_, init) => { body = init.body; throw new TypeError("no call"); };
        document.getElementById("brush-apply").click();
        return body;
    """)
    strokes = read_strokes(json.loads(sent)["strokes"])
    assert [stroke.points[-1][0] for stroke in strokes] == pytest.approx([1.0] * 6)
    assert [stroke.points[-1][1] for stroke in strokes] == pytest.approx([row / 6 for row in range(6)], abs=0.01)


def test_a_result_without_a_link_has_no_brush(page: Browser) -> None:
    cut_sample(page, "rbg", "mug")
    assert not page.is_shown("#brush-open")


def test_the_slider_obeys_the_keyboard(page: Browser) -> None:
    cut_sample(page, "pw", "mug")
    page.run("document.getElementById('slider').focus()")
    page.press("home")
    assert page.run("return document.getElementById('slider').value") == "0"
    page.press("right", "right", "right")
    assert page.run("return document.getElementById('slider').value") == "3"
    assert "97%" in page.run("return document.getElementById('before').style.clipPath")
    page.press("end")
    assert page.run("return document.getElementById('divider').style.left") == "100%"


def test_the_keyboard_is_enough(page: Browser) -> None:
    seen = []
    for _ in range(40):
        page.press("tab")
        seen.append(
            page.run("const a = document.activeElement; return a.id || a.dataset.sample || a.textContent.trim()")
        )
        if seen[-1] == "mug":
            page.press("enter")
            page.wait_for(lambda: page.text("#picture-name") == "Mug")
        if seen[-1] == "go":
            page.press("enter")
            break
    order = ["lang-zh", "file", "mug", "person", "api-pw", "option-type", "credential-key", "go"]
    assert [name for name in seen if name in order] == order
    page.wait_for(lambda: page.text("#status").startswith("Done in"))


def test_a_background_colour_and_zoom_change_what_is_seen(page: Browser) -> None:
    cut_sample(page, "pw", "mug")
    page.click("#swatches [aria-label=Black]")
    assert page.run("return getComputedStyle(document.getElementById('sheet')).backgroundColor") == "rgb(17, 17, 17)"
    before = page.run("return document.getElementById('sheet').clientWidth")
    page.click("#zoom-in")
    assert page.text("#zoom-value") == "150%"
    after = page.run("return document.getElementById('sheet').clientWidth")
    assert after == pytest.approx(before * 1.5, abs=2)


def test_the_download_is_what_is_seen(page: Browser, tmp_path: Path) -> None:
    cut_sample(page, "pw", "mug")
    page.protocol("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    page.click("#download")
    saved = tmp_path / "cutline.png"
    page.wait_for(saved.exists)
    assert open_picture(saved.read_bytes()).mode == "RGBA"
    saved.unlink()
    page.click("#swatches [aria-label=White]")
    page.click("#download")
    page.wait_for(saved.exists)
    assert open_picture(saved.read_bytes()).getpixel((3, 3)) == (255, 255, 255, 255)


def test_a_chosen_file_beyond_the_apis_limits_is_made_to_fit(page: Browser, tmp_path: Path) -> None:
    big = tmp_path / "big.webp"
    big.write_bytes(plain_picture(1600, 1200, "WEBP"))
    page.type("#file", str(big))
    page.wait_for(lambda: page.text("#picture-name") == "big.webp")
    page.click("#api-ail")
    cut(page)
    assert "1600 × 1200 JPEG" in page.text("#picture-note")
    page.click("#api-jds")
    cut(page)
    assert "1024 × 768 JPEG" in page.text("#picture-note")
    assert "No person was found" in page.text("#error")
    assert page.text("#fact-charge") == "not charged"


def test_a_picture_can_be_dropped(page: Browser) -> None:
    picture = base64.b64encode(plain_picture(120, 100)).decode()
    script = """
        const bytes = Uint8Array.from(atob(arguments[0]), (c) => c.charCodeAt(0));
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([bytes], "disc.png", { type: "image/png" }));
        const event = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
        document.getElementById("drop").dispatchEvent(event);
    """
    page.run(script, picture)
    page.wait_for(lambda: page.text("#picture-name") == "disc.png")
    cut(page)
    assert alpha_at(page, 0.5, 0.5) > 240


@pytest.mark.parametrize(
    ("api", "code"), [("pw", "401"), ("jdc", "10001"), ("aid", "InvalidAppKey"), ("ail", "ERROR_USER_NOT_EXISTS")]
)
def test_a_bad_key_is_reported_in_words(page: Browser, api: str, code: str) -> None:
    take_sample(page, APIS[api])
    page.click(f"#api-{api}")
    page.clear("#credential-key")
    page.type("#credential-key", "wrong")
    cut(page)
    assert "does not know these credentials" in page.text("#error")
    assert not page.is_shown("#after")
    assert code in page.text("#error-code")
    page.click("#use-demo")
    cut(page)
    assert not page.is_shown("#error")


def test_what_the_gateway_says_in_an_apis_place_is_reported_in_words(page: Browser) -> None:
    script = """
        const { faultOfCode } = await import(new URL("site/report.js", document.baseURI));
        const facts = await (await fetch("site/facts.json")).json();
        return arguments[0].map(([code, status]) => faultOfCode(code, facts.apis.aid.codes, status));
    """
    reported = {("700", 413): "request", ("REQUEST_TOO_LARGE", 413): "size", ("INTEGRATION_TIMEOUT", 504): "time"}
    reported |= {
        ("THROTTLED", 429): "rate",
        ("INTEGRATION_FAILURE", 502): "service",
        ("BAD_REQUEST_BODY", 400): "request",
    }
    assert page.run(f"return (async (...arguments) => {{ {script} }})(arguments[0])", list(reported)) == list(
        reported.values()
    )


@pytest.fixture
def deployed(page: Browser) -> Iterator[Browser]:
    """The page outside the local cloud: its facts hold no demo account."""
    source = """
        const ask = window.fetch;
        window.fetch = async (address, ...rest) => {
            const answer = await ask(address, ...rest);
            if (!String(address).endsWith("facts.json")) return answer;
            return new Response(JSON.stringify({ ...(await answer.json()), demo: null }));
        };
    """
    script = page.protocol("Page.addScriptToEvaluateOnNewDocument", source=source)
    page.command("POST", "/refresh")
    page.wait_for(lambda: page.run("return document.body.dataset.ready"))
    yield page
    page.protocol("Page.removeScriptToEvaluateOnNewDocument", **script)


def test_an_account_that_retains_nothing_sees_its_result_too(page: Browser, cloud: RunningCloud) -> None:
    accounts_of(cloud).create("forgetful", retains=False)
    take_sample(page, "mug")
    page.clear("#credential-key")
    page.type("#credential-key", "key-forgetful")
    cut(page)
    assert page.text("#status").startswith("Done in"), page.text("#error")
    assert alpha_at(page, 0.5, 0.45) > 240


def test_a_deployed_page_offers_no_demo_account_and_shows_no_key(deployed: Browser) -> None:
    take_sample(deployed, "mug")
    deployed.click("#go")
    assert deployed.text("#status") == "Enter your credentials first."
    assert not deployed.is_shown("#use-demo")
    deployed.type("#credential-key", "demo-key")
    cut(deployed)
    assert deployed.text("#status").startswith("Done in")
    assert "YOUR_KEY" in deployed.text("#snippet")
    assert "demo-key" not in deployed.text("#snippet")


def test_without_picture_or_key_it_says_what_is_missing(page: Browser) -> None:
    page.click("#go")
    assert page.text("#status") == "Choose a picture first."
    take_sample(page, "mug")
    page.clear("#credential-key")
    page.click("#go")
    assert page.text("#status") == "Enter your credentials first."
    assert page.run("return document.activeElement.id") == "credential-key"


def test_both_languages_say_everything(page: Browser) -> None:
    script = """
        const { EN, ZH } = await import(new URL("site/words.js", document.baseURI));
        const { APIS } = await import(new URL("site/apis.js", document.baseURI));
        const used = [...document.querySelectorAll("[data-i18n]")].map((node) => node.dataset.i18n);
        const words = (option) => [option.words, ...Object.values(option.each ?? {}), ...reported(option)];
        const reported = ({ kind, values }) => (kind === "choice" ? values.map(([, ...words]) => words) : []);
        const row = (api) => [api.about, ...api.options.flatMap(words), ...Object.values(api.layers ?? {})];
        return [Object.keys(EN), Object.keys(ZH), used, APIS.flatMap(row)];
    """
    english, chinese, used, pairs = page.run(f"return (async () => {{ {script} }})()")
    assert sorted(english) == sorted(chinese)
    assert set(used) <= set(english)
    assert len(pairs) > 50
    assert [pair for pair in pairs if len(pair) != 2 or not all(pair)] == []
    page.click("#lang-zh")
    assert page.text("#go") == "开始抠图"
    assert page.run("return document.documentElement.lang") == "zh-CN"
    take_sample(page, "mug")
    page.click("#go")
    page.wait_for(lambda: page.text("#status").startswith("完成"))
    assert page.text("#download") == "下载"


def test_a_chinese_browser_is_greeted_in_chinese(programs: dict[str, str], cloud: RunningCloud) -> None:
    with browser(programs["chromium"], programs["chromedriver"], "zh-CN") as window:
        open_playground(window, cloud.url)
        assert window.text("#go") == "开始抠图"


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_wider_than_the_screen(page: Browser, width: int) -> None:
    page.resize(width)
    cut_sample(page, "ail", "person")
    assert page.run("return document.documentElement.scrollWidth <= window.innerWidth")


def test_every_control_has_a_name(page: Browser) -> None:
    cut_sample(page, "ail", "person")
    tree = page.protocol("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "slider", "radio", "checkbox", "combobox", "textbox", "tab", "link", "spinbutton", "image"}
    controls = [node for node in tree if not node["ignored"] and node["role"]["value"] in roles]
    assert len(controls) > 30
    assert [node for node in controls if not node.get("name", {}).get("value")] == []


def test_a_picture_that_is_none_is_refused_by_the_page(page: Browser, tmp_path: Path) -> None:
    fake = tmp_path / "fake.png"
    fake.write_bytes(plain_picture(64, 48)[:60])
    page.type("#file", str(fake))
    page.wait_for(lambda: "not a picture" in page.text("#status"))


@pytest.mark.parametrize("width", [360, 1280])
def test_the_reference_is_read_on_any_screen(chromium: Browser, cloud: RunningCloud, width: int) -> None:
    chromium.resize(width)
    chromium.open(f"{cloud.url}/reference")
    chromium.click("#createTask summary")
    assert chromium.is_shown("#createTask details[open] pre")
    assert chromium.run("return document.documentElement.scrollWidth <= window.innerWidth")
    assert chromium.console() == []
    chromium.click(".top nav a")
    chromium.wait_for(lambda: chromium.is_shown("#go"))
