"""The smoke test of a deployment, against the local cloud: all of it, what it cannot try, what fails."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from cutline.accounts.demo import AIDGE_APP_KEY, AIDGE_SECRET, API_KEY, JD_ACCESS_KEY, JD_SECRET_KEY
from cutline.contracts.apis import APIS
from cutline.settings import Settings
from devkit.patience import WAIT_S
from devkit.running import ROOT, RunningCloud
from localcloud.aws_account import credentials_environment
from tests.support.template import whole_template
from tools.smoke.calls import CALLS, Failed, Keys, read_keys
from tools.smoke.reports import Report, from_cloudwatch, table
from tools.smoke.speed import SLOWDOWN, Speed
from tools.smoke.speed import table as speed_table

ISSUED = {
    "account": "demo",
    "credentials": [
        {"kind": "jd", "key": JD_ACCESS_KEY, "secret": JD_SECRET_KEY},
        {"kind": "aidge", "key": AIDGE_APP_KEY, "secret": AIDGE_SECRET},
        {"kind": "api-key", "key": API_KEY, "secret": None},
    ],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An account's credentials, as `cutline account create --json` prints them."""
    path = tmp_path / "smoke.json"
    path.write_text(json.dumps(ISSUED), "utf-8")
    return path


def smoke(cloud: RunningCloud, *options: str, aws: bool = True, url: str = "") -> tuple[int, str]:
    """The status and output of the program, with or without a way to AWS."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_REGION": "us-east-1"}
    known = credentials_environment(cloud.port) if aws else {**nowhere, "AWS_EC2_METADATA_DISABLED": "true"}
    command = [sys.executable, "-m", "tools.smoke", "--url", url or cloud.url, *options]
    paths = [str(ROOT / "layers" / "cutline" / "python"), str(ROOT)]
    environment |= {**known, "PYTHONPATH": os.pathsep.join(paths), "AWS_DEFAULT_REGION": "us-east-1"}
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=WAIT_S, check=False
    )
    return ended.returncode, ended.stdout + ended.stderr


def row(output: str, name: str) -> str:
    (found,) = re.findall(rf"^{re.escape(name)} +(.*)$", output, re.MULTILINE)
    return str(found)


@pytest.mark.http
def test_everything_that_a_deployment_offers_is_tried(cloud: RunningCloud, file: Path) -> None:
    status, output = smoke(cloud, "--key", str(file), "--logs", str(cloud.log_dir))
    assert status == 0, output
    names = ["GET /health", "GET /", "GET /openapi.json", *(call.label for call in CALLS.values())]
    names += ["result link", "mend"]
    for name in names:
        assert re.fullmatch(r"\d+ +\d+", row(output, name)), output
    for name in ("task", "drop"):
        assert re.fullmatch(r"\d+", row(output, name)), output
    for function in (
        "Cutout",
        "Selfie",
        "Tasks",
        "Costume",
        "Prepare",
        "Worker",
        "Finish",
        "Intake",
        "Links",
        "Mend",
        "Site",
    ):
        calls, _starts, _init_ms, run_ms, peak_mb, memory_mb = row(output, function).split()
        assert int(calls) > 0
        assert float(run_ms) > 0
        assert 0 < int(peak_mb) <= int(memory_mb)
    assert f"{len(names) + 2} work, 0 failed, 0 skipped" in output
    for name in ("decoder", "WEBP", "JPEG"):
        assert re.fullmatch(r"0\.\d+ +\d\.\d+ +(holds|DOES NOT HOLD)", row(output, name)), output
    for bucket in ("InputBucket", "OutputBucket"):
        left = cloud.client("s3").list_objects_v2(Bucket=cloud.resources[bucket], Prefix="in/demo/auto/smoke-")
        assert left["KeyCount"] == 0, "it cleans up"


@pytest.mark.http
def test_what_cannot_be_tried_says_why_and_is_no_failure(cloud: RunningCloud) -> None:
    status, output = smoke(cloud, "--key", API_KEY, aws=False)
    assert status == 0, output
    assert re.fullmatch(r"skipped: needs a secret: KEY=FILE .*", row(output, "JD matting"))
    for name in ("drop", "functions:"):
        assert re.fullmatch(r"skipped: stack cutline cannot be looked at: .*credentials.*", row(output, name))
    assert "0 failed, 4 skipped" in output


@pytest.mark.http
def test_a_deployment_that_refuses_is_reported_call_by_call(cloud: RunningCloud) -> None:
    status, output = smoke(cloud, "--key", "no-such-key", aws=False)
    assert status == 1
    assert row(output, "PicWish") == row(output, "task") == "FAILED"
    assert re.search(r"^FAILED PicWish: HTTP 401: .*$", output, re.MULTILINE)
    assert re.fullmatch(r"\d+ +\d+", row(output, "GET /health")), "the rest is tried all the same"


def test_a_closed_address_is_a_failure_of_each(cloud: RunningCloud, file: Path) -> None:
    status, output = smoke(cloud, "--key", str(file), aws=False, url="http://127.0.0.1:9")
    assert status == 1
    assert "FAILED GET /health: URLError" in output
    assert "0 work" in output


def test_a_bound_that_does_not_hold_says_what_to_set() -> None:
    quick, slow = Speed("JPEG", 0.02e-6, 0.03e-6), Speed("WEBP", 0.9e-6, 0.36e-6)
    assert [line.split()[-1] for line in speed_table([quick])][1:] == ["holds"]
    lines = speed_table([quick, slow])
    assert (lines[2].split()[-1], lines[3]) == ("HOLD", "set CpuSlowdown to 3.0 and deploy")
    assert whole_template().plain["Parameters"]["CpuSlowdown"]["Default"] == SLOWDOWN
    assert Settings.from_environment({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769"}).cpu_slowdown == SLOWDOWN


def test_every_api_is_called() -> None:
    assert list(CALLS) == list(APIS)


@pytest.mark.parametrize("text", ["", "[]", '{"credentials": [{"kind": "jd"}]}', '{"credentials": []}'])
def test_a_file_of_anything_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "smoke.json"
    path.write_text(text, "utf-8")
    with pytest.raises(Failed, match="cutline account create"):
        read_keys(str(path))
    assert read_keys("a key") == Keys("a key")
    with pytest.raises(Failed, match="KEY is missing"):
        read_keys("")


def event(stream: str, **metrics: float) -> dict[str, Any]:
    said = {"durationMs": 240.5, "memorySizeMB": 1769, "maxMemoryUsedMB": 410, **metrics}
    line = {"time": "2026-11-22T00:00:00Z", "type": "platform.report", "record": {"metrics": said}}
    return {"logStreamName": stream, "message": json.dumps(line)}


def test_reports_are_read_from_cloudwatch_once_they_are_there() -> None:
    logs, paused = boto3.client("logs", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x"), []  # type: ignore[var-annotated]
    asked = {"logGroupName": "group", "startTime": 7, "filterPattern": '"platform.report"'}
    found = [
        event("2026/11/22/cutline-CutoutFunction-aB1[$LATEST]0a", initDurationMs=2100.0),
        event("2026/11/22/cutline-CutoutFunction-aB1[$LATEST]0a"),
        event("2026/11/22/my-shop-MatteOnCpuFunction-Zz9[3]0b", maxMemoryUsedMB=500),
    ]
    with Stubber(logs) as stub:
        stub.add_response("filter_log_events", {"events": []}, asked)
        stub.add_response("filter_log_events", {"events": found}, asked)
        reports = from_cloudwatch(logs, "group", 7, 3, paused.append)
    assert paused == [5.0]
    assert reports[0] == Report("Cutout", 240.5, 2100.0, 1769, 410)
    assert [line.split() for line in table(reports)[1:]] == [
        ["MatteOnCpu", "1", "0", "-", "240", "500", "1769"],
        ["Cutout", "2", "1", "2100", "240", "410", "1769"],
    ]


def test_reports_that_never_come_are_waited_for_no_longer_than_a_minute() -> None:
    logs, paused = boto3.client("logs", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x"), []  # type: ignore[var-annotated]
    with Stubber(logs) as stub:
        for _ in range(10):
            stub.add_response("filter_log_events", {"events": []})
        assert from_cloudwatch(logs, "group", 7, 3, paused.append) == []
    assert sum(paused) == 45
