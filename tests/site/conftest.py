"""The playground in a browser."""

from collections.abc import Iterator

import pytest

from devkit.running import RunningCloud
from tests.support.browser import Browser
from tests.support.playground import open_playground


@pytest.fixture
def page(chromium: Browser, cloud: RunningCloud) -> Iterator[Browser]:
    """The page in English on a desktop, and nothing to complain about at the end."""
    chromium.resize(1280)
    open_playground(chromium, cloud.url)
    chromium.click("#lang-en")
    yield chromium
    assert chromium.console() == []
