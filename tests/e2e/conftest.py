"""Accounts in the running local cloud, written the way an operator's tool writes them."""

import subprocess
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.accounts import Accounts, accounts_of
from tests.support.clients import observers
from tests.support.faulty import FAULTY_PARAMETERS, FaultyCloud
from tests.support.ledger import Ledger
from tests.support.rows import new_ledger
from tests.support.running import ROOT, RunningCloud, running_cloud

REPORT = ROOT / "build" / "contract-rows.md"
LEDGER = new_ledger()
observers.append(LEDGER.note)
_HERE = Path(__file__).parent
_JUDGED = (_HERE / "test_rows.py", _HERE / "test_roles.py")
_left_out: list[pytest.Item] = []
_WHOLE = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def accounts(cloud: RunningCloud) -> Accounts:
    return accounts_of(cloud)


@pytest.fixture(scope="session")
def cutline(cloud: RunningCloud) -> Callable[..., str]:
    """Runs the operator's command as `make run` tells an operator to, and returns what it printed."""

    def run(*arguments: str) -> str:
        script = f'. "{cloud.state_dir}/operator.env" && cutline "$@"'
        command = ["sh", "-c", script, "sh", *arguments]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert (ended.returncode, ended.stderr) == (0, ""), ended
        return ended.stdout

    return run


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyCloud]:
    state = tmp_path_factory.mktemp("faulty")
    options = [f"--parameter={name}={value}" for name, value in FAULTY_PARAMETERS.items()]
    with running_cloud(state, *options) as running:
        yield FaultyCloud(running, state / "faults.json")


@pytest.fixture(scope="session")
def ledger() -> Ledger:
    """What this run has reached so far."""
    return LEDGER


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    _left_out.extend(item for item in items if item.path.parent == _HERE)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    """What the calls reached and used is judged when all else has run, and only where this whole folder runs."""
    yield
    judged = [item for item in items if item.path in _JUDGED]
    rest = [item for item in items if item not in judged]
    here = {item.path for item in items}
    whole = not _left_out and here >= set(_HERE.glob("test_*.py")) and not any("::" in arg for arg in config.args)
    config.stash[_WHOLE] = whole
    items[:] = [*rest, *judged] if whole else rest
    if not whole and judged:
        config.hook.pytest_deselected(items=judged)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not (config.stash.get(_WHOLE, False) and LEDGER.reached):
        return
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(LEDGER.report(), "utf-8")
    terminalreporter.section("rows of the contracts reached over HTTP")
    for line in LEDGER.summary():
        terminalreporter.write_line(line)
    terminalreporter.write_line(f"Row by row: {REPORT.relative_to(ROOT)}")
