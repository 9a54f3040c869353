"""Browsers for the playground's tests."""

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.localcloud.running import RunningCloud
from tests.site.browser import Browser, browser
from tests.site.playground import open_playground

_PROGRAMS = ("chromium", "chromedriver", "node")


@pytest.fixture(scope="session")
def programs() -> dict[str, str]:
    """Where the browser tests' programs are. ALL_TESTS=required, as in CI, turns their absence into a failure."""
    found = {name: shutil.which(name) for name in _PROGRAMS}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        reason = f"browser tests left out: no {', '.join(missing)} (apt-get install chromium chromium-driver nodejs)"
        if os.environ.get("ALL_TESTS") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    return {name: str(path) for name, path in found.items()}


@pytest.fixture(scope="module")
def chromium(programs: dict[str, str]) -> Iterator[Browser]:
    with browser(programs["chromium"], programs["chromedriver"]) as window:
        yield window


@pytest.fixture
def page(chromium: Browser, cloud: RunningCloud) -> Iterator[Browser]:
    """The page in English on a desktop, and nothing to complain about at the end."""
    chromium.resize(1280)
    open_playground(chromium, cloud.url)
    chromium.click("#lang-en")
    yield chromium
    assert chromium.console() == []
