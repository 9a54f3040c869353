"""Fixtures that more than one folder of tests needs."""

from collections.abc import Iterator

import pytest

from tests.localcloud.running import RunningCloud, running_cloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """The product on the real template.yaml, on a free port, with the demo account."""
    with running_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running
