"""Aidge cut-out over HTTP, row by row (contracts.md section 4)."""

import base64
import hashlib
import hmac
import time
from dataclasses import replace
from urllib.parse import urlencode

import numpy as np
import pytest
from skimage import data

from devkit.clients import AidgeClient, Answer, encoded, follow, open_picture, plain_picture, send

PICTURE = plain_picture(120, 100)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture(scope="module")
def aidge(cloud) -> AidgeClient:
    return AidgeClient(cloud.url)


def assert_invalid(answer: Answer, detail: str, http_status: int = 200) -> None:
    assert answer.status == http_status
    body = answer.json
    request_id = body.pop("requestId")
    assert request_id and body.pop("request_id") == request_id
    assert body == {
        "resCode": 700,
        "resMessage": f"invalid input{': ' if detail else ''}{detail}",
        "success": False,
        "data": None,
        "code": "0",
    }


def assert_gateway_failure(answer: Answer, code: str, message: str) -> None:
    assert answer.status == 200
    body = answer.json
    assert body.pop("requestId") == body.pop("request_id")
    assert body == {
        "type": "ISV",
        "code": code,
        "message": message,
        "resCode": 700,
        "resMessage": message,
        "success": False,
        "data": None,
    }


@pytest.mark.parametrize("path", ["/ai/image/cut/out", "/rest/ai/image/cut/out"])
def test_a_photograph_comes_back_transparent_with_its_size(aidge: AidgeClient, path: str) -> None:
    answer = aidge.post({"imageBase64": b64(encoded(data.chelsea())), "backGroundType": "TRANSPARENT"}, path)
    body = answer.json
    assert (answer.status, body["resCode"], body["resMessage"], body["success"]) == (200, 200, "success", True)
    assert body["code"] == "0"
    assert body["requestId"] == body["request_id"]
    assert (body["data"]["imageWidth"], body["data"]["imageHeight"]) == (451, 300)
    picture = open_picture(follow(body["data"]["imageUrl"]).body)
    assert (picture.format, picture.mode, picture.size) == ("PNG", "RGBA", (451, 300))
    alpha = np.asarray(picture)[..., 3]
    assert (alpha[90:180, 130:260] > 240).mean() > 0.95  # the cat's face
    assert (alpha[150:280, 400:] < 16).mean() > 0.9  # the wall behind it


def test_a_white_background_is_a_jpeg(aidge: AidgeClient) -> None:
    body = aidge.post({"imageBase64": b64(PICTURE), "backGroundType": "WHITE_BACKGROUND"}).json
    assert body["data"]["imageUrl"].endswith(".jpg")
    picture = open_picture(follow(body["data"]["imageUrl"]).body)
    assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (120, 100))
    assert min(picture.getpixel((2, 2))) > 250  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({"targetWidth": 200, "targetHeight": 150}, (200, 150)),
        ({"targetWidth": "200", "targetHeight": "300"}, (200, 300)),
    ],
)
def test_both_targets_make_exactly_that_canvas(aidge: AidgeClient, fields: dict, size: tuple[int, int]) -> None:
    body = aidge.post({"imageBase64": b64(PICTURE), "backGroundType": "TRANSPARENT", **fields}).json
    assert open_picture(follow(body["data"]["imageUrl"]).body).size == size


def test_one_target_keeps_the_subjects_proportions(aidge: AidgeClient) -> None:
    body = aidge.post({"imageBase64": b64(PICTURE), "targetWidth": 300}).json
    width, height = open_picture(follow(body["data"]["imageUrl"]).body).size
    assert width == 300
    assert 270 <= height <= 330  # the subject is a disc


@pytest.mark.parametrize("path", ["/ai/image/cut/out", "/rest/ai/image/cut/out"])
def test_a_get_call_carries_everything_in_the_query(aidge: AidgeClient, path: str) -> None:
    body = aidge.get({"imageBase64": b64(plain_picture(100, 100)), "backGroundType": "TRANSPARENT"}, path).json
    assert body["success"] is True


def test_a_classic_signature_covers_the_parameters(aidge: AidgeClient) -> None:
    fields = {
        "app_key": "512345",
        "sign_method": "sha256",
        "timestamp": str(int(time.time() * 1000)),
        "imageBase64": b64(plain_picture(100, 100)),
    }
    message = "/ai/image/cut/out" + "".join(name + fields[name] for name in sorted(fields))
    sign = hmac.digest(b"demo-secret", message.encode(), hashlib.sha256).hex().upper()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    url = aidge.base_url + "/rest/ai/image/cut/out"
    assert send("POST", url, urlencode({**fields, "sign": sign}).encode(), form).json["success"] is True
    tampered = send("POST", url, urlencode({**fields, "targetWidth": "100", "sign": sign}).encode(), form)
    assert_gateway_failure(
        tampered, "IncompleteSignature", "The request signature does not conform to platform standards"
    )


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"app_key": ""}, "MissingParameter", "The input parameter app_key is mandatory"),
        ({"timestamp": ""}, "MissingParameter", "The input parameter timestamp is mandatory"),
        ({"sign": ""}, "MissingParameter", "The input parameter sign is mandatory"),
        ({"app_key": "1"}, "InvalidAppKey", "The specified app_key is invalid"),
        ({"timestamp": "yesterday"}, "IllegalTimestamp", "The specified timestamp is not in milliseconds"),
        (
            {"timestamp": "1704164645000"},
            "IllegalTimestamp",
            "The specified timestamp is too far from the current time",
        ),
        (
            {"sign": "00"},
            "IncompleteSignature",
            "The request signature does not conform to platform standards",
        ),
    ],
)
def test_bad_credentials_get_the_gateways_envelope(
    aidge: AidgeClient, change: dict[str, str], code: str, message: str
) -> None:
    query = {name: value for name, value in {**aidge.query(), **change}.items() if value}
    answer = send("POST", f"{aidge.base_url}/ai/image/cut/out?{urlencode(query)}", b"{}")
    assert_gateway_failure(answer, code, message)


def test_a_disabled_account_is_refused(aidge: AidgeClient, accounts) -> None:
    accounts.create("off2", enabled=False)
    answer = replace(aidge, app_key="APP-off2", secret="SK-off2").post({})
    assert_gateway_failure(answer, "InvalidAppKey", "The specified app_key is disabled")


def test_an_account_without_this_api_is_refused(aidge: AidgeClient, accounts) -> None:
    accounts.create("elsewhere-aidge", apis=frozenset({"pw"}))
    answer = replace(aidge, app_key="APP-elsewhere-aidge", secret="SK-elsewhere-aidge").post({})
    assert_gateway_failure(answer, "InvalidAppKey", "The specified app_key may not call this API")


def test_an_exhausted_quota_is_reported_in_the_vendors_words(aidge: AidgeClient, accounts) -> None:
    accounts.create("none", daily_quota=0)
    answer = replace(aidge, app_key="APP-none", secret="SK-none").post({})
    assert_gateway_failure(answer, "ApiCallLimit", "Sorry, your calling resources have been exhausted")


def test_too_many_calls_are_501(aidge: AidgeClient, accounts) -> None:
    accounts.create("slow2", qps=0.2)
    caller = replace(aidge, app_key="APP-slow2", secret="SK-slow2")
    assert caller.post({"imageBase64": b64(PICTURE)}).json["success"] is True
    body = caller.post({"imageBase64": b64(PICTURE)}).json
    assert (body["resCode"], body["resMessage"], body["success"]) == (501, "rate limit exceed", False)


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({}, "imageUrl or imageBase64 is required"),
        ({"imageBase64": ""}, "imageBase64 is empty"),
        ({"imageBase64": "*"}, "image is not valid base64"),
        ({"imageBase64": b64(PICTURE), "backGroundType": "BLUE"},
         "backGroundType must be WHITE_BACKGROUND or TRANSPARENT"),
        ({"imageBase64": b64(PICTURE), "targetWidth": 99}, "targetWidth must be in [100,3000]"),
        ({"imageBase64": b64(PICTURE), "targetWidth": 3001}, "targetWidth must be in [100,3000]"),
        ({"imageBase64": b64(PICTURE), "targetHeight": 99}, "targetHeight must be in [100,3000]"),
        ({"imageBase64": b64(PICTURE), "targetHeight": 3001}, "targetHeight must be in [100,3000]"),
        ({"imageBase64": b64(PICTURE), "targetHeight": "tall"}, "targetHeight must be an integer"),
        ({"imageUrl": "ftp://example.com/a.jpg"},
         "the address must be an absolute http or https URL without credentials"),
        ({"imageUrl": "http://127.0.0.2/a.jpg"}, "the address is not a public one"),
        ({"imageUrl": "http://169.254.169.254/latest/meta-data/"}, "the address is not a public one"),
        ({"imageUrl": "http://[::ffff:10.0.0.1]/"}, "the address is not a public one"),
    ],
)  # fmt: skip
def test_invalid_input_names_the_field(aidge: AidgeClient, fields: dict, detail: str) -> None:
    assert_invalid(aidge.post(fields), detail)


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff"])
def test_a_body_that_is_no_json_object_is_invalid(aidge: AidgeClient, body: bytes) -> None:
    answer = aidge.post(body)
    assert answer.json["resCode"] == 700
    assert "JSON" in answer.json["resMessage"]


@pytest.mark.parametrize(
    ("picture", "detail"),
    [
        (b"text", "Not one of BMP, JPEG, PNG, WEBP."),
        (PICTURE[:60], "The picture cannot be decoded."),
        (plain_picture(120, 120, "GIF"), "Not one of BMP, JPEG, PNG, WEBP."),
        (plain_picture(99, 120), "A side is shorter than 100 px."),
        (plain_picture(120, 99), "A side is shorter than 100 px."),
        (plain_picture(3001, 100), "A side is longer than 3000 px."),
        (plain_picture(100, 3001), "A side is longer than 3000 px."),
    ],
    ids=["text", "truncated", "gif", "99 wide", "99 high", "3001 wide", "3001 high"],
)
def test_a_picture_outside_the_contract_is_invalid(aidge: AidgeClient, picture: bytes, detail: str) -> None:
    assert_invalid(aidge.post({"imageBase64": b64(picture)}), detail)


@pytest.mark.parametrize("size", [(3000, 100), (100, 3000)])
def test_the_sides_of_100_and_3000_px_are_inclusive(aidge: AidgeClient, size: tuple[int, int]) -> None:
    assert aidge.post({"imageBase64": b64(plain_picture(*size))}).json["success"] is True


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "BMP", "WEBP"])
def test_each_format_is_taken(aidge: AidgeClient, image_format: str) -> None:
    assert aidge.post({"imageBase64": b64(plain_picture(120, 100, image_format))}).json["success"] is True


@pytest.mark.parametrize("side", [100, 3000])
@pytest.mark.parametrize("name", ["targetWidth", "targetHeight"])
def test_targets_of_100_and_3000_px_are_inclusive(aidge: AidgeClient, name: str, side: int) -> None:
    body = aidge.post({"imageBase64": b64(PICTURE), name: side}).json
    width, height = open_picture(follow(body["data"]["imageUrl"]).body).size
    assert (width if name == "targetWidth" else height) == side


def test_base64_wins_over_an_address(aidge: AidgeClient) -> None:
    fields = {"imageBase64": b64(PICTURE), "imageUrl": "http://127.0.0.1:9/nothing"}
    assert aidge.post(fields).json["success"] is True


def test_a_wrong_method_is_405(aidge: AidgeClient) -> None:
    answer = send("DELETE", aidge.base_url + "/ai/image/cut/out")
    assert_invalid(answer, "", http_status=405)
    assert answer.headers["allow"] == "GET, POST"
