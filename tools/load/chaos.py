"""Background tasks while processes are killed and AWS calls fail: nothing is lost, nothing charged twice."""

import argparse
import random
import statistics
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devkit.accounts import accounts_of
from devkit.clients import Answer, PicWish, multipart, send
from devkit.meters import counters
from devkit.running import RunningCloud, running_cloud
from tools.load.trouble import Trouble
from tools.load.workload import Kind, drawn, site

ACCOUNT = "chaos"
PRICE_MICROS = 3000
_END_LIMIT_S = 600
_OK = 200


@dataclass
class Sent:
    """A task that was sent: how often its POST was tried, and how it ended after how long."""

    kind: Kind
    task_id: str = ""
    tries: int = 0
    state: int | None = None
    seconds: float = 0.0
    story: str = ""


@dataclass
class Outcome:
    """What is left after the run, to be compared with what must be."""

    sent: list[Sent]
    trouble: dict[str, int]
    seconds: float
    charged_calls: int = 0
    charged_micros: int = 0
    taken: int = 0
    holds: int = 0
    queued: dict[str, int] = field(default_factory=dict)
    executions: dict[str, int] = field(default_factory=dict)
    transitions: dict[int, int] = field(default_factory=dict)
    writes: int = 0

    @property
    def wrong(self) -> list[Sent]:
        return [task for task in self.sent if task.state != task.kind.state]

    def faults(self) -> list[str]:
        """Everything that is not as it has to be, in words."""
        done = sum(task.state == 1 for task in self.sent)
        expected = {
            "tasks in a wrong state": (len(self.wrong), 0),
            "calls charged": (self.charged_calls, done),
            "money charged": (self.charged_micros, done * PRICE_MICROS),
            "quota taken": (self.taken, done),
            "holds left": (self.holds, 0),
            "task ids": (len({task.task_id for task in self.sent}), len(self.sent)),
        }
        expected |= {f"messages left in {name}": (left, 0) for name, left in self.queued.items()}
        unfinished = sum(count for status, count in self.executions.items() if status != "SUCCEEDED")
        expected["executions that did not succeed"] = (unfinished, 0)
        return [f"{name}: {found} instead of {wanted}" for name, (found, wanted) in expected.items() if found != wanted]


def run(
    cloud: RunningCloud,
    count: int,
    seed: int,
    concurrency: int = 8,
    *,
    calm: bool = False,
    kill_every_s: tuple[float, float] = (1.5, 4.0),
) -> Outcome:
    """Sends `count` tasks and waits for the end of each; without trouble if `calm`."""
    accounts_of(cloud).create(ACCOUNT, qps=1000, daily_quota=100_000, price_micros={"*": PRICE_MICROS})
    trouble = Trouble(cloud.state_dir / "faults.json", cloud.process.pid, seed, kill_every_s)
    tasks = [Sent(kind) for kind in drawn(count, seed)]
    began, writes = time.monotonic(), _writes(cloud)
    with site() as pictures, ThreadPoolExecutor(concurrency) as pool:

        def through(task: Sent) -> None:
            start = time.monotonic()
            _submit(cloud.url, pictures, task)
            _wait(cloud.url, task, start)

        with nullcontext() if calm else trouble.in_progress():
            list(pool.map(through, tasks))
    seconds = time.monotonic() - began
    settle_down(cloud, ACCOUNT)
    outcome = _outcome(cloud, tasks, dict(trouble.done), seconds)
    outcome.writes = _writes(cloud) - writes
    for task in outcome.wrong:
        task.story = _story(cloud, task)
    return outcome


def _submit(url: str, pictures: str, task: Sent) -> None:
    """Posts until the task is accepted: with its key, a try whose answer was lost costs nothing."""
    key = str(uuid.uuid4())
    while True:
        task.tries += 1
        answer = _post(url, pictures, task.kind, key)
        if answer.status == _OK:
            task.task_id = answer.json["data"]["task_id"]
            return
        assert answer.status in (429, 500, 502, 503), answer
        time.sleep(random.uniform(0.2, 1.0))


def _post(url: str, pictures: str, kind: Kind, key: str) -> Answer:
    fields = {"sync": "0"} | ({"image_url": pictures + kind.path} if kind.path else {})
    body, content_type = multipart(fields, "image_file", kind.image)
    headers = {"X-API-KEY": f"key-{ACCOUNT}", "Content-Type": content_type, "Idempotency-Key": key}
    return send("POST", url + PicWish.path, body, headers)


def _wait(url: str, task: Sent, start: float) -> None:
    while time.monotonic() - start < _END_LIMIT_S:
        answer = PicWish(url, f"key-{ACCOUNT}").query(task.task_id)
        if answer.status == _OK:
            task.state = answer.json["data"]["state"]
            if task.state == 1 or task.state < 0:
                task.seconds = time.monotonic() - start
                return
        time.sleep(0.5)


def settle_down(cloud: RunningCloud, account: str) -> None:
    """Waits for what comes after a task's state is final: its charge, its execution's end, late copies of messages.

    Holds of processes that were killed expire; the account's next call takes them away.
    """
    limit = time.monotonic() + _END_LIMIT_S
    while time.monotonic() < limit:
        queued = _queued(cloud)
        used = counters(cloud, account)
        held = any(name.startswith("hold:") and until > time.time() for name, until in used.items())
        if not held and not any(queued.values()) and "RUNNING" not in _executions(cloud):
            return
        time.sleep(1)


def _queued(cloud: RunningCloud) -> dict[str, int]:
    sqs, found = cloud.client("sqs"), {}
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    for queue in ("MatteQueue", "MatteDeadLetters"):
        url = sqs.get_queue_url(QueueName=cloud.resources[queue].rpartition("/")[2])["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        found[queue] = sum(int(attributes[name]) for name in names)
    return found


def _outcome(cloud: RunningCloud, tasks: list[Sent], trouble: dict[str, int], seconds: float) -> Outcome:
    used = counters(cloud, ACCOUNT)
    return Outcome(
        tasks,
        trouble,
        seconds,
        charged_calls=used.get("calls_pw", 0),
        charged_micros=used.get("charged_micros", 0),
        taken=used.get("taken", 0),
        holds=sum(name.startswith("hold:") for name in used),
        queued=_queued(cloud),
        executions=_executions(cloud),
        transitions=_transitions(cloud, tasks),
    )


def _writes(cloud: RunningCloud) -> int:
    """Requests so far that write to DynamoDB."""
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/s3/aws4_request"}
    calls = cloud.call("GET", "/localcloud/calls", headers=signed).json()
    names = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")
    return sum(calls.get(f"dynamodb:{name}", 0) for name in names)


def _transitions(cloud: RunningCloud, tasks: list[Sent]) -> dict[int, int]:
    """How many executions, of up to 50 looked at, entered how many states."""
    found: dict[int, int] = {}
    for task in tasks[:50]:
        entered = sum(event["type"].endswith("StateEntered") for event in _history(cloud, task))
        found[entered] = found.get(entered, 0) + 1
    return dict(sorted(found.items()))


def _story(cloud: RunningCloud, task: Sent) -> str:
    """What failed on a task's way, in order."""
    failures = []
    for event in _history(cloud, task):
        details: dict[str, str] = next((value for name, value in event.items() if name.endswith("EventDetails")), {})
        if "error" in details or event["type"].endswith("StateEntered"):
            failures.append(details.get("error") or details.get("name", ""))
    return " > ".join(failures)


def _history(cloud: RunningCloud, task: Sent) -> list[dict[str, Any]]:
    arn = cloud.resources["TaskFlow"].replace(":stateMachine:", ":execution:")
    pages = cloud.client("stepfunctions").get_paginator("get_execution_history")
    events = pages.paginate(executionArn=f"{arn}:{task.task_id}")
    return [event for page in events for event in page["events"]]


def _executions(cloud: RunningCloud) -> dict[str, int]:
    pages = cloud.client("stepfunctions").get_paginator("list_executions")
    found: dict[str, int] = {}
    for page in pages.paginate(stateMachineArn=cloud.resources["TaskFlow"]):
        for execution in page["executions"]:
            found[execution["status"]] = found.get(execution["status"], 0) + 1
    return found


def table(outcome: Outcome) -> str:
    """The run by kind of task, the trouble, and the books."""
    lines = [f"{'kind':<20}{'state':>6}{'sent':>6}{'right':>7}{'tries':>7}{'median s':>10}{'worst s':>9}"]
    for kind in sorted({task.kind for task in outcome.sent}, key=lambda kind: (-kind.state, kind.name)):
        these = [task for task in outcome.sent if task.kind == kind]
        right = sum(task.state == kind.state for task in these)
        times = [task.seconds for task in these]
        lines.append(
            f"{kind.name:<20}{kind.state:>6}{len(these):>6}{right:>7}{sum(task.tries for task in these):>7}"
            f"{statistics.median(times):>10.1f}{max(times):>9.1f}"
        )
    lines += ["", *(f"{name:<28}{times:>5} times" for name, times in sorted(outcome.trouble.items())), ""]
    done = sum(task.state == 1 for task in outcome.sent)
    lines.append(f"{len(outcome.sent)} tasks in {outcome.seconds:.0f} s, {done} done, {outcome.charged_calls} charged")
    lines.append(
        f"DynamoDB writes per task {outcome.writes / len(outcome.sent):.2f}, an Idempotency-Key's two among them;"
        f" executions by states entered {outcome.transitions}"
    )
    lines.append(f"executions {outcome.executions}, messages left {outcome.queued}, holds left {outcome.holds}")
    return "\n".join(lines)


def parameters() -> list[str]:
    """How the local cloud is started for a run."""
    values: dict[str, Any] = {
        "GpuEndpoint": "realtime",
        "FetchAllowed": "127.0.0.1/32",
        # All tasks are one account's, and many of their sources slow: none of them waits for capacity.
        "AccountConcurrency": 0,
        # The least that a queue may have: a dead worker's task comes back while the run waits for it.
        "QueueVisibilityS": 45,
    }
    return [f"--parameter={name}={value}" for name, value in values.items()]


def main(given: argparse.Namespace) -> list[str]:
    """Print the seed, then the table of the run. Return what was lost or charged wrongly."""
    print(f"seed {given.seed}, {given.tasks} tasks, {given.concurrency} at once", flush=True)
    with tempfile.TemporaryDirectory() as folder, running_cloud(Path(folder), *parameters()) as cloud:
        outcome = run(cloud, given.tasks, given.seed, given.concurrency, calm=given.calm)
    print(table(outcome))
    ended = [f"{task.kind.name} ended as {task.state}, not {task.kind.state}: {task.story}" for task in outcome.wrong]
    return [*ended, *outcome.faults()]
