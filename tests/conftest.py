"""Fixtures that more than one folder of tests needs."""

import os
import shutil
from collections.abc import Iterator

import pytest

from devkit.running import RunningCloud, running_cloud
from tests.support.browser import Browser, browser

pytest_plugins = ["tests.support.judged", "tests.support.untraced"]
_PROGRAMS = ("chromium", "chromedriver", "node")


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """The product on the real template.yaml, on a free port, with the demo account."""
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


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
