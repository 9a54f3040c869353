"""JDC, JD Cloud Image Matting: contracts.md section 1."""

import pytest

from cutline.contracts import jd_matting
from cutline.contracts.jd_gateway import SYSTEM_ERRORS
from cutline.errors import InputRefused, MattingError, Reason
from tests.support.calls import LINK, OUTCOME, REQUEST_ID, Part, call, json_of, multipart, multipart_call

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))

# Reasons that nothing on JDC's way raises: it has no address of a picture, no base64 or classes of subjects.
FOREIGN = {
    Reason.REGION_OUTSIDE,
    Reason.REGION_EMPTY,
    Reason.IMAGE_AMBIGUOUS,
    Reason.BASE64_INVALID,
    Reason.URL_UNREACHABLE,
    Reason.URL_TOO_LARGE,
    Reason.NO_SUBJECT,
    Reason.NO_PERSON,
    Reason.NO_GARMENT,
    Reason.NOT_KEPT,
}

SYSTEM_ROWS = [
    (Reason.KEY_MISSING, 401, 10004, "UNAUTHENTICATED", "URL上appkey参数不能为空"),
    (Reason.SIGNATURE_MISSING, 401, 10042, "UNAUTHENTICATED", "URL上sign参数不能为空"),
    (Reason.DATE_MISSING, 401, 10041, "UNAUTHENTICATED", "URL上timestamp参数不能为空"),
    (Reason.DATE_MALFORMED, 401, 10046, "UNAUTHENTICATED", "timestamp参数格式错误"),
    (
        Reason.DATE_SKEWED,
        401,
        10045,
        "UNAUTHENTICATED",
        "timestamp参数无效，请检查timestamp距离当前时间是否超过5分钟",
    ),
    (Reason.KEY_UNKNOWN, 401, 10001, "UNAUTHENTICATED", "错误的请求appkey"),
    (Reason.SIGNATURE_WRONG, 401, 10047, "UNAUTHENTICATED", "请求签名sign无效，请检查签名信息"),
    (Reason.NONCE_REPLAYED, 401, 10047, "UNAUTHENTICATED", "请求签名sign无效，请检查签名信息"),
    (Reason.ACCOUNT_DISABLED, 403, 10050, "HTTP_FORBIDDEN", "用户已被禁用"),
    (Reason.API_NOT_ALLOWED, 403, 10048, "HTTP_FORBIDDEN", "无接口权限，请下单购买"),
    (Reason.IDEMPOTENCY_MISMATCH, 409, 10061, "CONFLICT", "Idempotency-Key已用于其他请求"),
    (Reason.QUOTA_EXCEEDED, 429, 10040, "QUOTA_EXCEEDED", "超过每天限量，请明天继续"),
    (
        Reason.RATE_EXCEEDED,
        429,
        10043,
        "RATE_LIMIT_EXCEEDED",
        "超过QPS限额，请降低调用频率或与京东智联云联系",
    ),
    (
        Reason.SERVICE_RATE_EXCEEDED,
        429,
        10044,
        "RATE_LIMIT_EXCEEDED",
        "集群QPS超限额，请与京东智联云联系",
    ),
    (Reason.METHOD_NOT_ALLOWED, 404, 10003, "NOT_FOUND", "不存在相应的数据信息"),
    (Reason.NOT_FOUND, 404, 10003, "NOT_FOUND", "不存在相应的数据信息"),
    (Reason.OVERLOADED, 503, 10020, "UNAVAILABLE", "系统繁忙，请稍后再试"),
    (Reason.INTERNAL, 500, 11010, "INTERNAL", "发布方接口调用异常，请稍后再试"),
    (Reason.STORE_FAILED, 500, 11010, "INTERNAL", "发布方接口调用异常，请稍后再试"),
    (Reason.MODEL_FAILED, 500, 11010, "INTERNAL", "发布方接口调用异常，请稍后再试"),
]

BUSINESS_ROWS = [
    (Reason.PARAMETER_INVALID, 12001, "parameter error: 10 MiB"),
    (Reason.BACKDROP_UNREACHABLE, 12001, "parameter error: 10 MiB"),
    (Reason.IMAGE_MISSING, 12002, "not enough param"),
    (Reason.IMAGE_EMPTY, 12002, "not enough param"),
    (Reason.BODY_MALFORMED, 12003, "image type error"),
    (Reason.IMAGE_TYPE, 12003, "image type error"),
    (Reason.IMAGE_CORRUPT, 12003, "image type error"),
    (Reason.IMAGE_TOO_LARGE, 12004, "image size exceeds limit: 10 MiB"),
    (Reason.BODY_TOO_LARGE, 12004, "image size exceeds limit: 10 MiB"),
    (Reason.RESOLUTION_TOO_HIGH, 12004, "image size exceeds limit: 10 MiB"),
    (Reason.RESOLUTION_TOO_LOW, 12004, "image size exceeds limit: 10 MiB"),
    (Reason.TIMED_OUT, 13303, "time out"),
]


def test_the_body_is_the_picture_byte_for_byte() -> None:
    job = jd_matting.parse(call(PICTURE))
    assert (job.source.data, job.source.url) == (PICTURE, None)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/octet-stream",
        "application/json",
        "image/png",
        "text/plain; charset=utf-8",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "",
        "x",
    ],
)
def test_the_content_type_never_changes_what_a_raw_body_means(content_type: str) -> None:
    assert jd_matting.parse(call(PICTURE, headers={"content-type": content_type})).source.data == PICTURE


def test_the_result_is_a_transparent_png_of_the_inputs_size() -> None:
    cut = jd_matting.parse(call(PICTURE)).cut
    assert (cut.image_format, cut.background, cut.crop, cut.target_width, cut.target_height) == (
        "png",
        None,
        False,
        None,
        None,
    )


def test_a_multipart_form_means_its_first_file_whatever_the_field_is_called() -> None:
    body = multipart(
        Part('; name="note"', b"text"),
        Part('; name="anything"; filename="a.png"', PICTURE),
        Part('; name="image"; filename="b.png"', b"second"),
    )
    assert jd_matting.parse(multipart_call(body)).source.data == PICTURE


@pytest.mark.parametrize(
    "request_without_picture",
    [call(b""), multipart_call(multipart(Part('; name="note"', b"text"))), multipart_call(b"--X-BOUNDARY--\r\n")],
    ids=["empty body", "form without a file", "form without parts"],
)
def test_a_call_without_a_picture_is_refused_as_empty(request_without_picture) -> None:
    with pytest.raises(InputRefused) as refusal:
        jd_matting.parse(request_without_picture)
    assert refusal.value.reason is Reason.IMAGE_EMPTY


def test_success_is_the_vendors_example_with_numbers_and_both_spellings_of_the_request_id() -> None:
    request = call(PICTURE)
    response = jd_matting.render(request, jd_matting.parse(request), OUTCOME)
    assert response.status == 200
    assert response.headers["x-jdcloud-request-id"] == REQUEST_ID
    assert json_of(response) == {
        "requestId": REQUEST_ID,
        "code": 10000,
        "msg": "Search succeeded",
        "result": {
            "status": 0,
            "message": "OK",
            "cutout_image_url": LINK,
            "requestId": REQUEST_ID,
            "requestid": REQUEST_ID,
        },
    }


def test_the_link_reaches_the_client_with_plain_ampersands() -> None:
    request = call(PICTURE)
    assert LINK.encode() in jd_matting.render(request, jd_matting.parse(request), OUTCOME).body


@pytest.mark.parametrize(("reason", "http_status", "code", "status", "message"), SYSTEM_ROWS)
def test_a_system_error_carries_both_published_envelopes(
    reason: Reason, http_status: int, code: int, status: str, message: str
) -> None:
    response = jd_matting.refuse(call(), MattingError(reason, "never shown"))
    assert response.status == http_status
    assert response.headers["x-jdcloud-request-id"] == REQUEST_ID
    assert json_of(response) == {
        "requestId": REQUEST_ID,
        "error": {"code": http_status, "status": status, "message": message},
        "code": code,
        "msg": message,
        "result": None,
    }


@pytest.mark.parametrize(("reason", "status", "message"), BUSINESS_ROWS)
def test_a_business_failure_is_http_200_with_a_status_and_no_link(reason: Reason, status: int, message: str) -> None:
    response = jd_matting.refuse(call(), MattingError(reason, "10 MiB"))
    assert response.status == 200
    assert json_of(response) == {
        "requestId": REQUEST_ID,
        "code": 10000,
        "msg": "Search succeeded",
        "result": {"status": status, "message": message, "requestId": REQUEST_ID, "requestid": REQUEST_ID},
    }


def test_every_reason_stands_in_exactly_one_table_or_cannot_happen_here() -> None:
    assert not set(jd_matting.ERRORS) & set(SYSTEM_ERRORS)
    assert set(jd_matting.ERRORS) | set(SYSTEM_ERRORS) | FOREIGN == set(Reason)
    assert not (set(jd_matting.ERRORS) | set(SYSTEM_ERRORS)) & FOREIGN


def test_every_row_of_both_tables_is_asserted_above() -> None:
    assert {row[0] for row in SYSTEM_ROWS} == set(SYSTEM_ERRORS)
    assert {row[0] for row in BUSINESS_ROWS} == set(jd_matting.ERRORS)


@pytest.mark.parametrize("reason", sorted(FOREIGN))
def test_a_reason_that_cannot_happen_here_is_still_answered_as_a_fault(reason: Reason) -> None:
    response = jd_matting.refuse(call(), MattingError(reason))
    assert (response.status, json_of(response)["code"]) == (500, 11010)
