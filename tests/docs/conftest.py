"""The local cloud as the guides' reader has it, and the environment that the guides speak of."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.running import RunningCloud, running_cloud
from localcloud.aws_account import BUCKETS, credentials_environment
from tests.support.playground import STATIC

DEMO = {
    "CUTLINE_API_KEY": "demo-key",
    "CUTLINE_JD_KEY": "DEMOAK",
    "CUTLINE_JD_SECRET": "DEMOSK",
    "CUTLINE_AIDGE_KEY": "512345",
    "CUTLINE_AIDGE_SECRET": "demo-secret",
}


@pytest.fixture(scope="session")
def shop_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """A local cloud that may call back to this machine."""
    state = tmp_path_factory.mktemp("docs")
    with running_cloud(state, "--parameter", "FetchAllowed=127.0.0.1/32") as running:
        yield running


@pytest.fixture(scope="session")
def environment(shop_cloud: RunningCloud) -> dict[str, str]:
    """Variables for a child process: the demo account's, and AWS's for the local account."""
    buckets = {name: shop_cloud.resources[logical] for name, logical in BUCKETS.items()}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CUTLINE_"))}
    return {**inherited, **credentials_environment(shop_cloud.port), **DEMO, **buckets, "CUTLINE_URL": shop_cloud.url}


@pytest.fixture(scope="session")
def node() -> str:
    """Where Node is. ALL_TESTS=required, as in CI, turns its absence into a failure."""
    found = shutil.which("node")
    if found is None:
        reason = "Node's examples left out: no node (apt-get install nodejs)"
        if os.environ.get("ALL_TESTS") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A clothed person, small enough for every API."""
    path = tmp_path / "photo.jpg"
    path.write_bytes((STATIC / "person.jpg").read_bytes())
    return path
