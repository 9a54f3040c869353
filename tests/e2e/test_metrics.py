"""What the functions tell CloudWatch, read from their logs: all that the dashboard draws, and few dimensions."""

import json
import re
import uuid
from typing import Any

from devkit.accounts import Accounts
from devkit.clients import SMALL, AidgeClient, JdClient, PicWish, plain_picture
from devkit.patience import until
from devkit.running import ROOT, RunningCloud

_DASHBOARD = (ROOT / "template.yaml").read_text("utf-8").partition("DashboardBody:")[2].partition("\nOutputs:")[0]


def emitted(cloud: RunningCloud) -> list[dict[str, Any]]:
    """Every metric written so far: its name, its value, its dimensions."""
    found = []
    for log in cloud.log_dir.iterdir():
        whole = log.read_text("utf-8", "replace").rpartition("\n")[0]  # the rest may still be on its way
        for line in whole.splitlines():
            if '"_aws"' not in line:
                continue
            document = json.loads(line[line.index("{") :])
            (directive,) = document["_aws"]["CloudWatchMetrics"]
            (names,) = directive["Dimensions"]
            assert directive["Namespace"] == "Cutline"
            dimensions = {name: document[name] for name in names}
            found += [
                {"metric": metric["Name"], "value": document[metric["Name"]][0], **dimensions}
                for metric in directive["Metrics"]
            ]
    return found


def drawn() -> tuple[set[tuple[str, str]], set[tuple[str, frozenset[str]]]]:
    """What the dashboard asks for: metrics of the cutout function by name, and searches with their dimensions."""
    plain = set(re.findall(r'\["Cutline", "(\w+)", "service", "(\w+)"', _DASHBOARD))
    searches = {
        (metric, frozenset(dimensions.split(",")))
        for dimensions, metric in re.findall(r"SEARCH\('\{Cutline,([a-z,]+)\} MetricName=\\\"(\w+)\\\"", _DASHBOARD)
    }
    return plain, searches


def test_all_that_the_dashboard_draws_is_reported(cloud: RunningCloud, accounts: Accounts) -> None:
    accounts.create("metrics", price_micros={"jdc": 2000, "pw": 3000})
    key = f"u/metrics/{uuid.uuid4().hex}"
    cloud.client("s3").put_object(Bucket=cloud.resources["InputBucket"], Key=key, Body=plain_picture(120, 100))
    assert JdClient(cloud.url, "AK-metrics", "SK-metrics").cutout(SMALL).json["result"]["status"] == 0
    assert AidgeClient(cloud.url, "APP-metrics", "SK-metrics").post({"imageUrl": f"upload:{key}"}).json["success"]
    picwish = PicWish(cloud.url, "key-metrics")
    task = picwish.create(sync="0").json["data"]["task_id"]
    assert picwish.poll(task)["state"] == 1
    assert picwish.create(b"no picture").status == 200
    picwish.poll(picwish.create(b"no picture", sync="0").json["data"]["task_id"])
    found = wait_for_charge_of_task(cloud)
    names = {(item["metric"], item["service"]) for item in found}
    shapes = {(item["metric"], frozenset(item) - {"metric", "value"}) for item in found}
    plain, searches = drawn()
    assert {name for name, _ in plain} == {"ColdStarts"}
    assert ("ColdStarts", "cutout") in names
    assert len(searches) == 4
    assert searches <= shapes
    # Metrics are billed each month, so nothing tells what neither the dashboard nor an alarm looks at.
    assert {name for name, _ in names} - {"Faults", "Refusals"} == {"ColdStarts", *(name for name, _ in searches)}


def test_the_dashboards_stages_are_those_of_the_log(cloud: RunningCloud) -> None:
    assert JdClient(cloud.url).cutout(SMALL).json["result"]["status"] == 0
    asked = set(re.findall(r"pct\(stages_ms\.(\w+), 50\)", _DASHBOARD))
    lines = (cloud.log_dir / "CutoutFunction.log").read_text("utf-8").splitlines()
    served = [json.loads(line) for line in lines if '"message":"request"' in line]
    assert asked <= {name for line in served for name in line["stages_ms"]}


def wait_for_charge_of_task(cloud: RunningCloud) -> list[dict[str, Any]]:
    """Everything, once the task's charge is there: it is reported after the caller can see the result."""
    charge = {"metric": "ChargeMicros", "value": 3000, "service": "finish", "api": "pw", "reason": "ok"}
    until(lambda: charge in emitted(cloud), "the metric of the charge", every_s=0.2)
    return emitted(cloud)


def test_dimensions_are_few_and_name_no_account(cloud: RunningCloud) -> None:
    PicWish(cloud.url, "wrong").create(SMALL)
    found = emitted(cloud)
    keys = {frozenset(item) - {"metric", "value"} for item in found}
    assert keys <= {frozenset({"service", *more}) for more in ((), ("api", "reason"), ("step", "reason"))}
    refused = [item for item in found if item["metric"] == "Requests" and item["reason"] == "key_unknown"]
    assert refused
    assert ("tasks", "pw", 1) in {(item["service"], item["api"], item["value"]) for item in refused}
