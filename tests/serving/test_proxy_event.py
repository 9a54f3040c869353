"""The gateway's events as requests, and responses as the gateway takes them."""

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutline.contracts.wire import Response, json_response
from cutline.limits import KIB, MIB
from cutline.serving.proxy_event import fits_the_proxy, to_proxy, to_request

FULL_EVENT = {
    "httpMethod": "post",
    "path": "/api/cutout/",
    "headers": {"Host": "last.example.com", "X-A": "last"},
    "multiValueHeaders": {"Host": ["api.example.com"], "X-A": ["first", "last"], "X-Forwarded-Proto": ["https"]},
    "queryStringParameters": {"a": "2"},
    "multiValueQueryStringParameters": {"a": ["1", "2"], "b": [""]},
    "requestContext": {"path": "/v1/api/cutout/", "requestId": "id-1", "requestTimeEpoch": 1704164645123},
    "body": base64.b64encode(bytes(range(256))).decode(),
    "isBase64Encoded": True,
}


def test_an_event_becomes_a_request_without_losing_anything() -> None:
    request = to_request(FULL_EVENT)
    assert (request.method, request.path, request.raw_path) == ("POST", "/api/cutout/", "/v1/api/cutout/")
    assert request.headers == {"host": "api.example.com", "x-a": "first,last", "x-forwarded-proto": "https"}
    assert request.query == (("a", "1"), ("a", "2"), ("b", ""))
    assert request.params == {"a": "1", "b": ""}
    assert request.body == bytes(range(256))
    assert (request.request_id, request.received_at) == ("id-1", 1704164645.123)
    assert request.base_url == "https://api.example.com/v1"


def test_links_use_the_public_address_where_there_is_one() -> None:
    assert to_request(FULL_EVENT, "https://cutout.example.com").base_url == "https://cutout.example.com"


def test_a_custom_domain_has_no_stage_in_its_links() -> None:
    event = {**FULL_EVENT, "requestContext": {"path": "/api/cutout/"}}
    assert to_request(event).base_url == "https://api.example.com"


@pytest.mark.parametrize(
    ("resource", "path", "raw_path", "before", "route"),
    [
        ("/api/cutout", "/api/cutout/", "/v1/api/cutout/", "/v1", "/api/cutout/"),
        ("/api/cutout", "/api/cutout", "/api/cutout", "", "/api/cutout"),
        # A base path of a domain stands in both.
        ("/api/cutout", "/shop/api/cutout/", "/shop/api/cutout/", "/shop", "/api/cutout/"),
        ("/r/{token}", "/a/b/r/x", "/a/b/r/x", "/a/b", "/r/x"),
        ("/", "/", "/v1", "/v1", "/"),
        ("/", "/", "/v1/", "/v1", "/"),
        ("/", "/shop/", "/shop/", "/shop", "/"),
        ("/health", "/", "/", "", "/"),
    ],
)
def test_the_prefix_of_a_route_is_part_of_links_and_not_of_the_path(
    resource: str, path: str, raw_path: str, before: str, route: str
) -> None:
    request = to_request({**FULL_EVENT, "resource": resource, "path": path, "requestContext": {"path": raw_path}})
    assert (request.path, request.raw_path) == (route, raw_path)
    assert request.base_url == f"https://api.example.com{before}"


@given(resource=st.text(max_size=30), path=st.text(max_size=30), raw_path=st.text(max_size=30))
def test_any_path_becomes_a_request(resource: str, path: str, raw_path: str) -> None:
    request = to_request({"resource": resource, "path": path, "requestContext": {"path": raw_path}})
    assert request.path.startswith("/")


@pytest.mark.parametrize(
    "event",
    [
        {},
        {
            "headers": None,
            "multiValueHeaders": None,
            "body": None,
            "requestContext": None,
            "path": None,
            "multiValueQueryStringParameters": None,
            "queryStringParameters": None,
        },
    ],
    ids=["missing", "null"],
)
def test_an_event_without_its_keys_is_an_empty_get(event: dict[str, None]) -> None:
    request = to_request(event)
    assert (request.method, request.path, request.raw_path) == ("GET", "/", "/")
    assert (request.query, request.headers, request.body, request.request_id) == ((), {}, b"", "")
    assert abs(request.received_at - time.time()) < 60
    assert request.base_url == "https://localhost"


def test_an_event_with_single_values_only_is_read_from_those() -> None:
    event = {"headers": {"X-A": "b"}, "queryStringParameters": {"c": "d"}}
    assert (to_request(event).headers, to_request(event).query) == ({"x-a": "b"}, (("c", "d"),))


def test_lone_surrogates_never_get_past_the_conversion() -> None:
    event = {
        "path": "/\ud800",
        "multiValueHeaders": {"X-\udfff": ["\ud800"]},
        "multiValueQueryStringParameters": {"\ud800": ["\udc80"]},
        "body": "\ud800{}\udcff",
    }
    request = to_request(event)
    for text in (request.path, request.raw_path, *request.headers, *request.headers.values(), *request.query[0]):
        assert text.encode()
    assert b"{}" in request.body


@pytest.mark.parametrize("body", ["A", "AAAAA", "\u00e9", "\ud800"])
def test_a_body_that_only_claims_to_be_base64_is_passed_on_as_it_is(body: str) -> None:
    request = to_request({"body": body, "isBase64Encoded": True})
    assert request.body == body.encode("utf-8", "surrogatepass")


@given(body=st.text(max_size=40), encoded=st.booleans())
def test_any_body_becomes_bytes(body: str, encoded: bool) -> None:
    assert isinstance(to_request({"body": body, "isBase64Encoded": encoded}).body, bytes)


@given(body=st.binary(max_size=100))
def test_an_answer_reaches_the_gateway_byte_for_byte(body: bytes) -> None:
    proxy = to_proxy(Response(201, {"X-A": "b"}, body))
    assert (proxy["statusCode"], proxy["headers"]["X-A"], proxy["isBase64Encoded"]) == (201, "b", True)
    assert base64.b64decode(proxy["body"]) == body


def test_an_answer_is_not_kept_unless_it_says_so() -> None:
    assert to_proxy(Response(200, {}, b""))["headers"]["Cache-Control"] == "no-store"
    assert to_proxy(Response(200, {"Cache-Control": "public"}, b""))["headers"]["Cache-Control"] == "public"


@given(text=st.text(max_size=40))
def test_json_reaches_the_gateway_as_text(text: str) -> None:
    response = json_response(200, {"text": text.encode("utf-8", "replace").decode()})
    proxy = to_proxy(response)
    assert proxy["isBase64Encoded"] is False
    assert proxy["body"].encode() == response.body


@pytest.mark.parametrize(
    ("content_type", "size", "fits"),
    [
        ("application/json", 6 * MIB - 32 * KIB, True),
        ("application/json", 6 * MIB, False),
        ("image/png", 4 * MIB, True),
        ("image/png", 5 * MIB, False),
    ],
)
def test_an_answer_too_large_for_a_synchronous_call_does_not_fit(content_type: str, size: int, fits: bool) -> None:
    assert fits_the_proxy(Response(200, {"Content-Type": content_type}, b"a" * size)) is fits
