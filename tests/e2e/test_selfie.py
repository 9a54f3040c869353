"""JD SelfieSeg over HTTP, row by row (contracts.md section 2)."""

import base64
import json
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from skimage import data

from devkit.clients import JdClient, encoded, open_picture, plain_picture, send
from devkit.patience import WAIT_S
from tests.support.jd import assert_business_failure

PATH = "/jdai/SelfieSeg"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def jd(cloud) -> JdClient:
    return JdClient(cloud.url)


def portrait(side: int) -> bytes:
    """A square PNG of a face and shoulders."""
    return encoded(np.asarray(Image.fromarray(data.astronaut()[:300, 70:370]).resize((side, side))), "PNG")


def test_a_person_comes_back_as_a_cut_out_in_base64(jd: JdClient) -> None:
    pixels = data.astronaut()
    answer = jd.segment(encoded(pixels, "PNG"))
    assert answer.status == 200
    body = answer.json
    result = body.pop("result")
    assert (body["code"], body["msg"]) == ("10000", "查询成功")
    assert body["remain"] > 0
    assert isinstance(body["charge"], bool)
    assert (result["status"], result["message"]) == (1000, "ok")
    assert result["used_time"] > 0
    picture = open_picture(base64.b64decode(result["image"], validate=True))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "RGBA", (512, 512))
    cutout = np.asarray(picture)
    opaque = cutout[..., 3] == 255
    assert np.array_equal(cutout[opaque][:, :3], pixels[opaque])
    assert (cutout[120:200, 200:260, 3] > 240).mean() > 0.95  # the face
    assert (cutout[:60, 400:, 3] < 16).mean() > 0.95  # the wall behind her


def test_several_people_are_kept(jd: JdClient) -> None:
    pair = np.concatenate([data.astronaut(), data.astronaut()[:, ::-1]], axis=1)
    answer = jd.segment(encoded(pair, "JPEG", quality=90))
    alpha = np.asarray(open_picture(base64.b64decode(answer.json["result"]["image"])))[..., 3]
    for face in (alpha[120:200, 200:260], alpha[120:200, 764:824]):
        assert (face > 200).mean() > 0.9


@pytest.mark.parametrize("image_format", ["JPEG", "BMP", "PNG", "GIF"])
def test_each_format_is_taken(jd: JdClient, image_format: str) -> None:
    assert jd.segment(encoded(data.astronaut()[::2, ::2], image_format)).json["result"]["status"] == 1000


@pytest.mark.parametrize(
    "image",
    [portrait(50), portrait(1024), portrait(256).ljust(2 * MIB - 1, b"\0")],
    ids=["50 px", "1024 px", "2 MiB less one byte"],
)
def test_the_largest_and_the_smallest_selfie_are_taken(jd: JdClient, image: bytes) -> None:
    result = jd.segment(image).json["result"]
    assert (result["status"], result["message"]) == (1000, "ok")
    assert open_picture(base64.b64decode(result["image"])).size == open_picture(image).size


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "data:image/png;base64," + text,
        lambda text: "\r\n".join(text[at : at + 76] for at in range(0, len(text), 76)),
        lambda text: text.rstrip("="),
    ],
    ids=["data URI", "lines", "no padding"],
)
def test_base64_is_taken_as_clients_write_it(jd: JdClient, change: Callable[[str], str]) -> None:
    image = portrait(256)
    text = base64.b64encode(image + bytes(-len(image) % 3 + 1)).decode()
    assert text.endswith("=")
    answer = jd.cutout(json.dumps({"image": change(text)}).encode(), PATH)
    assert answer.json["result"]["status"] == 1000


@pytest.mark.parametrize("picture", [data.coffee()[:, :600], data.rocket()[:, :640]], ids=["cup", "rocket"])
def test_no_person_is_1006(jd: JdClient, picture: np.ndarray) -> None:
    assert_business_failure(jd.segment(encoded(picture)), 1006, "only portrait image is allowed")


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"not json", 1002, "not valid json string"),
        (b"[]", 1002, "not valid json string"),
        (b"", 1002, "not valid json string"),
        (b"{}", 1001, "parameter error"),
        (b'{"image":"***"}', 1003, "base64 image flow failed"),
        (b'{"image":""}', 1003, "base64 image flow failed"),
        (b'{"image":5}', 1003, "base64 image flow failed"),
    ],
)
def test_what_is_wrong_with_the_body_is_reported(jd: JdClient, body: bytes, status: int, message: str) -> None:
    assert_business_failure(jd.cutout(body, PATH), status, message)


@pytest.mark.parametrize(
    ("image", "status", "message"),
    [
        (b"no picture", 1005, "not valid image format"),
        (plain_picture(64, 64, "WEBP"), 1005, "not valid image format"),
        (plain_picture(64, 64)[:100], 1005, "not valid image format"),
        (plain_picture(49, 64), 1004, "incorrect image size"),
        (plain_picture(64, 49), 1004, "incorrect image size"),
        (plain_picture(64, 1025), 1004, "incorrect image size"),
        (plain_picture(1025, 64), 1004, "incorrect image size"),
        (plain_picture(64, 64).ljust(2 * MIB, b"\0"), 1004, "incorrect image size"),
    ],
    ids=["no picture", "webp", "cut short", "49 wide", "49 high", "1025 high", "1025 wide", "2 MiB"],
)
def test_what_is_wrong_with_the_picture_is_reported(jd: JdClient, image: bytes, status: int, message: str) -> None:
    assert_business_failure(jd.segment(image), status, message)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_405(cloud, method: str) -> None:
    answer = send(method, cloud.url + PATH)
    assert answer.headers["allow"] == "POST"
    assert_business_failure(answer, 1008, "only post method is allowed")


def test_jds_own_client_hands_over_the_result(cloud) -> None:
    """Its `JDCloudClient`, with the host and the key changed and nothing else."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from jdcloud_sdk.core.config import Config  # noqa: PLC0415 (warns when it is imported)
        from jdcloud_sdk.core.credential import Credential  # noqa: PLC0415
        from jdcloud_sdk.core.jdcloudclient import JDCloudClient  # noqa: PLC0415
        from jdcloud_sdk.core.jdcloudrequest import JDCloudRequest  # noqa: PLC0415
        from jdcloud_sdk.core.logger import FATAL, Logger  # noqa: PLC0415

        request = JDCloudRequest("/SelfieSeg", "POST", version="jdai")
        request.parameters = {"image": base64.b64encode(portrait(200)).decode()}
        config = Config(cloud.url.removeprefix("http://"), "http", timeout=WAIT_S)
        client = JDCloudClient(Credential("DEMOAK", "DEMOSK"), config, "aiapi", "1.0", Logger(FATAL))
        response = client.send(request)
    assert response.error is None
    assert response.request_id
    assert response.result["status"] == 1000
    assert base64.b64decode(response.result["image"]).startswith(b"\x89PNG")
