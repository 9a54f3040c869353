"""JD Cloud matting over HTTP, row by row (contracts.md section 1)."""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from jdcloud_sdk.core.credential import Credential
from jdcloud_sdk.core.signer import Signer
from skimage import data

from tests.e2e.clients import Answer, JdClient, encoded, follow, open_picture, plain_picture, send

SMALL = plain_picture(64, 48)


@pytest.fixture(scope="module")
def jd(cloud) -> JdClient:
    return JdClient(cloud.url)


def assert_business_failure(answer: Answer, status: int, message: str) -> None:
    assert answer.status == 200
    body = answer.json
    result = body.pop("result")
    assert body == {"code": 10000, "msg": "Search succeeded"}
    assert result.pop("requestId") == result.pop("requestid") == answer.headers["x-jdcloud-request-id"]
    assert result == {"status": status, "message": message}


def assert_gateway_failure(answer: Answer, http_status: int, code: int, status: str, message: str) -> None:
    assert answer.status == http_status
    assert answer.json == {
        "requestId": answer.headers["x-jdcloud-request-id"],
        "error": {"code": http_status, "status": status, "message": message},
        "code": code,
        "msg": message,
        "result": None,
    }


BAD_SIGNATURE = (401, 10047, "UNAUTHENTICATED", "请求签名sign无效，请检查签名信息")


@pytest.mark.parametrize("path", ["/api/cutout/", "/api/cutout"])
def test_a_photograph_comes_back_as_a_cut_out_with_its_size_and_pixels(jd: JdClient, path: str) -> None:
    pixels = data.astronaut()
    answer = jd.cutout(encoded(pixels, "PNG"), path)
    assert answer.status == 200
    body = answer.json
    result = body.pop("result")
    assert body == {"code": 10000, "msg": "Search succeeded"}
    assert (result["status"], result["message"]) == (0, "OK")
    assert result["requestId"] == result["requestid"]
    assert result["cutout_image_url"].endswith(".png")
    picture = open_picture(follow(result["cutout_image_url"]).body)
    assert (picture.format, picture.mode, picture.size) == ("PNG", "RGBA", (512, 512))
    cutout = np.asarray(picture)
    opaque = cutout[..., 3] == 255
    assert np.array_equal(cutout[opaque][:, :3], pixels[opaque])
    assert (cutout[120:200, 200:260, 3] > 240).mean() > 0.95  # the face
    assert (cutout[:150, :100, 3] < 16).mean() > 0.95  # the wall behind her


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "BMP", "GIF", "WEBP"])
def test_each_format_is_taken_whatever_the_content_type_says(jd: JdClient, image_format: str) -> None:
    body = plain_picture(64, 48, image_format)
    answer = jd.cutout(body)
    assert answer.json["result"]["status"] == 0


def test_a_multipart_body_is_tolerated(jd: JdClient) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n\r\n' + SMALL + b"\r\n--b--\r\n"
    headers = {**signed_by_the_vendors_sdk(jd, body), "content-type": "multipart/form-data; boundary=b"}
    assert send("POST", jd.base_url + "/api/cutout/", body, headers).json["result"]["status"] == 0


def test_a_call_signed_by_the_vendors_own_sdk_is_accepted_and_one_changed_byte_refused(jd: JdClient) -> None:
    headers = signed_by_the_vendors_sdk(jd, SMALL)
    changed = SMALL[:-1] + bytes([SMALL[-1] ^ 1])
    assert_gateway_failure(send("POST", jd.base_url + "/api/cutout/", changed, headers), *BAD_SIGNATURE)
    assert send("POST", jd.base_url + "/api/cutout/", SMALL, headers).json["result"]["status"] == 0


def signed_by_the_vendors_sdk(jd: JdClient, body: bytes) -> dict[str, str]:
    """The headers that jdcloud_sdk makes; it leaves the content type unsigned."""

    class Quiet:
        def __getattr__(self, name: str) -> Callable[..., None]:
            return lambda *args: None

    class Body(bytes):
        """The SDK hashes text; this makes it hash the bytes that travel."""

        def encode(self, encoding: str) -> bytes:
            return self

    headers: dict[str, str] = {}
    signer = Signer(Quiet())
    signer.sign(
        "POST",
        "cutout",
        "cn-north-1",
        jd.base_url + "/api/cutout/",
        headers,
        Body(body),
        Credential(jd.access_key, jd.secret),
        None,
    )
    return headers


@pytest.mark.parametrize("version", ["2", "3"])
def test_both_signature_versions_are_accepted(jd: JdClient, version: str) -> None:
    assert replace(jd, version=version).cutout(SMALL).json["result"]["status"] == 0


def test_one_changed_byte_is_refused(jd: JdClient) -> None:
    headers = jd.headers("/api/cutout/", SMALL)
    assert_gateway_failure(send("POST", jd.base_url + "/api/cutout/", SMALL[:-1] + b"x", headers), *BAD_SIGNATURE)


def test_a_replayed_call_is_refused(jd: JdClient) -> None:
    headers = jd.headers("/api/cutout/", SMALL)
    assert send("POST", jd.base_url + "/api/cutout/", SMALL, headers).status == 200
    assert_gateway_failure(send("POST", jd.base_url + "/api/cutout/", SMALL, headers), *BAD_SIGNATURE)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"authorization": None}, (401, 10004, "UNAUTHENTICATED", "URL上appkey参数不能为空")),
        ({"authorization": "JDCLOUD2-HMAC-SHA256 Credential=DEMOAK/a/b/c/d"},
         (401, 10042, "UNAUTHENTICATED", "URL上sign参数不能为空")),
        ({"x-jdcloud-date": None}, (401, 10041, "UNAUTHENTICATED", "URL上timestamp参数不能为空")),
        ({"x-jdcloud-date": "yesterday"}, (401, 10046, "UNAUTHENTICATED", "timestamp参数格式错误")),
        ({"x-jdcloud-nonce": None}, BAD_SIGNATURE),
    ],
)  # fmt: skip
def test_incomplete_credentials_are_refused(jd: JdClient, change: dict[str, str | None], expected: tuple) -> None:
    headers = {**jd.headers("/api/cutout/", SMALL), **change}
    kept = {name: value for name, value in headers.items() if value is not None}
    assert_gateway_failure(send("POST", jd.base_url + "/api/cutout/", SMALL, kept), *expected)


def test_a_clock_more_than_five_minutes_off_is_refused(jd: JdClient) -> None:
    for skew_s in (-310, 310):
        headers = jd.headers("/api/cutout/", SMALL, at=time.time() + skew_s)
        answer = send("POST", jd.base_url + "/api/cutout/", SMALL, headers)
        message = "timestamp参数无效，请检查timestamp距离当前时间是否超过5分钟"
        assert_gateway_failure(answer, 401, 10045, "UNAUTHENTICATED", message)


def test_an_unknown_access_key_is_refused(jd: JdClient) -> None:
    answer = replace(jd, access_key="NOBODY").cutout(SMALL)
    assert_gateway_failure(answer, 401, 10001, "UNAUTHENTICATED", "错误的请求appkey")


def test_a_wrong_secret_is_refused(jd: JdClient) -> None:
    assert_gateway_failure(replace(jd, secret="guess").cutout(SMALL), *BAD_SIGNATURE)


def test_a_wrong_method_is_not_found(jd: JdClient) -> None:
    answer = send("GET", jd.base_url + "/api/cutout/")
    assert_gateway_failure(answer, 404, 10003, "NOT_FOUND", "不存在相应的数据信息")


def test_a_disabled_account_is_refused(jd: JdClient, accounts) -> None:
    accounts.create("off", enabled=False)
    answer = replace(jd, access_key="AK-off", secret="SK-off").cutout(SMALL)
    assert_gateway_failure(answer, 403, 10050, "HTTP_FORBIDDEN", "用户已被禁用")


def test_an_account_without_this_api_is_refused(jd: JdClient, accounts) -> None:
    accounts.create("other", apis=frozenset({"aid"}))
    answer = replace(jd, access_key="AK-other", secret="SK-other").cutout(SMALL)
    assert_gateway_failure(answer, 403, 10048, "HTTP_FORBIDDEN", "无接口权限，请下单购买")


def test_the_daily_quota_counts_only_what_was_served(jd: JdClient, accounts) -> None:
    accounts.create("two", daily_quota=2)
    caller = replace(jd, access_key="AK-two", secret="SK-two")
    assert_business_failure(caller.cutout(b""), 12002, "not enough param")
    assert [caller.cutout(SMALL).json["result"]["status"] for _ in range(2)] == [0, 0]
    answer = caller.cutout(SMALL)
    assert_gateway_failure(answer, 429, 10040, "QUOTA_EXCEEDED", "超过每天限量，请明天继续")


def test_the_rate_limit_refuses_the_call_that_exceeds_it(jd: JdClient, accounts) -> None:
    accounts.create("slow", qps=0.2)
    caller = replace(jd, access_key="AK-slow", secret="SK-slow")
    assert caller.cutout(SMALL).status == 200
    answer = caller.cutout(SMALL)
    message = "超过QPS限额，请降低调用频率或与京东智联云联系"
    assert_gateway_failure(answer, 429, 10043, "RATE_LIMIT_EXCEEDED", message)


def test_an_empty_body_is_not_enough(jd: JdClient) -> None:
    assert_business_failure(jd.cutout(b""), 12002, "not enough param")


@pytest.mark.parametrize(
    "body",
    [b"no picture", SMALL[: len(SMALL) // 2], b"%PDF-1.7 ...", plain_picture(64, 48, "TIFF")],
    ids=["text", "truncated", "pdf", "tiff"],
)
def test_what_is_no_picture_of_a_listed_type_is_refused(jd: JdClient, body: bytes) -> None:
    assert_business_failure(jd.cutout(body), 12003, "image type error")


def test_4096_px_are_taken_and_4097_are_not(jd: JdClient) -> None:
    assert jd.cutout(plain_picture(4096, 8)).json["result"]["status"] == 0
    answer = jd.cutout(plain_picture(4097, 8))
    assert answer.json["result"]["status"] == 12004
    assert answer.json["result"]["message"].startswith("image size exceeds limit")


def test_a_body_beyond_the_platforms_limit_is_told_the_way_round(jd: JdClient) -> None:
    body = b"\0" * (5 * 1024 * 1024)
    answer = jd.cutout(body)
    assert answer.status == 413
    assert answer.json["success"] is False
    assert "send an address" in answer.json["message"]


def test_an_unknown_path_is_not_found(cloud) -> None:
    answer = send("POST", cloud.url + "/api/nothing", SMALL)
    assert answer.status == 404
    assert answer.json["message"] == "Not Found"


def test_a_forged_or_lapsed_link_is_not_found(jd: JdClient) -> None:
    url = jd.cutout(SMALL).json["result"]["cutout_image_url"]
    head, _, token = url.rpartition("/")
    changed = ("A" if token[5] != "A" else "B").join((token[:5], token[6:]))
    assert send("GET", f"{head}/{changed}").status == 404
    assert send("GET", f"{head}/x.png").status == 404
    assert send("GET", url).status == 302


def test_a_result_cannot_be_read_from_the_bucket_without_its_link(jd: JdClient) -> None:
    url = jd.cutout(SMALL).json["result"]["cutout_image_url"]
    location = send("GET", url).headers["location"]
    assert send("GET", location).status == 200
    assert send("GET", location.partition("?")[0]).status == 403
