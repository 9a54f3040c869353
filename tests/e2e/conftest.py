"""Accounts in the running local cloud, written the way an operator's tool writes them."""

import json
import subprocess
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from cutline.accounts.account import Account, AccountStore
from cutline.accounts.lanes import Lane, lanes_for
from cutline.adapters.kms import KmsCipher
from cutline.contracts.wire import Scheme
from tests.e2e.clients import observers
from tests.e2e.ledger import Ledger
from tests.e2e.rows import new_ledger
from tests.localcloud.running import ROOT, RunningCloud, running_cloud

REPORT = ROOT / "build" / "contract-rows.md"
LEDGER = new_ledger()
observers.append(LEDGER.note)
_HERE = Path(__file__).parent
_JUDGED = (_HERE / "test_rows.py", _HERE / "test_roles.py")
_left_out: list[pytest.Item] = []
_WHOLE = pytest.StashKey[bool]()
FAULTY_PARAMETERS = {"TimeLimitMs": "6000", "ServiceQps": "1000", "FetchAllowed": "127.0.0.1/32"}


@dataclass(frozen=True)
class Accounts:
    """Creates accounts whose credentials are named after them: AK-x, APP-x, key-x; the secret is SK-x."""

    store: AccountStore

    def create(self, name: str, **options: Any) -> None:
        self.store.put_account(Account(name, **{"qps": 100, **options}))
        self.store.put_credential(Scheme.JD, f"AK-{name}", name, f"SK-{name}")
        self.store.put_credential(Scheme.AIDGE, f"APP-{name}", name, f"SK-{name}")
        self.store.put_credential(Scheme.PICWISH, f"key-{name}", name)
        self.store.put_credential(Scheme.AILAB, f"key-{name}", name)


def accounts_of(cloud: RunningCloud) -> Accounts:
    session = boto3.Session("test", "test", region_name="us-east-1")
    table = session.resource("dynamodb", endpoint_url=cloud.url).Table(cloud.resources["AccountsTable"])
    return Accounts(AccountStore(table, KmsCipher(cloud.client("kms"), cloud.resources["AccountsKey"])))


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


@dataclass(frozen=True)
class FaultyCloud:
    """A second local cloud whose AWS calls fail on demand; private pictures may be fetched from 127.0.0.1."""

    running: RunningCloud
    faults: Path

    @property
    def url(self) -> str:
        return self.running.url

    @contextmanager
    def busy_service(self) -> Iterator[None]:
        """As if other accounts had used up the rate of the whole service for a minute to come."""
        day, count = f"{datetime.now(UTC):%Y-%m-%d}", lanes_for(float(FAULTY_PARAMETERS["ServiceQps"]), None)
        lanes = [Lane("*service*", day, index, count) for index in range(count)]
        keys = [{name: {"S": value} for name, value in lane.key.items()} for lane in lanes]
        dynamodb, table = self.running.client("dynamodb"), self.running.resources["MeterTable"]
        arrival = {":t": {"N": str(int((time.time() + 60) * 1e6))}}
        for key in keys:
            dynamodb.update_item(
                TableName=table, Key=key, UpdateExpression="SET tat_us = :t", ExpressionAttributeValues=arrival
            )
        try:
            yield
        finally:
            for key in keys:
                dynamodb.delete_item(TableName=table, Key=key)

    @contextmanager
    def fault(self, operation: str, **fault: Any) -> Iterator[None]:
        self.faults.write_text(json.dumps({operation: fault}))
        try:
            yield
        finally:
            self.faults.unlink()


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
