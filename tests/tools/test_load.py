"""`make load LOAD=flood` against a target without a cloud: what it measures, and what it calls unfair."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from devkit.clients import Answer
from devkit.listening import QuietHandler, listening
from tools.load.flood import run, visitor
from tools.load.floods import flooding, floods
from tools.load.measure import Phase, Visit, faults, table

# So long that what a busy machine takes to wake a thread is little next to them.
CPU_S, HELD_S = 0.06, 0.5


class Target:
    """`count` functions, of which the flood's calls hold at most `bound` at once; more of them are refused."""

    def __init__(self, functions: int, bound: int) -> None:
        self._free = threading.Semaphore(functions)
        self._slots = threading.Semaphore(bound)
        self._lock = threading.Lock()
        self._calling = self.max_calling = 0

    def visit(self) -> Visit:
        begun = time.monotonic()
        with self._free:
            waited = time.monotonic() - begun
            time.sleep(CPU_S)
        return Visit(time.monotonic() - begun, waited, CPU_S)

    def flood(self) -> Answer:
        with self._lock:
            self._calling += 1
            self.max_calling = max(self.max_calling, self._calling)
        try:
            if not self._slots.acquire(blocking=False):
                return Answer(429, {}, b"")
            with self._free:
                time.sleep(HELD_S)
            self._slots.release()
            return Answer(200, {}, b"")
        finally:
            with self._lock:
                self._calling -= 1


@pytest.mark.parametrize(("bound", "fair"), [(2, True), (20, False)], ids=["bounded", "without a bound"])
def test_a_flood_that_holds_all_functions_is_found_and_one_that_cannot_is_not(
    bound: int, fair: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    target = Target(functions=4, bound=bound)
    quiet, phases = run(target.visit, {"slow sources": target.flood}, 0.8, connections=12, pause_s=0.05)
    assert (faults(quiet, phases) == []) is fair
    assert target.max_calling <= 12
    assert phases[0].statuses["200"] >= 2
    assert (phases[0].statuses["429"] > 0) is fair
    printed = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in printed] == ["phase", "quiet", "slow sources"]


def phase(name: str, *visits: Visit) -> Phase:
    return Phase(name, list(visits))


def test_a_machine_that_is_slower_for_all_is_no_unfairness_and_is_printed() -> None:
    quiet, flood = phase("quiet", Visit(0.2, 0.0, 0.1)), phase("usage", Visit(0.9, 0.05, 0.12))
    assert faults(quiet, [flood]) == []
    row = " ".join(table(quiet, [flood]).splitlines()[-1].split())
    assert row == "usage 1 0 900 900 4.50 50 120 170 1.70"


def test_waiting_more_than_the_usual_time_is() -> None:
    quiet, flood = phase("quiet", Visit(0.2, 0.0, 0.1)), phase("one key", Visit(0.4, 0.11, 0.1))
    assert faults(quiet, [flood]) == ["one key: p99 of wait and CPU is 2.10 times the quiet one, more than 2"]


def test_so_is_a_lost_call_however_quick() -> None:
    usual = Visit(0.2, 0.0, 0.1)
    lost = Visit(0.1, 0.0, 0.0, ("cut-out: HTTP 500",))
    assert faults(phase("quiet", usual), [phase("usage", usual, lost)]) == ["usage: lost cut-out: HTTP 500"]


def test_p99_is_the_slowest_of_fewer_than_a_hundred_visits() -> None:
    visits = [Visit(float(number), 0, 0) for number in range(1, 201)]

    def wall_s(visit: Visit) -> float:
        return visit.wall_s

    assert phase("", *visits[:99]).p(0.99, wall_s) == 99
    assert phase("", *visits).p(0.99, wall_s) == 198
    assert phase("", *visits[:4]).p(0.5, wall_s) == 2


def test_the_flood_goes_on_over_broken_connections_and_ends() -> None:
    def broken() -> Answer:
        raise ConnectionResetError

    with flooding(broken, 3, 0.01) as statuses:
        time.sleep(0.1)
    count = statuses["ConnectionResetError"]
    assert count > 3
    time.sleep(0.05)
    assert statuses["ConnectionResetError"] == count


@pytest.fixture
def service() -> Iterator[tuple[str, dict[str, Any]]]:
    """A service's address, and the state of its tasks and the paths that it was asked for."""
    kept: dict[str, Any] = {"state": 1, "asked": [], "accepts": []}

    class Fake(QuietHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kept["asked"].append((self.command, self.path.partition("?")[0], self.headers.get("Idempotency-Key", "")))
            kept["accepts"].append(self.headers.get("Accept", ""))
            data = {"task_id": "t", "state": kept["state"], "image": f"{url}/r/x.png"}
            document = {} if self.path == "/usage" else {"data": data}
            body = json.dumps(document, separators=(",", ":")).encode()
            self.send_response(200)
            self.send_header("X-Localcloud-Times", "wait=5.000 cpu=20.000")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _answer

    with listening(Fake) as url:
        yield url, kept


def test_a_visit_adds_up_what_its_four_calls_took(service: tuple[str, dict[str, Any]]) -> None:
    url, kept = service
    visit = visitor(url, "quiet")()
    assert (visit.wait_s, visit.cpu_s, visit.lost) == (pytest.approx(0.02), pytest.approx(0.08), ())
    tasks = "/api/tasks/visual/segmentation"
    assert [path for _, path, _ in kept["asked"]] == [tasks, f"{tasks}/t", "/r/x.png", "/usage"]


def test_a_failure_that_is_reported_with_http_200_is_a_lost_call(service: tuple[str, dict[str, Any]]) -> None:
    url, kept = service
    kept["state"] = -8
    (story,) = visitor(url, "quiet")().lost
    assert story.startswith("cut-out: HTTP 200")


def test_the_floods_call_what_they_say(service: tuple[str, dict[str, Any]]) -> None:
    url, kept = service
    with floods(url, "flooder") as calls:
        kept["asked"].clear()
        kept["accepts"].clear()
        for call in calls.values():
            assert call().status == 200
    tasks = "/api/tasks/visual/segmentation"
    paths = [(method, path) for method, path, _ in kept["asked"]]
    posts, gets = [("POST", tasks)] * 3, [("GET", f"{tasks}/t"), ("GET", "/usage"), ("GET", "/r/x.png")]
    first_view = [("POST", tasks), ("GET", "/r/x.png")]
    assert list(calls)[:5] == ["bad credentials", "one key", "slow sources", "task questions", "usage"]
    assert list(calls)[5:] == ["result links", "first views"]
    assert paths == posts + gets + first_view
    assert [bool(key) for _, _, key in kept["asked"]] == [False, True, *[False] * 6]
    assert ["image/webp" in accept for accept in kept["accepts"]] == [False] * 5 + [True, False, True]
