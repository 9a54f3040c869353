"""A short run of `make load LOAD=chaos`, and the endpoint gone altogether."""

import json
from collections.abc import Iterator

import pytest

from devkit.accounts import accounts_of
from devkit.clients import PicWish
from devkit.faulty import FaultyCloud
from devkit.running import running_cloud
from tests.support.picwish import submit, wait
from tools.load import books
from tools.load.chaos import Outcome, parameters, run, table

SEED = 11


@pytest.fixture(scope="module")
def endpoint_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyCloud]:
    """A local cloud with the GPU endpoint, which is serve.py on the CPU here."""
    state = tmp_path_factory.mktemp("chaos")
    with running_cloud(state, *parameters()) as running:
        # A killed worker's task comes back sooner than the template allows, which is what this test would wait for.
        queue = running.resources["MatteQueue"]
        running.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "15"})
        yield FaultyCloud(running, state / "faults.json")


def steps(cloud: FaultyCloud, function: str) -> list[dict[str, object]]:
    """The lines that a function logged of its steps."""
    path = cloud.running.log_dir / f"{function}.log"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    logged = [json.loads(line) for line in lines if line.startswith("{")]
    return [line for line in logged if line.get("message") == "step"]


def test_the_endpoint_mattes_where_there_is_one(endpoint_cloud: FaultyCloud) -> None:
    accounts_of(endpoint_cloud.running).create("with-endpoint")
    picwish = PicWish(endpoint_cloud.url, "key-with-endpoint")
    assert wait(picwish, submit(picwish))[0][-1] == 1
    assert [line["reason"] for line in steps(endpoint_cloud, "WorkerFunction")] == ["ok"]
    assert steps(endpoint_cloud, "MatteOnCpuFunction") == []


def test_without_its_endpoint_a_task_is_matted_on_the_cpu_and_the_log_says_so(endpoint_cloud: FaultyCloud) -> None:
    accounts_of(endpoint_cloud.running).create("without-endpoint")
    picwish = PicWish(endpoint_cloud.url, "key-without-endpoint")
    with endpoint_cloud.fault("sagemaker:InvokeEndpoint", error="ServiceUnavailable", status=503):
        assert wait(picwish, submit(picwish))[0][-1] == 1
    assert [(line["step"], line["reason"]) for line in steps(endpoint_cloud, "MatteOnCpuFunction")] == [("cpu", "ok")]


def test_nothing_is_lost_and_nothing_charged_twice_while_things_break(endpoint_cloud: FaultyCloud) -> None:
    # Gentler than the tool's default: on a slow machine six tries of one step can all be hit.
    outcome: Outcome = run(endpoint_cloud.running, 12, SEED, concurrency=4, kill_every_s=(5.0, 9.0))
    assert outcome.faults() == [], "\n".join([table(outcome), *(task.story for task in outcome.wrong)])
    assert sum(outcome.trouble.values()) > 0
    assert not (endpoint_cloud.running.state_dir / "denied.txt").exists()


def test_usage_is_what_every_api_answered_amid_faults(endpoint_cloud: FaultyCloud) -> None:
    outcome = books.run(endpoint_cloud.running, len(books.BOOKED) + 3, SEED)
    assert outcome.faults() == [], books.table(outcome)
    assert outcome.trouble
