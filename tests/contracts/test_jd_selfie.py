"""JD SelfieSeg's contract: what it accepts, the exact bodies it answers, every row of its error tables."""

import base64
from dataclasses import replace

import pytest

from cutline.contracts import jd_selfie
from cutline.contracts.jd_gateway import SYSTEM_ERRORS
from cutline.contracts.wire import Job, Outcome, Progress, Quota, Scheme, Source
from cutline.errors import InputRefused, MattingError, Reason
from tests.support.calls import REQUEST_ID, call, json_call, json_of

REQUEST = call(path="/jdai/SelfieSeg")
PNG = b"\x89PNG\r\n\x1a\nrest"
BUSINESS_ROWS = [
    (Reason.IMAGE_MISSING, 1001, "parameter error"),
    (Reason.BODY_MALFORMED, 1002, "not valid json string"),
    (Reason.BASE64_INVALID, 1003, "base64 image flow failed"),
    (Reason.IMAGE_EMPTY, 1003, "base64 image flow failed"),
    (Reason.IMAGE_TOO_LARGE, 1004, "incorrect image size"),
    (Reason.BODY_TOO_LARGE, 1004, "incorrect image size"),
    (Reason.RESOLUTION_TOO_HIGH, 1004, "incorrect image size"),
    (Reason.RESOLUTION_TOO_LOW, 1004, "incorrect image size"),
    (Reason.IMAGE_TYPE, 1005, "not valid image format"),
    (Reason.IMAGE_CORRUPT, 1005, "not valid image format"),
    (Reason.NO_PERSON, 1006, "only portrait image is allowed"),
    (Reason.TIMED_OUT, 1007, "time out"),
]


def refusal_of(body: object) -> Reason:
    with pytest.raises(InputRefused) as refused:
        jd_selfie.parse(json_call(body))
    return refused.value.reason


def test_parse_takes_base64_with_prefix_white_space_and_without_padding() -> None:
    plain = base64.b64encode(PNG).decode()
    for text in (plain, "data:image/png;base64," + plain, plain[:7] + "\n " + plain[7:], plain.rstrip("=")):
        job = jd_selfie.parse(json_call({"image": text}))
        assert job.source == Source(data=PNG)
        assert job.cut.subject == "person"


def test_parse_reads_json_whatever_the_content_type() -> None:
    request = json_call({"image": base64.b64encode(PNG).decode()})
    for content_type in ("", "application/x-www-form-urlencoded", "multipart/form-data", "image/jpeg"):
        assert jd_selfie.parse(replace(request, headers={"content-type": content_type})).source.data == PNG


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"text"', b"null", b"\xff\xfe", b"[" * 100_000])
def test_body_that_is_no_json_object_is_1002(body: bytes) -> None:
    with pytest.raises(InputRefused) as refused:
        jd_selfie.parse(replace(REQUEST, body=body))
    assert jd_selfie.ERRORS[refused.value.reason][0] == 1002


def test_fields_are_refused_in_the_documented_order() -> None:
    assert refusal_of({}) is Reason.IMAGE_MISSING
    assert refusal_of({"Image": "aGk="}) is Reason.IMAGE_MISSING
    for value in (None, 7, ["aGk="], {"a": 1}, "!!!", "aGk=x", "a", "ä"):
        assert refusal_of({"image": value}) is Reason.BASE64_INVALID
    assert refusal_of({"image": ""}) is Reason.IMAGE_EMPTY


def test_success_is_the_documented_body() -> None:
    outcome = Outcome(2, 2, inline={"image": PNG}, quota=Quota(499, charged=False), elapsed_ms=412)
    response = jd_selfie.render(REQUEST, Job(Source(data=PNG), jd_selfie.LIMITS), outcome)
    assert response.status == 200
    assert response.headers["x-jdcloud-request-id"] == REQUEST_ID
    assert json_of(response) == {
        "requestId": REQUEST_ID,
        "code": "10000",
        "charge": False,
        "remain": 499,
        "msg": "查询成功",
        "result": {"message": "ok", "status": 1000, "used_time": 412, "image": base64.b64encode(PNG).decode()},
    }


def test_remain_is_minus_one_without_a_quota_and_charge_says_whether_the_call_was_billed() -> None:
    outcome = Outcome(2, 2, inline={"image": PNG}, quota=Quota(None, charged=True))
    body = json_of(jd_selfie.render(REQUEST, Job(Source(data=PNG), jd_selfie.LIMITS), outcome))
    assert (body["remain"], body["charge"]) == (-1, True)


@pytest.mark.parametrize(("reason", "status", "message"), BUSINESS_ROWS)
def test_business_failure_is_http_200_with_status_and_no_image(reason: Reason, status: int, message: str) -> None:
    response = jd_selfie.refuse(REQUEST, MattingError(reason), Progress(quota=Quota(7), elapsed_ms=9))
    assert response.status == 200
    assert json_of(response) == {
        "requestId": REQUEST_ID,
        "code": "10000",
        "charge": False,
        "remain": 7,
        "msg": "查询成功",
        "result": {"message": message, "status": status, "used_time": 9},
    }


def test_other_method_is_405_with_allow_and_1008() -> None:
    response = jd_selfie.refuse(REQUEST, MattingError(Reason.METHOD_NOT_ALLOWED))
    assert (response.status, response.headers["Allow"]) == (405, "POST")
    assert json_of(response)["result"] == {"message": "only post method is allowed", "status": 1008, "used_time": 0}


@pytest.mark.parametrize("reason", sorted(set(SYSTEM_ERRORS) - set(jd_selfie.ERRORS)))
def test_system_error_is_the_gateway_envelope_with_code_as_text(reason: Reason) -> None:
    row = SYSTEM_ERRORS[reason]
    response = jd_selfie.refuse(REQUEST, MattingError(reason))
    assert response.status == row.http_status
    assert json_of(response) == {
        "requestId": REQUEST_ID,
        "error": {"code": row.http_status, "status": row.status, "message": row.message},
        "code": str(row.code),
        "msg": row.message,
        "charge": False,
        "remain": 0 if reason is Reason.QUOTA_EXCEEDED else -1,
        "result": None,
    }


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_an_answer(reason: Reason) -> None:
    body = json_of(jd_selfie.refuse(REQUEST, MattingError(reason, "a detail")))
    assert isinstance(body["code"], str)
    assert "image" not in (body["result"] or {})


def test_every_documented_status_is_reached() -> None:
    reached = {status for status, _ in jd_selfie.ERRORS.values()}
    assert reached == set(range(1001, 1009))


def test_constants_are_those_of_the_specification() -> None:
    assert jd_selfie.NAME == "jds"
    assert set(jd_selfie.METHODS) == {"POST"}
    assert (jd_selfie.SCHEME, jd_selfie.LINK_LIFETIME_S) == (Scheme.JD, 0)
