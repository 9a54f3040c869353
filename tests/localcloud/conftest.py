"""The toy stack, shared by the emulator's own tests."""

from collections.abc import Iterator

import pytest

from devkit.running import TOY_TEMPLATE, RunningCloud, running_cloud


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """A stack of small handlers that echo, misbehave, store and work off a queue."""
    with running_cloud(tmp_path_factory.mktemp("toy"), "--template", str(TOY_TEMPLATE)) as running:
        yield running
