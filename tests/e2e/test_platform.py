"""The platform around the APIs: bodies too large for a synchronous call, request ids, and what functions write."""

import base64
from collections.abc import Callable

import pytest

from devkit.clients import (
    SMALL,
    AidgeClient,
    AiLab,
    Answer,
    JdClient,
    PicWish,
    Rembg,
    RemoveBg,
    plain_picture,
    send,
)
from devkit.faulty import FaultyCloud
from devkit.running import RunningCloud
from tests.support.ailabtools import DRESSED
from tests.support.jd import SELFIE

TOO_LARGE = bytes(5 * 1024 * 1024)


@pytest.mark.parametrize(
    "post",
    [
        lambda url: JdClient(url).cutout(TOO_LARGE),
        lambda url: JdClient(url).segment(TOO_LARGE),
        lambda url: PicWish(url).create(TOO_LARGE),
        lambda url: AidgeClient(url).post({"imageBase64": base64.b64encode(TOO_LARGE).decode()}),
        lambda url: AiLab(url).cut(TOO_LARGE),
        lambda url: RemoveBg(url).remove(TOO_LARGE),
        lambda url: Rembg(url).remove(TOO_LARGE),
        lambda url: send("POST", f"{url}/check?profile=temu", TOO_LARGE, {"X-API-KEY": "demo-key"}),
    ],
    ids=["matting", "selfie", "picwish", "aidge", "ailab", "removebg", "rembg", "check"],
)
def test_a_body_beyond_the_platforms_limit_is_reported_the_way_round(
    cloud: RunningCloud, post: Callable[[str], Answer]
) -> None:
    answer = post(cloud.url)
    assert answer.status == 413
    said = answer.json
    assert said.pop("requestId") == said.pop("request_id") != ""
    way_round = "send an address of the picture instead, or its upload's (POST /uploads)"
    message = f"about 4.4 MiB pass through a synchronous call; {way_round}"
    assert said == {
        "status": 413,
        "message": f"Request Entity Too Large: {message}",
        "error_code": 413,
        "error_code_str": "ERROR_REQUEST_BODY_TOO_LARGE",
        "error_msg": "Request body size exceeds limit.",
        "error_detail": {
            "status_code": 413,
            "code": "ERROR_REQUEST_BODY_TOO_LARGE",
            "code_message": "Request body size exceeds limit.",
            "message": f"Request Entity Too Large: {message}",
        },
        "error": {"code": 413, "status": "OUT_OF_RANGE", "message": "Request Entity Too Large"},
        "code": "REQUEST_TOO_LARGE",
        "msg": "Request Entity Too Large",
        "result": None,
        "charge": False,
        "remain": -1,
        "resCode": 700,
        "resMessage": "invalid input",
        "success": False,
        "data": None,
        "detail": "Request Entity Too Large: send an address of the picture instead",
        "errors": [{"title": "Request Entity Too Large", "code": "REQUEST_TOO_LARGE"}],
    }


def test_a_request_id_of_the_callers_own_adds_nothing_to_what_the_gateway_says(cloud: RunningCloud) -> None:
    answer = send("GET", f"{cloud.url}/nowhere", b"", {"x-amzn-RequestId": 'a","success":true,"x":"b'})
    assert answer.status == 404
    assert answer.json["success"] is False and "x" not in answer.json


def test_no_function_writes_a_file_so_that_neither_a_full_nor_a_sealed_disk_matters(faulty: FaultyCloud) -> None:
    """Every sandbox has a temporary folder of its own, which ends with it."""
    jd, picwish = JdClient(faulty.url), PicWish(faulty.url)
    assert jd.cutout(SMALL).json["result"]["status"] == 0
    assert SELFIE.call(jd).json["result"]["status"] == 1000
    assert (
        AidgeClient(faulty.url)
        .post({"imageBase64": base64.b64encode(plain_picture(120, 100)).decode()})
        .json["success"]
    )
    assert AiLab(faulty.url).cut(DRESSED).status == 200
    assert picwish.create().json["data"]["state"] == 1
    assert picwish.poll(picwish.create(sync="0").json["data"]["task_id"])["state"] == 1
    folders = list((faulty.running.state_dir / "tmp").iterdir())
    assert len(folders) >= 5
    assert [file for folder in folders for file in folder.rglob("*")] == []
