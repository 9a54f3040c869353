"""The pages for those who cannot see them, or see little, or use no mouse, or tap with a thumb."""

from typing import Any

import pytest

from devkit.running import RunningCloud
from tests.support.browser import Browser
from tests.support.playground import cut, cut_sample, take_sample

# Contrast of WCAG 2.2 for text of each element that has some, over the nearest opaque background: [what, ratio, large].
CONTRASTS = """
    const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const channel = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const background = (node) => {
        for (; node; node = node.parentElement) {
            const colour = numbers(getComputedStyle(node).backgroundColor);
            if ((colour[3] ?? 1) === 1) return colour;
        }
        return [255, 255, 255];
    };
    const reported = [...document.body.querySelectorAll("*")].filter((node) =>
        node.checkVisibility() && [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()));
    return reported.map((node) => {
        const style = getComputedStyle(node);
        const [a, b] = [light(numbers(style.color)), light(background(node))].sort((x, y) => y - x);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        return [`${node.tagName} ${node.id} ${node.textContent.trim().slice(0, 30)}`, (a + 0.05) / (b + 0.05), large];
    });
"""
ENOUGH, ENOUGH_IF_LARGE = 4.5, 3.0

# What a finger may press and is lower or narrower than that many pixels; the label counts with its box.
SMALL = """
    const least = arguments[0];
    const all = document.querySelectorAll("button, select, input:not([type=file]), label.drop, summary, nav a");
    const boxes = [...all].filter((node) => node.checkVisibility())
        .map((node) => [node, (node.closest("label") ?? node).getBoundingClientRect()])
        .filter(([, box]) => Math.min(box.width, box.height) < least);
    return boxes.map(([node, box]) => `${node.id || node.textContent} ${box.width} x ${box.height}`);
"""
THUMB_PX = 36

# The next call waits until go() is called.
HOLD = """
    const send = window.fetch;
    window.fetch = (...call) => new Promise((go) => (window.go = go)).then(() => (window.fetch = send)(...call));
"""

CUT_OFF = """
    const pen = document.createElement("canvas").getContext("2d");
    return [...document.querySelectorAll("select")].flatMap((select) => {
        pen.font = getComputedStyle(select).font;
        const arrow = 30;
        return [...select.options].map((option) => option.text)
            .filter((text) => pen.measureText(text).width + arrow > select.clientWidth);
    });
"""


def tree(page: Browser) -> list[dict[str, Any]]:
    """What assistive technology is reported of: role, name, properties by name, in the page's order."""
    nodes = page.protocol("Accessibility.getFullAXTree")["nodes"]
    return [
        {
            "role": node["role"]["value"],
            "name": node.get("name", {}).get("value", ""),
            **{each["name"]: each["value"].get("value") for each in node.get("properties", [])},
        }
        for node in nodes
        if not node["ignored"]
    ]


def of_role(page: Browser, role: str) -> list[dict[str, Any]]:
    return [node for node in tree(page) if node["role"] == role]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_its_background(page: Browser, cloud: RunningCloud, scheme: str) -> None:
    page.protocol("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    try:
        cut_sample(page, "ail", "person")
        found = page.run(CONTRASTS)
        page.clear("#credential-key")
        page.type("#credential-key", "wrong")
        cut(page)
        found += page.run(CONTRASTS)
        page.open(f"{cloud.url}/reference")
        found += page.run(CONTRASTS)
    finally:
        page.protocol("Emulation.setEmulatedMedia", features=[])
    assert len(found) > 500
    assert [text for text in found if text[1] < (ENOUGH_IF_LARGE if text[2] else ENOUGH)] == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_on_a_phone_a_thumb_hits_and_nothing_is_cut_off(page: Browser, language: str) -> None:
    page.resize(390, 844)
    page.click(f"#lang-{language}")
    assert page.run(CUT_OFF) == []
    take_sample(page, "person")
    page.click("#api-ail")
    page.click("#go")
    page.wait_for(lambda: page.is_shown("#layer-list label"))
    assert page.run(CUT_OFF) == []
    assert page.run(SMALL, THUMB_PX) == []
    assert page.run("return document.documentElement.scrollWidth") == 390


def test_the_page_has_landmarks_headings_and_named_groups(page: Browser) -> None:
    cut_sample(page, "ail", "person")
    nodes = tree(page)
    assert page.run(CUT_OFF) == []
    roles = [node["role"] for node in nodes]
    assert {"banner", "main", "contentinfo", "navigation"} <= set(roles)
    headings = [(node["level"], node["name"]) for node in nodes if node["role"] == "heading"]
    assert headings[0][0] == 1
    assert {level for level, _ in headings[1:]} == {2}
    assert [node["name"] for node in nodes if node["role"] == "radiogroup"] == ["API"]
    groups = {node["name"] for node in nodes if node["role"] == "group"}
    assert {"Language", "Samples", "Background", "Zoom", "Layers", "Garments delivered one by one"} <= groups
    images = {node["name"] for node in nodes if node["role"] == "image"}
    assert images == {"Original picture", "Picture without its background"}
    (slider,) = of_role(page, "slider")
    assert (slider["name"], slider["valuemax"]) == ("Share of the original shown", 100)
    # Read from the page: some versions of Chromium tell the protocol the bare number where there is a text for it.
    said = "return document.getElementById('slider').getAttribute('aria-valuetext')"
    assert page.run(said) == "50 %"
    page.run("const s = document.getElementById('slider'); s.value = 80; s.dispatchEvent(new Event('input'))")
    assert page.run(said) == "80 %"
    (selected,) = [node for node in of_role(page, "tab") if node.get("selected")]
    (panel,) = of_role(page, "tabpanel")
    assert selected["name"] == panel["name"] == "curl"


def test_a_screen_reader_gets_progress_politely_and_of_failure_at_once(page: Browser) -> None:
    (status,) = of_role(page, "status")
    assert (status["live"], status["atomic"]) == ("polite", True)
    assert of_role(page, "alert") == [], "silent until there is something to say"
    page.click("#go")
    assert page.run("return document.activeElement.id") == "file", "where the mistake is mended"
    take_sample(page, "mug")
    page.clear("#credential-key")
    page.type("#credential-key", "wrong")
    cut(page)
    (alert,) = of_role(page, "alert")
    assert alert["live"] == "assertive"


def test_the_result_is_reached_by_tab_in_the_order_in_which_it_is_read(page: Browser) -> None:
    cut_sample(page, "ail", "person")
    page.run("document.getElementById('go').focus()")
    seen = []
    for _ in range(24):
        page.press("tab")
        seen.append(
            page.run("const a = document.activeElement; return a.id || a.dataset.layer || a.ariaLabel || a.localName")
        )
    order = ["Transparent", "colour", "zoom-in", "download", "slider", "image", "tops", "summary", "tab-curl", "copy"]
    assert [name for name in seen if name in order] == order
    page.run("document.getElementById('tab-curl').focus()")
    page.press("right")
    assert page.run("return document.activeElement.id") == "tab-python"
    assert "import" in page.text("#snippet")


def test_what_has_the_focus_shows_it(page: Browser) -> None:
    cut_sample(page, "ail", "person")
    page.run("document.querySelector('.brand').focus()")
    hidden = []
    script = """
        const focused = document.activeElement;
        if (focused === document.body) return ["the end", true, true];
        const rings = [focused, focused.closest("label")].filter(Boolean).map((node) => getComputedStyle(node));
        const ringed = rings.some((style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
        const box = (focused.closest("label") ?? focused).getBoundingClientRect();
        return [focused.id || focused.textContent.trim(), ringed, box.top < innerHeight && box.bottom > 0];
    """
    for _ in range(45):
        page.press("tab")
        name, ringed, in_view = page.run(script)
        if not (ringed and in_view):
            hidden.append(name)
    assert hidden == []


def test_while_a_call_is_in_flight_it_is_seen_and_said(page: Browser) -> None:
    take_sample(page, "mug")
    page.run(HOLD)
    page.click("#go")
    page.wait_for(lambda: page.text("#busy-text") == "Waiting for the answer…")
    assert not page.is_shown("#empty")
    assert page.run("return document.getElementById('go').ariaDisabled") == "true"
    page.run("window.go()")
    page.wait_for(lambda: page.is_shown("#after"))
    assert not page.is_shown("#busy")
