"""A headless Chromium driven by real clicks and keys, through chromedriver's own HTTP (https://www.w3.org/TR/webdriver2/)."""

import base64
import json
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit.patience import WAIT_S

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # as root, as in a container, there is none to be had
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
)
_TRIES = 5
KEYS = {
    "tab": "\ue004",
    "enter": "\ue007",
    "left": "\ue012",
    "right": "\ue014",
    "home": "\ue011",
    "end": "\ue010",
    "up": "\ue013",
    "down": "\ue015",
}


class BrowserError(AssertionError):
    """What chromedriver said went wrong."""


@dataclass(frozen=True)
class Browser:
    """One window. Selectors are CSS; an element is looked up when it is used, so a redrawn page does no harm."""

    session: str

    def command(self, method: str, path: str, body: Any = None) -> Any:
        """One WebDriver command. Raises BrowserError."""
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.session + path, data, {"Content-Type": "application/json"}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=WAIT_S) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            with error:
                raise BrowserError(json.load(error)["value"]["message"]) from error

    def open(self, url: str) -> None:
        """Loads a page from nothing: neither its session storage nor its log remembers an earlier one."""
        self.run("try { sessionStorage.clear() } catch {}")  # of the page that is left
        self.command("POST", "/url", {"url": "about:blank"})
        self.console()
        self.command("POST", "/url", {"url": url})
        self.wait_for(lambda: self.run("return document.body.dataset.ready ?? document.readyState === 'complete'"))

    def click(self, selector: str) -> None:
        """A real click in the middle of the element, after scrolling to it."""
        self.run("arguments[0].scrollIntoView({block: 'center'})", self._find(selector))
        self.command("POST", f"/element/{self._find(selector)[_ELEMENT]}/click")

    def type(self, selector: str, text: str) -> None:
        """Types into the element, after what is there; for a file input the path of a file."""
        self.command("POST", f"/element/{self._find(selector)[_ELEMENT]}/value", {"text": text})

    def clear(self, selector: str) -> None:
        """Empties a field as a person does: select all, delete."""
        self.type(selector, "\ue009a\ue009\ue017")

    def press(self, *keys: str) -> None:
        """Presses keys on whatever has the focus."""
        actions = [{"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")]
        self.command("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def choose(self, selector: str, value: str) -> None:
        """Picks an option of a select."""
        self.click(f"{selector} option[value='{value}']")

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns; it may return a promise."""
        return self.command("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def text(self, selector: str) -> str:
        """The text that is shown."""
        return str(self.command("GET", f"/element/{self._find(selector)[_ELEMENT]}/text"))

    def is_shown(self, selector: str) -> bool:
        """Whether the element is there and has a size."""
        script = "return Boolean(document.querySelector(arguments[0])?.getClientRects().length)"
        return bool(self.run(script, selector))

    def wait_for(self, condition: Callable[[], Any], what: str = "the page") -> Any:
        """The first truthy answer. Raises BrowserError with the page's own words after `WAIT_S`."""
        limit = time.monotonic() + WAIT_S
        while time.monotonic() < limit:
            answer = condition()
            if answer:
                return answer
            time.sleep(0.05)
        raise BrowserError(f"{what} did not get there; it says {self.run('return document.body.innerText')!r}")

    def console(self) -> list[str]:
        """Warnings and errors since the last look, breaches of the content security policy among them."""
        entries = self.command("POST", "/se/log", {"type": "browser"})
        # "rendering" is advice on speed for tests that read pixels, "network" repeats every answer of 400 and above.
        logged = [entry for entry in entries if entry["source"] not in ("rendering", "network")]
        grave = [entry for entry in logged if entry["level"] in ("WARNING", "SEVERE")]
        return [entry["message"] for entry in grave]

    def protocol(self, name: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol."""
        return self.command("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def resize(self, width: int, height: int = 900) -> None:
        """Makes the page as wide as a device; narrower ones are phones."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.protocol("Emulation.setDeviceMetricsOverride", **metrics)

    def screenshot(self) -> bytes:
        """The whole page as PNG."""
        return base64.b64decode(self.protocol("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def _find(self, selector: str) -> dict[str, str]:
        found: dict[str, str] = self.command("POST", "/element", {"using": "css selector", "value": selector})
        return found


@contextmanager
def browser(chromium: str, chromedriver: str, language: str = "en-US") -> Iterator[Browser]:
    """A browser of its own, with nothing remembered."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        _driver(chromedriver, Path(profile)) as url,
    ):
        options = {
            "binary": chromium,
            "args": [*_ARGUMENTS, f"--user-data-dir={profile}/chromium", f"--lang={language}"],
            "prefs": {"intl.accept_languages": language, "download.default_directory": profile},
        }
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        window = Browser(url)
        session = window.command("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        window = Browser(f"{url}/session/{session}")
        window.command("POST", "/timeouts", {"script": 240_000, "pageLoad": 240_000})
        try:
            yield window
        finally:
            window.command("DELETE", "")


@contextmanager
def _driver(chromedriver: str, folder: Path) -> Iterator[str]:
    process, port = _started(chromedriver, folder / "chromedriver.log")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _started(chromedriver: str, log: Path) -> tuple["subprocess.Popen[bytes]", int]:
    """The driver and its port: it takes a free one for IPv6, and ends if another has the same one for IPv4."""
    for _ in range(_TRIES):
        with log.open("wb") as sink:
            process = subprocess.Popen([chromedriver, "--port=0"], stdout=sink, stderr=subprocess.STDOUT)
        port = _port(process, log)
        if port is not None:
            return process, port
        process.terminate()
        process.wait()
        if "Address already in use" not in (said := log.read_text("utf-8", "replace")):
            break
    raise BrowserError("chromedriver did not start:\n" + said[-2000:])


def _port(process: "subprocess.Popen[bytes]", log: Path) -> int | None:
    limit = time.monotonic() + WAIT_S
    while time.monotonic() < limit and process.poll() is None:
        found = re.search(r"started successfully on port (\d+)", log.read_text("utf-8", "replace"))
        if found:
            return int(found[1])
        time.sleep(0.05)
    return None
