"""API Gateway's contract over HTTP: events in, answers out, limits in between."""

import json
import os
import re
import socket
from urllib.parse import urlsplit

import pytest

from devkit.patience import WAIT_S
from devkit.running import RunningCloud

pytestmark = pytest.mark.http
MIB = 1024 * 1024


def test_event_has_the_shape_of_a_rest_api(toy: RunningCloud) -> None:
    answer = toy.call("GET", "/tree/oak/leaf%20one?a=1&a=2&b=&c=%C3%BC", headers={"X-One": "1", "user-agent": "test/1"})
    event = answer.json()["event"]
    assert answer.status == 200
    assert event["resource"] == "/tree/{proxy+}"
    assert event["path"] == "/tree/oak/leaf one"
    assert event["pathParameters"] == {"proxy": "oak/leaf one"}
    assert event["queryStringParameters"] == {"a": "2", "b": "", "c": "ü"}
    assert event["multiValueQueryStringParameters"]["a"] == ["1", "2"]
    assert event["headers"]["X-One"] == "1"  # neither lower case nor WSGI's HTTP_X_ONE
    assert event["multiValueHeaders"]["X-One"] == ["1"]
    assert (event["body"], event["isBase64Encoded"], event["stageVariables"]) == (None, False, None)
    context = event["requestContext"]
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["identity"]["userAgent"] == "test/1"
    assert re.fullmatch(r"[0-9a-f-]{36}", context["requestId"])
    assert answer.headers["x-amzn-RequestId"] == context["requestId"]
    assert {"accountId", "apiId", "stage", "protocol", "requestTimeEpoch", "resourcePath", "httpMethod"} <= set(context)


def test_absent_parameters_are_null(toy: RunningCloud) -> None:
    event = toy.call("GET", "/health").json()["event"]
    names = ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters")
    assert [event[name] for name in names] == [None, None, None]


def test_trailing_slash_reaches_the_function(toy: RunningCloud) -> None:
    assert toy.call("GET", "/echo").json()["event"]["path"] == "/echo"
    assert toy.call("GET", "/echo/").json()["event"]["path"] == "/echo/"


def test_bytes_survive_both_ways(toy: RunningCloud) -> None:
    body = os.urandom(3 * MIB) + bytes(range(256)) + b"\r\n\x00"
    answer = toy.call("POST", "/echo?bytes", body, {"Content-Type": "image/png"})
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png")
    assert answer.body == body


def test_multi_value_headers_of_the_answer_are_all_sent(toy: RunningCloud) -> None:
    answer = toy.call("POST", "/echo?bytes", b"x")
    assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]  # type: ignore[attr-defined]


def test_chunked_body_is_read(toy: RunningCloud) -> None:
    with socket.create_connection(("127.0.0.1", toy.port), timeout=WAIT_S) as connection:
        head = b"POST /echo?bytes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        connection.sendall(head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.endswith(b"\r\n\r\nabcde")


@pytest.mark.parametrize("size", [5 * MIB, 11 * MIB])
def test_too_large_a_body_gets_the_templates_own_413(toy: RunningCloud, size: int) -> None:
    """11 MiB is over the gateway's limit; 5 MiB is over Lambda's once it is base64."""
    answer = toy.call("POST", "/echo", bytes(size))
    assert answer.status == 413
    assert answer.headers["X-Toy"] == "large"
    assert answer.json()["code"] == "too_large"
    assert answer.json()["requestId"] == answer.headers["x-amzn-RequestId"]


def test_only_the_extended_id_of_a_request_is_the_gateways_own(toy: RunningCloud) -> None:
    chosen = {"x-amzn-RequestId": 'a","x":"b'}
    said = toy.call("POST", "/echo", bytes(11 * MIB), headers=chosen).json()
    assert (said["requestId"], said["x"]) == ("a", "b")
    assert re.fullmatch(r"[A-Za-z0-9+/]{15}=", said["id"])


def test_missing_route_says_missing_authentication_token(toy: RunningCloud) -> None:
    for method, path in (("GET", "/nowhere"), ("GET", "/store"), ("GET", "/moto-api/"), ("POST", "/moto-api/reset")):
        answer = toy.call(method, path)
        assert (answer.status, answer.json()) == (403, {"message": "Missing Authentication Token"})


@pytest.mark.parametrize(
    "scope",
    [
        *("", " Credential=", " Credential=x", " Credential=x/20260101/us-east-1/s3", " " + "x" * 9000),
        *(f" Credential=x/20260101/us-east-1/{name}/aws4_request, Signature=0" for name in ("s3", "dynamodb", "none")),
        " Credential=x/y/z/s3/aws4_request, SignedHeaders=, Signature=\u00e9",
    ],
    ids=lambda scope: scope[:60],
)
def test_a_public_route_does_not_read_an_authorization_of_aws(toy: RunningCloud, scope: str) -> None:
    sent = f"AWS4-HMAC-SHA256{scope}"
    answer = toy.call("POST", "/echo", b"{}", {"Authorization": sent})
    assert (answer.status, answer.json()["event"]["headers"]["Authorization"]) == (200, sent)


def test_an_authorization_without_a_service_makes_no_call_to_aws(toy: RunningCloud) -> None:
    answer = toy.call("GET", "/nowhere", headers={"Authorization": "AWS4-HMAC-SHA256 Credential=x"})
    assert (answer.status, answer.json()) == (403, {"message": "Missing Authentication Token"})


def test_huge_headers_are_refused(toy: RunningCloud) -> None:
    assert toy.call("GET", "/echo", headers={"X-Big": "x" * 10_300}).status == 431


@pytest.mark.parametrize(
    "head",
    [
        *("Content-Length: abc", "Content-Length: -5", "Content-Length: 0_3", "Content-Length: \u00b3"),
        "Content-Length: " + "9" * 5000,
        *("Transfer-Encoding: chunked\r\n\r\nzz", "Transfer-Encoding: chunked\r\n\r\n-5"),
    ],
    ids=lambda head: head[:40].replace("\r\n", " "),
)
def test_a_body_of_no_true_length_is_a_bad_request(toy: RunningCloud, head: str) -> None:
    raw = f"POST /echo HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\nabc\r\n0\r\n\r\n"
    assert _raw(toy, raw.encode("latin-1")).startswith(b"HTTP/1.1 400 ")


def test_a_target_that_is_no_path_is_a_bad_request(toy: RunningCloud) -> None:
    for line in ("OPTIONS *", "GET echo"):
        assert _raw(toy, f"{line} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).startswith(b"HTTP/1.1 400 ")


def _raw(toy: RunningCloud, request: bytes) -> bytes:
    address = urlsplit(toy.url)
    with socket.create_connection((address.hostname or "", address.port or 0), WAIT_S) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(1000)


def test_foreign_authorization_goes_to_the_api(toy: RunningCloud) -> None:
    value = "JDCLOUD2-HMAC-SHA256 Credential=a/20240102/cn-north-1/s/jdcloud2_request, SignedHeaders=host, Signature=0"
    assert (
        toy.call("GET", "/echo", headers={"Authorization": value}).json()["event"]["headers"]["Authorization"] == value
    )


def test_integration_timeout_is_504(toy: RunningCloud) -> None:
    answer = toy.call("GET", "/slow?s=1.5")
    assert (answer.status, answer.json()) == (504, {"message": "Endpoint request timed out"})


@pytest.mark.parametrize("how", ["raise", "malformed", "large"])
def test_failed_or_malformed_answers_are_502(toy: RunningCloud, how: str) -> None:
    answer = toy.call("GET", f"/misbehave?how={how}")
    assert (answer.status, json.loads(answer.body)) == (502, {"message": "Internal server error"})
