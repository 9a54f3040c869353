"""The circuit breaker before an endpoint that sleeps: it is woken without waiting, and used once awake."""

from dataclasses import dataclass, field

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from cutline.adapters.endpoint_watch import AWAKE_S, CHECK_S, PROBE_S, WatchedEndpoint
from cutline.adapters.sagemaker import EndpointFault, Trouble
from cutline.tasks.store import TaskStore
from devkit.memory_table import MemoryTable, client_error

START = 1_704_164_645


@dataclass
class Endpoint:
    """Answers while it is `awake`; `queued` are the probes."""

    awake: bool = False
    asked: int = 0
    queued: list[bytes] = field(default_factory=list)
    trouble: Trouble = Trouble.TIMED_OUT
    fault: Exception | None = None

    def alpha(self, picture: bytes, content_type: str) -> bytes:
        self.asked += 1
        if not self.awake:
            raise EndpointFault(self.trouble)
        return b"maps of " + picture

    def queue(self, picture: bytes, content_type: str, ttl_s: int) -> str:
        if self.fault:
            raise self.fault
        assert ttl_s > PROBE_S, "or the queue is empty before the next probe, and nothing wakes the endpoint"
        self.queued.append(picture)
        return f"s3://out/{len(self.queued)}"

    def has_answered(self, output: str) -> bool:
        return self.awake and output == f"s3://out/{len(self.queued)}"


class Scene:
    """Workers that share an endpoint and a table; time passes by hand."""

    def __init__(self, workers: int = 2) -> None:
        self.now = float(START)
        self.endpoint = Endpoint()
        self.table = MemoryTable("tasks", "pk")
        self.workers = [
            WatchedEndpoint(self.endpoint, self.table, "gpu", clock=lambda: self.now) for _ in range(workers)
        ]

    def ask(self, worker: int = 0) -> str:
        """What a worker's picture came to: "maps" or the trouble."""
        try:
            assert self.workers[worker].alpha(b"view", "image/png") == b"maps of view"
        except EndpointFault as fault:
            assert not fault.passing, "the worker must not try it again"
            return str(fault.trouble)
        return "maps"

    def wakes(self) -> None:
        """The endpoint wakes, and the workers know."""
        self.ask()
        self.endpoint.awake = True
        self.now += CHECK_S
        assert self.ask() == "maps"


def test_an_endpoint_that_never_answered_is_not_waited_for() -> None:
    scene = Scene()
    assert [scene.ask(0), scene.ask(1), scene.ask(0)] == ["asleep"] * 3
    assert scene.endpoint.asked == 0
    assert scene.endpoint.queued == [b"view"], "one of them wakes it"


def test_while_it_sleeps_a_probe_is_always_queued_and_never_two() -> None:
    scene = Scene()
    for _ in range(10 * PROBE_S):
        assert scene.ask(0) == scene.ask(1) == "asleep"
        scene.now += 1
    assert len(scene.endpoint.queued) == 10


def test_it_is_used_within_seconds_of_its_first_answer_by_all() -> None:
    scene = Scene()
    scene.ask(0)
    scene.ask(1)
    scene.endpoint.awake = True
    assert scene.ask(0) == "asleep", "not looked for each picture"
    scene.now += CHECK_S
    assert [scene.ask(1), scene.ask(0)] == ["maps", "maps"]
    assert len(scene.endpoint.queued) == 1


def test_work_keeps_the_proof_fresh_for_later_workers() -> None:
    scene = Scene(3)
    scene.wakes()
    for _ in range(3 * AWAKE_S):
        scene.now += 1
        assert scene.ask(0) == "maps"
    assert scene.ask(2) == "maps"
    assert len(scene.endpoint.queued) == 1


def test_an_endpoint_that_goes_silent_keeps_each_worker_once_at_most() -> None:
    scene = Scene()
    scene.wakes()
    assert scene.ask(1) == "maps"
    scene.endpoint.awake = False
    assert [scene.ask(0), scene.ask(0), scene.ask(1), scene.ask(1)] == ["timed_out", "asleep", "timed_out", "asleep"]
    scene.now += CHECK_S
    assert [scene.ask(0), scene.ask(1)] == ["asleep", "asleep"]
    assert len(scene.endpoint.queued) == 2, "a new probe: the old one's answer proves nothing"


def test_a_picture_that_the_container_fails_on_is_no_sleep() -> None:
    scene = Scene()
    scene.wakes()
    scene.endpoint.awake, scene.endpoint.trouble = False, Trouble.MODEL_ERROR
    assert [scene.ask(), scene.ask()] == ["model_error", "model_error"]


@pytest.mark.parametrize("pause_s", [PROBE_S, 3600])
def test_an_old_answer_proves_nothing(pause_s: int) -> None:
    """It was awake then, and has been scaled in since."""
    scene = Scene()
    scene.ask()
    scene.endpoint.awake = True
    scene.now += pause_s
    assert scene.ask() == "asleep"
    assert scene.endpoint.asked == 0
    assert len(scene.endpoint.queued) == 2


@pytest.mark.parametrize(
    "fault", [client_error("ThrottlingException", 400), EndpointConnectionError(endpoint_url="http://sagemaker")]
)
def test_the_cpu_works_if_the_endpoints_state_is_unknown(fault: Exception) -> None:
    scene = Scene()
    scene.endpoint.fault = fault
    assert scene.ask() == "asleep"
    scene.endpoint.fault = None
    scene.now += CHECK_S
    scene.ask()
    assert len(scene.endpoint.queued) == 1


def test_a_table_that_refuses_costs_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    scene.wakes()
    scene.now += AWAKE_S // 2

    def throttled(**_: object) -> None:
        raise client_error("ProvisionedThroughputExceededException", 400)

    with monkeypatch.context() as patch:
        patch.setattr(scene.table, "update_item", throttled)
        scene.workers[0]._relied_on_until += AWAKE_S
        assert scene.ask() == "maps"
        scene.now += 2 * AWAKE_S
        assert scene.ask() == "asleep"
        with pytest.raises(ClientError):
            scene.table.update_item()  # type: ignore[call-arg]


def test_the_item_is_no_accounts_task() -> None:
    scene = Scene()
    scene.ask()
    assert TaskStore(scene.table).get("endpoint/gpu", "shop", START) is None
