"""A function's process that is killed in the middle of a call: what becomes of the quota and the charge."""

import threading
import time
from collections.abc import Iterator

import psutil
import pytest

from cutline.accounts.meter import HOLD_S
from devkit.accounts import accounts_of
from devkit.clients import JdClient, plain_picture
from devkit.faulty import FaultyCloud
from devkit.meters import counters
from devkit.patience import until
from devkit.running import RunningCloud, running_cloud

SMALL = plain_picture(64, 48)
DELAY_S = 30


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyCloud]:
    """A local cloud of its own: its only sandbox of the cutout function is the one that is at work."""
    state = tmp_path_factory.mktemp("mortal")
    with running_cloud(state) as running:
        yield FaultyCloud(running, state / "faults.json")


def test_a_killed_call_is_not_charged_and_its_quota_comes_back_when_its_hold_lapses(mortal: FaultyCloud) -> None:
    accounts_of(mortal.running).create("mortal", daily_quota=1, price_micros={"*": 500})
    jd = JdClient(mortal.url, "AK-mortal", "SK-mortal")
    answers: list[int] = []
    headers = jd.headers("/api/cutout/", SMALL)

    def call() -> None:
        answers.append(mortal.running.call("POST", "/api/cutout/", SMALL, headers).status)

    with mortal.fault("s3:PUT", delay_s=DELAY_S):
        caller = threading.Thread(target=call)
        caller.start()
        hold = wait_for_hold(mortal.running)
        kill_sandbox(mortal.running, "CutoutFunction")
        caller.join()
    assert answers == [502]
    item = counters(mortal.running, "mortal")
    assert (item["taken"], "calls_jdc" in item, "charged_micros" in item) == (1, False, False)
    assert 0 < item[hold] - time.time() <= HOLD_S
    assert jd.cutout(SMALL).json["code"] == 10040

    lapse(mortal.running, hold)
    assert jd.cutout(SMALL).json["result"]["status"] == 0
    assert jd.cutout(SMALL).json["code"] == 10040
    item = counters(mortal.running, "mortal")
    counted = {name: item[name] for name in ("taken", "calls_jdc", "charged_micros", "refused_lapsed")}
    assert counted == {"taken": 1, "calls_jdc": 1, "charged_micros": 500, "refused_lapsed": 1}
    assert hold not in item


def wait_for_hold(cloud: RunningCloud) -> str:
    """The attribute that stands for the call, once it is reserved and therefore at work."""
    holds = until(lambda: [name for name in counters(cloud, "mortal") if name.startswith("hold:")], every_s=0.05)
    return holds[0]


def kill_sandbox(cloud: RunningCloud, function: str) -> None:
    """SIGKILL to the function's one process among the children of this test's own local cloud."""
    name = cloud.resources[function]
    children = psutil.Process(cloud.process.pid).children()  # not theirs: decoders have the same environment
    (sandbox,) = [child for child in children if child.environ().get("AWS_LAMBDA_FUNCTION_NAME") == name]
    sandbox.kill()


def lapse(cloud: RunningCloud, hold: str) -> None:
    """As if the hold's time were over: its deadline lies in the past."""
    item = counters(cloud, "mortal")
    assert hold in item
    day = time.strftime("%Y-%m-%d", time.gmtime())
    cloud.client("dynamodb").update_item(
        TableName=cloud.resources["MeterTable"],
        Key={"pk": {"S": "ACCOUNT#mortal"}, "sk": {"S": f"DAY#{day}"}},
        UpdateExpression="SET #hold = #hold - :hold_s",
        ExpressionAttributeNames={"#hold": hold},
        ExpressionAttributeValues={":hold_s": {"N": str(HOLD_S + 1)}},
    )
