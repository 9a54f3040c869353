"""Accounts in the running local cloud, written the way an operator's tool writes them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devkit.accounts import Accounts, accounts_of
from devkit.faulty import FaultyCloud, faulty_parameters
from devkit.running import ROOT, RunningCloud, running_cloud
from tests.support.operator import operators_command


@pytest.fixture(scope="session")
def accounts(cloud: RunningCloud) -> Accounts:
    return accounts_of(cloud)


@pytest.fixture(scope="session")
def cutline(cloud: RunningCloud) -> Callable[..., str]:
    return operators_command(cloud)


def impatient_template(home: Path) -> Path:
    """template.yaml, but refused callbacks are tried again after a second and not after three minutes."""
    for name in ("functions", "layers"):
        (home / name).symlink_to(ROOT / name)
    before, visible, after = (
        (ROOT / "template.yaml")
        .read_text("utf-8")
        .partition("  CallBackQueue:\n    Type: AWS::SQS::Queue\n    Properties:\n      VisibilityTimeout: 180\n")
    )
    assert visible
    template = home / "template.yaml"
    template.write_text(f"{before}{visible.replace('180', '1')}{after}", "utf-8")
    return template


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyCloud]:
    state = tmp_path_factory.mktemp("faulty")
    options = [f"--parameter={name}={value}" for name, value in faulty_parameters().items()]
    with running_cloud(state, f"--template={impatient_template(state)}", *options) as running:
        yield FaultyCloud(running, state / "faults.json")
