"""A plugin: the permissions that the tests of tests/e2e used are judged when the last of them is done.

Workers of pytest-xdist do not share memory, so each writes what it has seen into one folder after each test, and the
judging tests wait for all of them. They run only where the whole folder runs, and last.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from devkit import running

E2E = running.ROOT / "tests" / "e2e"
JUDGING = E2E / "test_roles.py"
# Tests with these fixtures need a local cloud, like all of tests/e2e; others that start one carry the mark themselves.
_CLOUDS = {"cloud", "faulty", "toy", "shop_cloud", "endpoint_cloud"}
_WAIT_S = 900


class Judge:
    """One per process; the controller of workers has one too, which owns the folder."""

    def __init__(self, worker_input: dict[str, Any] | None) -> None:
        self.worker = worker_input["workerid"] if worker_input else "main"
        self.folder = Path(worker_input["records"] if worker_input else tempfile.mkdtemp(prefix="e2e-records-"))
        self._left_out: list[pytest.Item] = []
        self._awaited: set[str] = set()
        self._done: set[str] = set()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """xdist: what a new worker is given."""
        node.workerinput["records"] = str(self.folder)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self._left_out.extend(item for item in items if item.path.parent == E2E)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
        for item in items:
            if item.path.parent == E2E or _CLOUDS & set(getattr(item, "fixturenames", ())):
                item.add_marker("http")
        # What needs a cloud takes longest, and what is slow comes next; the rest fills up the workers at the end.
        http, slow = ({item.path for item in items if item.get_closest_marker(name)} for name in ("http", "slow"))
        items.sort(key=lambda item: (item.path not in http, item.path not in slow))
        yield
        judging = [item for item in items if item.path == JUDGING]
        rest = [item for item in items if item not in judging]
        here = {item.path for item in items}
        whole = (
            not self._left_out and here >= set(E2E.glob("test_*.py")) and not any("::" in arg for arg in config.args)
        )
        items[:] = [*rest, *judging] if whole else rest
        if whole:
            self._awaited = {item.nodeid for item in rest if item.path.parent == E2E}
        elif judging:
            config.hook.pytest_deselected(items=judging)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        if nodeid in self._awaited:
            self._done.add(nodeid)
            self._write()

    def wait(self) -> None:
        """Until every test of the folder has run, in whatever worker."""
        limit = time.monotonic() + _WAIT_S
        while left := self._awaited - {name for record in self._records() for name in record["done"]}:
            assert time.monotonic() < limit, f"{len(left)} tests never ended, {min(left)} among them"
            time.sleep(0.2)

    def clouds(self) -> list[Path]:
        """The state folders of the clouds that all workers started so far."""
        return [Path(folder) for record in self._records() for folder in record["clouds"]]

    def pytest_unconfigure(self) -> None:
        if self.worker == "main":
            shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self) -> None:
        record = {"done": sorted(self._done), "clouds": [str(folder) for folder in running.started]}
        partial = self.folder / f".{self.worker}"
        partial.write_text(json.dumps(record), "utf-8")
        partial.replace(self.folder / f"{self.worker}.json")

    def _records(self) -> list[dict[str, Any]]:
        return [json.loads(file.read_text("utf-8")) for file in sorted(self.folder.glob("*.json"))]


JUDGE = pytest.StashKey[Judge]()


def pytest_configure(config: pytest.Config) -> None:
    judge = Judge(getattr(config, "workerinput", None))
    config.stash[JUDGE] = judge
    config.pluginmanager.register(judge, "judge")


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Judge:
    """All that the tests of the folder have seen; waits for those that still run elsewhere."""
    found = request.config.stash[JUDGE]
    found.wait()
    return found
