"""What the platform around the APIs answers: too much for a synchronous call, and networks that do not open."""

import base64
from collections.abc import Callable, Iterator

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
from devkit.running import ROOT, RunningCloud, running_cloud
from tests.support.ailabtools import DRESSED, assert_refused
from tests.support.jd import MATTING, SELFIE
from tests.support.picwish import assert_failed_task

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
    ],
    ids=["matting", "selfie", "picwish", "aidge", "ailab", "removebg", "rembg"],
)
def test_a_body_beyond_the_platforms_limit_is_told_the_way_round(
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


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cloud whose model layer was cut short on its way."""
    home = tmp_path_factory.mktemp("damaged")
    for name in (
        "template.yaml",
        "functions",
        "layers/runtime",
        "layers/heif",
        "layers/cutline",
        "layers/model/models.toml",
    ):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).symlink_to(ROOT / name)
    for network in (ROOT / "layers" / "model").glob("*.onnx"):
        (home / "layers" / "model" / network.name).write_bytes(network.read_bytes()[:1000])
    with running_cloud(home / "state", f"--template={home / 'template.yaml'}") as running:
        yield running.url


def test_networks_that_do_not_open_are_told_in_each_apis_words(damaged: str) -> None:
    provider = (500, 11010, "INTERNAL", "发布方接口调用异常，请稍后再试")
    MATTING.assert_refused(JdClient(damaged).cutout(SMALL), *provider)
    SELFIE.assert_refused(SELFIE.call(JdClient(damaged)), *provider)
    picwish = PicWish(damaged)
    assert_failed_task(picwish, picwish.create(), -1)
    picture = base64.b64encode(plain_picture(100, 100)).decode()
    body = AidgeClient(damaged).post({"imageBase64": picture}).json
    assert (body["resCode"], body["resMessage"], body["data"]) == (801, "model failed", None)
    assert_refused(AiLab(damaged).cut(DRESSED), 500, "PROCESSING_FAILURE", "Processing failed.")
