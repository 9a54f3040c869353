"""Lambda's contract: environment, reuse, limits, and what happens to functions that misbehave."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from devkit.patience import scaled, until
from devkit.running import RunningCloud

pytestmark = pytest.mark.http


def _log(toy: RunningCloud, function: str) -> str:
    return (toy.log_dir / f"{function}.log").read_text("utf-8")


def _invoke(toy: RunningCloud, function: str, event: dict[str, object]) -> tuple[dict[str, object], str]:
    answer = toy.client("lambda").invoke(FunctionName=toy.resources[function], Payload=json.dumps(event))
    return json.loads(answer["Payload"].read()), answer.get("FunctionError", "")


def test_environment_comes_only_from_the_template(toy: RunningCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = toy.call("GET", "/echo").json()
    environment = facts["environment"]
    assert environment["GREETING"] == "hello from us-east-1"
    assert environment["BUCKET"] == toy.resources["Files"]
    assert environment["AWS_ENDPOINT_URL"] == toy.url
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert environment["AWS_CONFIG_FILE"] == "/dev/null"
    assert not {"HOME", "USER", "PWD", "VIRTUAL_ENV", "PYTEST_CURRENT_TEST"} & set(environment)
    assert facts["cwd"].endswith("functions/toy")
    assert 2000 < facts["remaining_ms"] <= 3000


def test_layers_are_importable_and_opt_paths_lead_into_them(toy: RunningCloud) -> None:
    facts = toy.call("GET", "/echo").json()
    assert (facts["layer"], facts["note"]) == ("layer", "shared data\n")


def test_an_idle_sandbox_is_used_again(toy: RunningCloud) -> None:
    first, second = (toy.call("GET", "/echo").json() for _ in range(2))
    assert first["pid"] == second["pid"]
    assert not second["cold"]


def test_report_line_has_what_a_bill_needs(toy: RunningCloud) -> None:
    toy.call("GET", "/echo")
    report = _log(toy, "Echo").splitlines()[-1]
    assert report.startswith("REPORT RequestId: ")
    for part in ("Duration: ", "Billed Duration: ", "Memory Size: 256 MB", "Max Memory Used: "):
        assert part in report
    assert "Init Duration: " in _log(toy, "Echo")


def test_an_exception_leaves_the_sandbox_alive(toy: RunningCloud) -> None:
    body, error = _invoke(toy, "Misbehave", {"queryStringParameters": {"how": "raise"}})
    assert (error, body["errorType"], body["errorMessage"]) == ("Unhandled", "ValueError", "on purpose")


@pytest.mark.parametrize(
    ("how", "error_type"),
    [
        ("exit", "Runtime.ExitError"),
        ("memory", "Runtime.OutOfMemory"),
        ("together", "Runtime.OutOfMemory"),
        ("sleep", "Sandbox.Timedout"),
    ],
)
def test_a_killed_sandbox_is_reported_and_replaced(toy: RunningCloud, how: str, error_type: str) -> None:
    begun = time.monotonic()
    body, error = _invoke(toy, "Misbehave", {"queryStringParameters": {"how": how}})
    assert (error, body["errorType"]) == ("Unhandled", error_type)
    assert time.monotonic() - begun < scaled(30)
    assert toy.call("GET", "/misbehave?how=well").status == 204


def test_lines_of_two_sandboxes_never_share_one(toy: RunningCloud) -> None:
    with ThreadPoolExecutor(3) as pool:
        answers = pool.map(lambda _: toy.call("GET", "/misbehave?how=talk").status, range(6))
    assert set(answers) == {204}
    reported = [line for line in _log(toy, "Misbehave").splitlines() if '"number"' in line]
    assert len(reported) == 6 * 300
    lines = [json.loads(line) for line in reported]
    assert len({line["pid"] for line in lines}) > 1
    assert sorted(line["number"] for line in lines) == sorted(list(range(300)) * 6)


def test_an_import_error_is_an_init_error(toy: RunningCloud) -> None:
    body, error = _invoke(toy, "Broken", {})
    assert (error, body["errorMessage"]) == ("Unhandled", "cannot be imported")
    assert toy.call("GET", "/broken").status == 502


def test_reserved_concurrency_throttles(toy: RunningCloud) -> None:
    client = toy.client("lambda")
    event = json.dumps({"queryStringParameters": {"s": "1.5"}})
    errors = client.exceptions.TooManyRequestsException
    gate = threading.Barrier(3)

    def call(_: int) -> int:
        gate.wait()
        try:
            answer = client.invoke(FunctionName=toy.resources["Slow"], Payload=event)
            return int(json.loads(json.loads(answer["Payload"].read())["body"])["pid"])
        except errors:
            return 0

    _wait_until_idle(toy)
    with ThreadPoolExecutor(3) as pool:
        pids = sorted(pool.map(call, range(3)))
    # boto3 retries throttles by itself; three at once on two slots: each that ran had a process of its own.
    ran = [pid for pid in pids if pid]
    assert len(set(ran)) == 2


def test_a_throttled_api_call_is_a_500_of_the_gateway(toy: RunningCloud) -> None:
    _wait_until_idle(toy)
    with ThreadPoolExecutor(3) as pool:
        statuses = sorted(pool.map(lambda _: toy.call("GET", "/slow?s=3").status, range(3)))
    # Two hold the slots beyond the gateway's patience, however slowly the third comes.
    assert statuses == [500, 504, 504]


def _wait_until_idle(toy: RunningCloud) -> None:
    """Calls that the gateway gave up on still hold their slot."""
    until(lambda: _log(toy, "Slow").count("START") == _log(toy, "Slow").count("REPORT"), every_s=0.05)


def test_unknown_function_is_not_found(toy: RunningCloud) -> None:
    client = toy.client("lambda")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName="missing", Payload=b"{}")


def test_every_process_is_an_awslambdaric_child_of_the_one_parent(toy: RunningCloud) -> None:
    children = psutil.Process(toy.process.pid).children(recursive=True)
    assert children
    assert all("awslambdaric" in " ".join(child.cmdline()) for child in children)
