"""Each part of the local cloud broken in turn, and the alarms that its metrics would set off on AWS."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from devkit.accounts import accounts_of
from devkit.clients import SMALL, JdClient, PicWish, send
from devkit.faulty import FaultyCloud
from devkit.meters import meter_of
from devkit.patience import until
from devkit.running import ROOT, running_cloud
from tests.support.alarms import Datum, emitted, ringing
from tests.support.broken import broken_template
from tests.support.picwish import submit, wait
from tests.support.template import Resources, whole_template
from tools.conditions import settled


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyCloud]:
    """A cloud whose cut-outs have no network, and whose tasks wait for a worker for seconds and not for hours."""
    state = tmp_path_factory.mktemp("alarms")
    with running_cloud(state, f"--template={broken_template(state)}") as running:
        accounts_of(running).create("alarms", qps=100)
        yield FaultyCloud(running, state / "faults.json")


class Observed:
    """What the cloud's metrics set off since this was made."""

    def __init__(self, cloud: FaultyCloud) -> None:
        self.cloud = cloud
        self.resources: Resources = settled(whole_template().plain, {})["Resources"]
        self._before = Counter(self._data())
        self._waiting = self._lengths()

    def _data(self) -> list[Datum]:
        return emitted(self.cloud.running.log_dir, self.cloud.running.resources)

    def alarms(self) -> set[str]:
        data = (Counter(self._data()) - self._before).elements()
        return ringing(self.resources, [*data, *self._queues()], self.name_of)

    def _queues(self) -> Iterator[Datum]:
        """What SQS would report of the messages that came since."""
        for url, waiting in self._lengths().items():
            dimensions = frozenset({("QueueName", url.rpartition("/")[2])})
            more = waiting - self._waiting[url]
            yield Datum("AWS/SQS", "ApproximateNumberOfMessagesVisible", dimensions, more)

    def _lengths(self) -> dict[str, int]:
        """The messages of each queue that wait, or were given out and come back."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        sqs, found = self.cloud.running.client("sqs"), {}
        for name in ("MatteDeadLetters", "CallBackDeadLetters", "IntakeDeadLetters"):
            url = self.cloud.running.resources[name]
            attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            found[url] = sum(int(attributes[kind]) for kind in names)
        return found

    def name_of(self, value: Any) -> str:
        match value:
            case {"Ref": str(name)} if name.startswith("AWS::"):
                return name
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]}:
                return self.cloud.running.resources.get(name, name).rpartition("/")[2]
            case {"Fn::Sub": str(text)}:
                return text.replace("${LambdaQuota}", "10")
        return str(value)


def put(cloud: FaultyCloud, queue: str, body: str, count: int = 1) -> None:
    for _ in range(count):
        cloud.running.client("sqs").send_message(QueueUrl=cloud.running.resources[queue], MessageBody=body)


def no_network(cloud: FaultyCloud) -> None:
    for _ in range(6):
        JdClient(cloud.url, "AK-alarms", "SK-alarms").cutout(SMALL)


def table_throttled(cloud: FaultyCloud) -> None:
    with cloud.fault("dynamodb:UpdateItem", error="ThrottlingException"):
        for _ in range(6):
            JdClient(cloud.url, "AK-alarms", "SK-alarms").segment(SMALL)


def tickets_throttled(cloud: FaultyCloud) -> None:
    with cloud.fault("dynamodb:UpdateItem", error="ThrottlingException"):
        for _ in range(6):
            send("POST", f"{cloud.url}/uploads", b"{}", {"X-API-KEY": "key-alarms", "Content-Type": "application/json"})


def failing(cloud: FaultyCloud, operation: str, alarm: str, act: Callable[[], Any]) -> None:
    """Let DynamoDB fail until the alarm rings."""
    with cloud.fault(f"dynamodb:{operation}", error="InternalServerError", status=500):
        observed = Observed(cloud)
        act()
        until(lambda: alarm in observed.alarms(), alarm, every_s=0.2)


def worker_fails(cloud: FaultyCloud) -> None:
    message = json.dumps({"task_id": "t", "token": "t"})
    failing(cloud, "UpdateItem", "WorkerFaultsAlarm", lambda: put(cloud, "MatteQueue", message))


def intake_fails(cloud: FaultyCloud) -> None:
    drop = {"Bucket": cloud.running.resources["InputBucket"], "Key": "in/alarms/auto/x.png", "Body": SMALL}
    failing(cloud, "GetItem", "IntakeFaultsAlarm", lambda: cloud.running.client("s3").put_object(**drop))


def callbacks_fail(cloud: FaultyCloud) -> None:
    failing(cloud, "GetItem", "CallBackFaultsAlarm", lambda: put(cloud, "CallBackQueue", json.dumps({"task_id": "t"})))


def dead_letters_fail(cloud: FaultyCloud) -> None:
    put(cloud, "MatteDeadLetters", "no message of the flow's")


def callers_do_not_answer(cloud: FaultyCloud) -> None:
    put(cloud, "CallBackDeadLetters", "{}", 11)


def queue_purged(cloud: FaultyCloud) -> None:
    """The message is lost while it waits for its second try; the task ends all the same, and is charged once."""
    picwish = PicWish(cloud.url, "key-alarms")
    with cloud.fault("s3:GET", error="InternalError", status=500, path="/view.png"):
        task_id = submit(picwish)
        log = cloud.running.log_dir / "WorkerFunction.log"
        until(lambda: task_id in log.read_text("utf-8"), "the worker's try", every_s=0.1)
    cloud.running.client("sqs").purge_queue(QueueUrl=cloud.running.resources["MatteQueue"])
    assert wait(picwish, task_id)[0][-1] == 1
    assert meter_of(cloud.running, "alarms")["calls_pw"] == 1


# docs/operate.md has this table.
BREAKS: dict[str, tuple[Callable[[FaultyCloud], None], set[str]]] = {
    "the network of the synchronous calls is missing": (no_network, {"CutoutFaultsAlarm"}),
    "the worker cannot write its tasks": (worker_fails, {"WorkerFaultsAlarm"}),
    "the meter table is throttled": (table_throttled, {"SelfieFaultsAlarm"}),
    "it is throttled for upload tickets": (tickets_throttled, {"UploadsFaultsAlarm"}),
    "the intake cannot read its tasks": (intake_fails, {"IntakeFaultsAlarm"}),
    "the callback function cannot read its tasks": (callbacks_fail, {"CallBackFaultsAlarm"}),
    "the hand-over of dead letters raises": (dead_letters_fail, {"MatteDeadLettersAlarm", "UndeliveredFaultsAlarm"}),
    "eleven callers' servers do not answer": (callers_do_not_answer, {"CallBackDeadLettersAlarm"}),
    "the queue of tasks is purged after a worker failed": (queue_purged, {"LostTasksAlarm", "WorkerFaultsAlarm"}),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_part_sets_off_its_alarms(broken: FaultyCloud, name: str) -> None:
    act, expected = BREAKS[name]
    observed = Observed(broken)
    act(broken)
    until(lambda: observed.alarms() >= expected, f"the alarms of: {name}", every_s=0.2)
    assert observed.alarms() == expected


def test_the_guide_has_this_table() -> None:
    text = (ROOT / "docs" / "operate.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| ([^|]+?) \| ((?:`\w+Alarm`(?:, )?)+|none) \|", text, re.MULTILINE))
    for name, (_, expected) in BREAKS.items():
        assert set(re.findall(r"`(\w+)`", rows[name])) == expected, name


def test_an_alarm_whose_dimensions_differ_from_what_is_emitted_stays_silent() -> None:
    alarm = {
        "Namespace": "Cutline",
        "MetricName": "Faults",
        "Dimensions": [{"Name": "service", "Value": "intake"}],
        "Statistic": "Sum",
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 0,
        "TreatMissingData": "notBreaching",
    }
    fault = Datum("Cutline", "Faults", frozenset({("service", "intake")}), 1)
    resources = {"A": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm}}
    assert ringing(resources, [fault], str) == {"A"}
    others = [
        Datum("Cutline", "Faults", frozenset({("service", "intake"), ("reason", "x")}), 1),
        Datum("Cutline", "Faults", frozenset({("service", "Intake")}), 1),
        Datum("Cutline", "Faults", frozenset(), 1),
        Datum("Cutline", "Fault", fault.dimensions, 1),
        Datum("AWS/Lambda", "Faults", fault.dimensions, 1),
        Datum("Cutline", "Faults", fault.dimensions, 0),
    ]
    assert ringing(resources, others, str) == set()
