"""The endpoint's two kinds: requests, answers, and the trouble of each failure."""

import io
import json
import socket
from collections.abc import Iterator
from threading import Event
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from cutline.adapters.sagemaker import CALL_CONFIG, AsyncEndpoint, EndpointFault, RealtimeEndpoint, Trouble
from cutline.errors import Reason
from devkit.listening import QuietHandler, listening

PICTURE, MAPS = b"a network-size picture", b"its maps"
OUTPUT, FAILURE = "s3://out/endpoint/out/1.out", "s3://out/endpoint/failed/1-error.out"
STARTED = {"InferenceId": "1", "OutputLocation": OUTPUT, "FailureLocation": FAILURE}


def client(service: str, **options: Any) -> Any:
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    return boto3.client(service, region_name="us-east-1", **keys, **options)


def body(content: bytes) -> StreamingBody:
    return StreamingBody(io.BytesIO(content), len(content))


class Clock:
    """Time that passes only in sleep."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def runtime() -> Iterator[tuple[Any, Stubber]]:
    made = client("sagemaker-runtime")
    with Stubber(made) as stubber:
        yield made, stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def s3() -> Iterator[tuple[Any, Stubber]]:
    made = client("s3")
    with Stubber(made) as stubber:
        yield made, stubber
        stubber.assert_no_pending_responses()


def trouble_of(endpoint: Any) -> EndpointFault:
    with pytest.raises(EndpointFault) as fault:
        endpoint.alpha(PICTURE, "image/jpeg")
    return fault.value


def test_realtime_sends_the_picture_and_returns_the_maps(runtime: tuple[Any, Stubber]) -> None:
    expected = {"EndpointName": "gpu", "Body": PICTURE, "ContentType": "image/jpeg", "Accept": "image/png"}
    runtime[1].add_response("invoke_endpoint", {"Body": body(MAPS), "ContentType": "image/png"}, expected)
    assert RealtimeEndpoint(runtime[0], "gpu").alpha(PICTURE, "image/jpeg") == MAPS


@pytest.mark.parametrize(
    ("code", "status", "fields", "trouble", "passing", "reason"),
    [
        ("ThrottlingException", 400, {}, Trouble.THROTTLED, True, Reason.OVERLOADED),
        ("ServiceUnavailable", 503, {}, Trouble.OVERLOADED, True, Reason.OVERLOADED),
        ("ModelNotReadyException", 429, {}, Trouble.OVERLOADED, True, Reason.OVERLOADED),
        ("ModelError", 424, {"OriginalStatusCode": 503}, Trouble.OVERLOADED, True, Reason.OVERLOADED),
        ("ModelError", 424, {"OriginalStatusCode": 500}, Trouble.MODEL_ERROR, False, Reason.MODEL_FAILED),
        ("ModelError", 424, {"OriginalStatusCode": 415}, Trouble.MODEL_ERROR, False, Reason.MODEL_FAILED),
        ("ModelError", 424, {"OriginalStatusCode": 0}, Trouble.TIMED_OUT, False, Reason.TIMED_OUT),
        ("ValidationError", 400, {}, Trouble.UNAVAILABLE, False, Reason.OVERLOADED),
        ("InternalFailure", 500, {}, Trouble.UNAVAILABLE, False, Reason.OVERLOADED),
        ("AccessDeniedException", 403, {}, Trouble.UNAVAILABLE, False, Reason.OVERLOADED),
    ],
)
def test_every_failure_is_a_trouble_with_a_reason(
    runtime: tuple[Any, Stubber],
    code: str,
    status: int,
    fields: dict[str, Any],
    trouble: Trouble,
    passing: bool,
    reason: Reason,
) -> None:
    runtime[1].add_client_error("invoke_endpoint", code, http_status_code=status, modeled_fields=fields)
    fault = trouble_of(RealtimeEndpoint(runtime[0], "gpu"))
    assert (fault.trouble, fault.passing, fault.reason) == (trouble, passing, reason)


class _Silent(QuietHandler):
    """Takes the call and says nothing, or only the head of an answer."""

    released = Event()
    says_head = False

    def do_POST(self) -> None:
        if self.says_head:
            self.send_response(200)
            self.send_header("Content-Length", "10")
            self.end_headers()
        self.released.wait(60)


@pytest.mark.parametrize("says_head", [False, True])
def test_an_endpoint_that_stays_silent_times_out_after_one_try(says_head: bool) -> None:
    handler = type("Handler", (_Silent,), {"says_head": says_head, "released": Event()})
    config = CALL_CONFIG.merge(Config(read_timeout=0.2))
    with listening(handler) as url:
        endpoint = RealtimeEndpoint(client("sagemaker-runtime", endpoint_url=url, config=config), "gpu")
        assert trouble_of(endpoint).trouble is Trouble.TIMED_OUT
    handler.released.set()  # type: ignore[attr-defined]


def test_an_address_without_a_server_is_unavailable() -> None:
    with socket.socket() as bound_but_deaf:
        bound_but_deaf.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound_but_deaf.getsockname()[1]}"
        endpoint = RealtimeEndpoint(client("sagemaker-runtime", endpoint_url=url, config=CALL_CONFIG), "gpu")
        assert trouble_of(endpoint).trouble is Trouble.UNAVAILABLE


def asynchronous(runtime: tuple[Any, Stubber], s3: tuple[Any, Stubber], clock: Clock) -> AsyncEndpoint:
    """An endpoint that has taken the picture."""
    put = {"Bucket": "work", "Key": ANY, "Body": PICTURE, "ContentType": "image/jpeg"}
    s3[1].add_response("put_object", {}, put)
    expected = {
        "EndpointName": "gpu",
        "InputLocation": ANY,
        "ContentType": "image/jpeg",
        "Accept": "image/png",
        "RequestTTLSeconds": 60,
        "InvocationTimeoutSeconds": 20,
    }
    runtime[1].add_response("invoke_endpoint_async", STARTED, expected)
    return AsyncEndpoint(runtime[0], s3[0], "gpu", "work", 20.0, clock=clock, sleep=clock.sleep)


def not_there(s3: tuple[Any, Stubber], address: str) -> None:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    s3[1].add_client_error(
        "get_object", "NoSuchKey", http_status_code=404, expected_params={"Bucket": bucket, "Key": key}
    )


def test_async_asks_for_the_answer_until_it_is_there(runtime: tuple[Any, Stubber], s3: tuple[Any, Stubber]) -> None:
    clock = Clock()
    endpoint = asynchronous(runtime, s3, clock)
    for _ in range(3):
        not_there(s3, OUTPUT)
        not_there(s3, FAILURE)
    s3[1].add_response("get_object", {"Body": body(MAPS)}, {"Bucket": "out", "Key": "endpoint/out/1.out"})
    assert endpoint.alpha(PICTURE, "image/jpeg") == MAPS
    assert clock.pauses == [0.125, 0.25, 0.5]


def test_async_ends_with_the_failure_that_the_endpoint_wrote(
    runtime: tuple[Any, Stubber], s3: tuple[Any, Stubber]
) -> None:
    endpoint = asynchronous(runtime, s3, Clock())
    not_there(s3, OUTPUT)
    s3[1].add_response("get_object", {"Body": body(json.dumps({"reason": "model_failed"}).encode())})
    fault = trouble_of(endpoint)
    assert (fault.trouble, fault.passing) == (Trouble.MODEL_ERROR, False)
    assert "model_failed" in fault.detail


def test_async_gives_up_in_time(runtime: tuple[Any, Stubber], s3: tuple[Any, Stubber]) -> None:
    clock = Clock()
    endpoint = asynchronous(runtime, s3, clock)
    for _ in range(24):
        not_there(s3, OUTPUT)
        not_there(s3, FAILURE)
    assert trouble_of(endpoint).trouble is Trouble.TIMED_OUT
    assert clock.now == 20.0
    assert max(clock.pauses) == 1.0


def test_async_waits_while_s3_answers_403_for_a_missing_object(
    runtime: tuple[Any, Stubber], s3: tuple[Any, Stubber]
) -> None:
    endpoint = asynchronous(runtime, s3, Clock())
    for _ in range(2):
        s3[1].add_client_error("get_object", "AccessDenied", http_status_code=403)
    s3[1].add_response("get_object", {"Body": body(MAPS)}, {"Bucket": "out", "Key": "endpoint/out/1.out"})
    assert endpoint.alpha(PICTURE, "image/jpeg") == MAPS


def test_async_does_not_wait_for_a_bucket_that_is_gone(runtime: tuple[Any, Stubber], s3: tuple[Any, Stubber]) -> None:
    endpoint = asynchronous(runtime, s3, Clock())
    s3[1].add_client_error("get_object", "NoSuchBucket", http_status_code=404)
    fault = trouble_of(endpoint)
    assert (fault.trouble, fault.detail) == (Trouble.UNAVAILABLE, "unavailable: NoSuchBucket")
