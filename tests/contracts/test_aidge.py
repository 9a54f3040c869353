"""AID, Alibaba Aidge cut-out: contracts.md section 4."""

import base64
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from cutline.contracts import aidge
from cutline.contracts.wire import Request, Source
from cutline.errors import InputRefused, MattingError, Reason
from tests.support.calls import LINK, OUTCOME, REQUEST_ID, Part, call, json_call, json_of, multipart, multipart_call

PICTURE = b"\xff\xd8\xff\xe0 pixels \xfb\xef\xbe"
ENCODED = base64.b64encode(PICTURE).decode()
URL = "https://shop.example.com/a.jpg?x=1&y=2"

# Aidge signs no nonce, and its cut-out serves pictures without a subject too.
FOREIGN = {
    Reason.NONCE_REPLAYED,
    Reason.IMAGE_AMBIGUOUS,
    Reason.REGION_OUTSIDE,
    Reason.REGION_EMPTY,
    Reason.NO_SUBJECT,
    Reason.NO_PERSON,
    Reason.NO_GARMENT,
    Reason.NOT_KEPT,
}

INVALID = {
    Reason.BODY_MALFORMED,
    Reason.BODY_TOO_LARGE,
    Reason.PARAMETER_INVALID,
    Reason.IDEMPOTENCY_MISMATCH,
    Reason.IMAGE_MISSING,
    Reason.IMAGE_EMPTY,
    Reason.BASE64_INVALID,
    Reason.URL_UNREACHABLE,
    Reason.BACKDROP_UNREACHABLE,
    Reason.URL_TOO_LARGE,
    Reason.IMAGE_TOO_LARGE,
    Reason.IMAGE_TYPE,
    Reason.IMAGE_CORRUPT,
    Reason.RESOLUTION_TOO_HIGH,
    Reason.RESOLUTION_TOO_LOW,
}
PLAIN_ROWS = [
    (Reason.RATE_EXCEEDED, 501, "rate limit exceed"),
    (Reason.SERVICE_RATE_EXCEEDED, 501, "rate limit exceed"),
    (Reason.OVERLOADED, 501, "rate limit exceed"),
    (Reason.MODEL_FAILED, 801, "model failed"),
    (Reason.TIMED_OUT, 801, "model failed"),
    (Reason.STORE_FAILED, 801, "model failed"),
    (Reason.INTERNAL, 500, "system error"),
]
GATEWAY_ROWS = [
    (Reason.KEY_MISSING, "MissingParameter", "The input parameter app_key is mandatory"),
    (Reason.DATE_MISSING, "MissingParameter", "The input parameter timestamp is mandatory"),
    (Reason.SIGNATURE_MISSING, "MissingParameter", "The input parameter sign is mandatory"),
    (Reason.KEY_UNKNOWN, "InvalidAppKey", "The specified app_key is invalid"),
    (Reason.ACCOUNT_DISABLED, "InvalidAppKey", "The specified app_key is disabled"),
    (Reason.API_NOT_ALLOWED, "InvalidAppKey", "The specified app_key may not call this API"),
    (Reason.DATE_MALFORMED, "IllegalTimestamp", "The specified timestamp is not in milliseconds"),
    (Reason.DATE_SKEWED, "IllegalTimestamp", "The specified timestamp is too far from the current time"),
    (Reason.SIGNATURE_WRONG, "IncompleteSignature", "The request signature does not conform to platform standards"),
    (Reason.QUOTA_EXCEEDED, "ApiCallLimit", "Sorry, your calling resources have been exhausted"),
    (Reason.NOT_FOUND, "InvalidApiPath", "The specified API path is invalid"),
]


def get_call(**fields: str) -> Request:
    return call(method="GET", path="/ai/image/cut/out", query=tuple(fields.items()))


def form_call(**fields: str) -> Request:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return call(urlencode(fields).encode(), path="/rest/ai/image/cut/out", headers=headers)


def refusal_of(request: Request) -> InputRefused:
    with pytest.raises(InputRefused) as refusal:
        aidge.parse(request)
    return refusal.value


def test_a_json_post_with_base64_holds_the_picture() -> None:
    job = aidge.parse(json_call({"imageBase64": ENCODED, "backGroundType": "TRANSPARENT"}))
    assert (job.source.data, job.source.url) == (PICTURE, None)


@pytest.mark.parametrize("build", [get_call, form_call], ids=["query of a GET", "form"])
def test_fields_may_travel_outside_json(build) -> None:
    job = aidge.parse(build(imageUrl=URL, backGroundType="WHITE_BACKGROUND", targetWidth="200"))
    assert (job.source.url, job.cut.target_width, job.cut.background) == (URL, 200, (255, 255, 255))


def test_a_multipart_form_is_understood_too() -> None:
    body = multipart(Part('; name="imageUrl"', URL.encode()), Part('; name="targetHeight"', b"300"))
    job = aidge.parse(multipart_call(body, path="/ai/image/cut/out"))
    assert (job.source.url, job.cut.target_height) == (URL, 300)


def test_the_body_of_a_get_is_ignored() -> None:
    request = call(b"{not json", method="GET", query=(("imageUrl", URL),), headers={"content-type": "application/json"})
    assert aidge.parse(request).source.url == URL


def test_json_without_its_content_type_is_understood() -> None:
    assert aidge.parse(call(b'{"imageUrl": "http://a/b"}')).source.url == "http://a/b"


def test_base64_wins_when_both_sources_are_present() -> None:
    job = aidge.parse(json_call({"imageUrl": URL, "imageBase64": ENCODED}))
    assert (job.source.data, job.source.url) == (PICTURE, None)


@pytest.mark.parametrize("empty", ["", " ", "data:image/png;base64,"])
def test_empty_base64_leaves_the_word_to_the_address(empty: str) -> None:
    assert aidge.parse(json_call({"imageUrl": f" {URL}\n", "imageBase64": empty})).source.url == URL


def test_a_null_field_counts_as_absent() -> None:
    job = aidge.parse(json_call({"imageUrl": URL, "imageBase64": None, "targetWidth": None, "backGroundType": None}))
    assert (job.source.url, job.cut.target_width, job.cut.image_format) == (URL, None, "png")


def test_white_background_makes_a_jpeg_on_white() -> None:
    cut = aidge.parse(json_call({"imageUrl": URL, "backGroundType": "WHITE_BACKGROUND"})).cut
    assert (cut.background, cut.image_format, cut.crop) == ((255, 255, 255), "jpeg", False)


@pytest.mark.parametrize("document", [{}, {"backGroundType": ""}, {"backGroundType": "TRANSPARENT"}])
def test_transparent_is_the_default_and_makes_a_png(document: dict[str, str]) -> None:
    cut = aidge.parse(json_call({"imageUrl": URL, **document})).cut
    assert (cut.background, cut.image_format, cut.crop) == (None, "png", False)


@pytest.mark.parametrize("kind", ["white_background", "BLACK", "TRANSPARENT ", 1, True, ["TRANSPARENT"], {"a": 1}])
def test_an_unknown_background_is_refused_and_named(kind: object) -> None:
    error = refusal_of(json_call({"imageUrl": URL, "backGroundType": kind}))
    assert error.reason is Reason.PARAMETER_INVALID
    assert error.detail == "backGroundType must be WHITE_BACKGROUND or TRANSPARENT"


@pytest.mark.parametrize("value", [100, 3000, "100", "3000", " 640 ", 640.0, "640.0"])
def test_targets_from_100_to_3000_are_taken_as_numbers_or_text(value: object) -> None:
    cut = aidge.parse(json_call({"imageUrl": URL, "targetWidth": value, "targetHeight": value})).cut
    assert cut.target_width == cut.target_height == int(float(str(value)))


@pytest.mark.parametrize("name", ["targetWidth", "targetHeight"])
def test_one_target_crops_to_the_subject_and_leaves_the_other_side_open(name: str) -> None:
    cut = aidge.parse(json_call({"imageUrl": URL, name: 500})).cut
    assert cut.crop
    assert sorted([cut.target_width, cut.target_height], key=str) == [500, None]


@pytest.mark.parametrize("value", [99, 3001, 0, "0000099", 10_000_000])
@pytest.mark.parametrize("name", ["targetWidth", "targetHeight"])
def test_a_target_out_of_range_is_refused_and_named(name: str, value: object) -> None:
    error = refusal_of(json_call({"imageUrl": URL, name: value}))
    assert (error.reason, error.detail) == (Reason.PARAMETER_INVALID, f"{name} must be in [100,3000]")


@pytest.mark.parametrize(
    "value", ["abc", "-200", "1e3", 200.5, True, "٢٠٠", "0x100", "9" * 5000, float("nan"), float("inf"), [200], {}]
)
def test_a_target_that_is_not_a_whole_number_is_refused_and_named(value: object) -> None:
    error = refusal_of(json_call({"imageUrl": URL, "targetWidth": value}))
    assert (error.reason, error.detail) == (Reason.PARAMETER_INVALID, "targetWidth must be an integer")


@pytest.mark.parametrize("document", [{}, {"imageUrl": ""}, {"imageUrl": None}, {"backGroundType": "TRANSPARENT"}])
def test_a_call_without_a_source_is_refused(document: dict[str, object]) -> None:
    error = refusal_of(json_call(document))
    assert (error.reason, error.detail) == (Reason.IMAGE_MISSING, "imageUrl or imageBase64 is required")


def test_an_empty_body_is_a_call_without_a_source() -> None:
    assert refusal_of(call(b" \n", headers={"content-type": "application/json"})).reason is Reason.IMAGE_MISSING


@pytest.mark.parametrize("encoded", ["data:image/png;base64,", "  ", "===", "="])
def test_base64_of_nothing_is_refused_as_empty(encoded: str) -> None:
    assert refusal_of(json_call({"imageBase64": encoded})).reason is Reason.IMAGE_EMPTY


@pytest.mark.parametrize("value", ["@@@@", "AAAAA", "höhe", 17.5, {"a": "b"}, ["AAAA", 1], "\ud800"])
def test_what_is_not_base64_is_refused(value: object) -> None:
    assert refusal_of(json_call({"imageBase64": value})).reason is Reason.BASE64_INVALID


def test_success_holds_the_documented_fields_and_those_of_the_gateway() -> None:
    request = json_call({"imageUrl": URL})
    response = aidge.render(request, aidge.parse(request), OUTCOME)
    assert response.status == 200
    assert LINK.encode() in response.body
    assert json_of(response) == {
        "resCode": 200,
        "resMessage": "success",
        "success": True,
        "requestId": REQUEST_ID,
        "data": {"imageUrl": LINK, "imageWidth": 640, "imageHeight": 480},
        "code": "0",
        "request_id": REQUEST_ID,
    }


def failure(code: int, message: str) -> dict[str, object]:
    return {
        "resCode": code,
        "resMessage": message,
        "success": False,
        "requestId": REQUEST_ID,
        "data": None,
        "code": "0",
        "request_id": REQUEST_ID,
    }


@pytest.mark.parametrize("reason", sorted(INVALID))
def test_invalid_input_is_http_200_with_700_and_the_field(reason: Reason) -> None:
    response = aidge.refuse(call(), InputRefused(reason, "targetWidth must be in [100,3000]"))
    assert response.status == 200
    assert json_of(response) == failure(700, "invalid input: targetWidth must be in [100,3000]")


def test_invalid_input_without_a_detail_is_the_bare_text() -> None:
    assert json_of(aidge.refuse(call(), InputRefused(Reason.IMAGE_CORRUPT))) == failure(700, "invalid input")


@pytest.mark.parametrize(("reason", "code", "message"), PLAIN_ROWS)
def test_a_fault_is_http_200_with_its_code_and_no_detail(reason: Reason, code: int, message: str) -> None:
    response = aidge.refuse(call(), MattingError(reason, "never shown"))
    assert response.status == 200
    assert json_of(response) == failure(code, message)


@pytest.mark.parametrize(("reason", "code", "message"), GATEWAY_ROWS)
def test_a_gateway_failure_is_the_iop_envelope_with_the_apis_own_fields(
    reason: Reason, code: str, message: str
) -> None:
    response = aidge.refuse(call(), MattingError(reason, "never shown"))
    assert response.status == 200
    expected = {**failure(700, message), "type": "ISV", "code": code, "message": message}
    assert json_of(response) == expected


def test_a_wrong_method_is_405_and_names_the_right_ones() -> None:
    response = aidge.refuse(call(method="PUT"), InputRefused(Reason.METHOD_NOT_ALLOWED))
    assert (response.status, response.headers["Allow"]) == (405, "GET, POST")
    assert json_of(response) == failure(700, "invalid input")


def test_every_reason_stands_in_exactly_one_table_or_cannot_happen_here() -> None:
    tables = set(aidge.ERRORS) | set(aidge.GATEWAY_ERRORS)
    assert not set(aidge.ERRORS) & set(aidge.GATEWAY_ERRORS)
    assert tables | FOREIGN == set(Reason)
    assert not tables & FOREIGN


def test_every_row_of_both_tables_is_asserted_above() -> None:
    assert INVALID | {row[0] for row in PLAIN_ROWS} | {Reason.METHOD_NOT_ALLOWED} == set(aidge.ERRORS)
    assert {row[0] for row in GATEWAY_ROWS} == set(aidge.GATEWAY_ERRORS)


@pytest.mark.parametrize("reason", sorted(FOREIGN))
def test_a_reason_that_cannot_happen_here_is_still_answered_as_a_fault(reason: Reason) -> None:
    assert json_of(aidge.refuse(call(), MattingError(reason))) == failure(500, "system error")


PARTNER = "https://example.com/signed.jpg"
OTHER = b"\x89PNG other"


@pytest.mark.parametrize("kind", ["json", "multipart"])
def test_what_the_query_says_is_overridden_by_no_body_that_a_signature_leaves_out(kind: str) -> None:
    document = {
        "imageBase64": base64.b64encode(OTHER).decode(),
        "imageUrl": "https://example.com/b",
        "backGroundType": "WHITE_BACKGROUND",
    }
    parts = multipart(*(Part(f'; name="{name}"', value.encode()) for name, value in document.items()))
    body = json_call(document) if kind == "json" else multipart_call(parts, path="/ai/image/cut/out")
    for signed, source in (
        ({"imageUrl": PARTNER}, Source(url=PARTNER)),
        ({"imageBase64": ENCODED}, Source(data=PICTURE)),
    ):
        job = aidge.parse(replace(body, query=(*signed.items(), ("backGroundType", "TRANSPARENT"))))
        assert job.source == source
        assert job.cut.image_format == "png"


def test_a_urlencoded_body_is_signed_too_and_counts_before_the_query() -> None:
    form = call(
        urlencode({"imageUrl": PARTNER}).encode(),
        path="/ai/image/cut/out",
        query=(("imageUrl", "https://example.com/b"),),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert aidge.parse(form).source == Source(url=PARTNER)
