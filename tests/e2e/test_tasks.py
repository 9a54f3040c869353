"""PicWish segmentation over HTTP, row by row (contracts.md section 3)."""

import base64
import json
import time
from typing import Any

import numpy as np
import pytest
from skimage import data

from devkit.clients import SMALL, PicWish, encoded, follow, open_picture, plain_picture, send
from tests.support.picwish import assert_failed_task, assert_request_error

PATH = PicWish.path
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def picwish(cloud) -> PicWish:
    return PicWish(cloud.url)


def without_confidence(shown: dict[str, Any]) -> dict[str, Any]:
    """What the vendor's GET says; the field is ours."""
    assert 0 < shown["data"].pop("confidence") <= 1
    return shown


@pytest.mark.parametrize("sync", [{}, {"sync": "1"}])
def test_a_photograph_comes_back_finished_and_can_be_asked_for(picwish: PicWish, sync: dict[str, str]) -> None:
    pixels = data.astronaut()
    answer = picwish.create(encoded(pixels, "PNG"), output_type="1", **sync)
    assert answer.status == 200
    body = answer.json
    task = body["data"]
    assert (body["status"], body["message"]) == (200, "success")
    expected = {"output_type": 1, "return_type": 1, "progress": 100, "state": 1, "type": "auto"}
    assert {name: task[name] for name in expected} == expected
    assert abs(task["created_at"] - time.time()) < 60
    assert task["created_at"] <= task["processed_at"] <= task["completed_at"]
    cutout = np.asarray(open_picture(follow(task["image"]).body))
    mask = open_picture(follow(task["mask"]).body)
    assert (cutout.shape, mask.mode, mask.size) == ((512, 512, 4), "L", (512, 512))
    assert np.array_equal(np.asarray(mask), cutout[..., 3])
    again = picwish.query(task["task_id"])
    assert again.status == 200
    assert again.headers["x-cutline-confidence"] == answer.headers["x-cutline-confidence"]
    assert without_confidence(again.json) == body


@pytest.mark.parametrize("output_type", ["1", "2", "3"])
@pytest.mark.parametrize("return_type", ["1", "2"])
def test_image_and_mask_come_back_on_post_and_get(picwish: PicWish, return_type: str, output_type: str) -> None:
    body = picwish.create(return_type=return_type, output_type=output_type).json
    task = body["data"]
    modes = {"image": "RGBA", "mask": "L"}
    wanted = {"1": ("image", "mask"), "2": ("image",), "3": ("mask",)}[output_type]
    assert {name for name in modes if name in task} == set(wanted)
    for name in wanted:
        file = follow(task[name]).body if return_type == "1" else base64.b64decode(task[name], validate=True)
        picture = open_picture(file)
        assert (picture.format, picture.mode, picture.size) == ("PNG", modes[name], (64, 48))
    assert without_confidence(picwish.query(task["task_id"]).json) == body


def test_defaults_may_be_written_out_or_left_empty(picwish: PicWish) -> None:
    written = picwish.create(type="auto", return_type="1", output_type="2", crop="0", format="png", bg_color="junk")
    empty = picwish.create(type="", sync="", return_type="", output_type="", crop="", format="", bg_color="")
    for answer in (written, empty):
        task = answer.json["data"]
        assert (task["type"], task["return_type"], task["output_type"], task["state"]) == ("auto", 1, 2, 1)
        assert open_picture(follow(task["image"]).body).mode == "RGBA"


@pytest.mark.parametrize(
    ("fields", "content_type", "mode"),
    [
        ({}, "image/png", "RGBA"),
        ({"output_type": "1"}, "image/png", "RGBA"),
        ({"output_type": "2"}, "image/png", "RGBA"),
        ({"output_type": "3"}, "image/png", "L"),
        ({"format": "jpg"}, "image/jpeg", "RGB"),
    ],
)
def test_return_type_3_is_the_file_itself(
    picwish: PicWish, fields: dict[str, Any], content_type: str, mode: str
) -> None:
    answer = picwish.create(return_type="3", **fields)
    assert (answer.status, answer.headers["content-type"]) == (200, content_type)
    assert open_picture(answer.body).mode == mode
    task = picwish.query(answer.headers["x-task-id"]).json["data"]
    assert (task["state"], task["return_type"]) == (1, 3)
    assert follow(task["mask" if fields.get("output_type") == "3" else "image"]).body == answer.body


def test_crop_cuts_image_and_mask_to_the_same_box(picwish: PicWish) -> None:
    task = picwish.create(plain_picture(200, 150), crop="1", output_type="1").json["data"]
    sizes = {open_picture(follow(task[name]).body).size for name in ("image", "mask")}
    (width, height) = sizes.pop()
    assert not sizes
    assert width < 200
    assert height < 150


def test_jpg_stands_on_the_colour_asked_for(picwish: PicWish) -> None:
    task = picwish.create(plain_picture(200, 150), format="jpg", bg_color="0000ff").json["data"]
    assert ".jpg" in task["image"]
    pixels = np.asarray(open_picture(follow(task["image"]).body)).astype(int)
    assert np.abs(pixels[2, 2] - (0, 0, 255)).max() < 12


def test_webp_and_a_profile_are_ours(picwish: PicWish) -> None:
    webp = picwish.create(plain_picture(200, 150), format="webp", return_type="3")
    assert (webp.headers["content-type"], open_picture(webp.body).format) == ("image/webp", "WEBP")
    task = picwish.create(plain_picture(200, 150), profile="amazon-main", sync="1").json["data"]
    assert (task["profile"], task["passed"]) == ("amazon-main", True)
    assert {verdict["rule"] for verdict in task["verdicts"]} >= {"ground", "share", "longest_side", "bytes"}
    picture = open_picture(follow(task["image"]).body)
    assert (picture.format, max(picture.size)) == ("JPEG", 1000)
    assert picwish.query(task["task_id"]).json["data"] == task


@pytest.mark.parametrize("kind", ["person", "object", "stamp"])
def test_each_type_is_served_and_echoed(picwish: PicWish, kind: str) -> None:
    task = picwish.create(encoded(data.astronaut()[::2, ::2]), type=kind).json["data"]
    assert (task["state"], task["type"]) == (1, kind)


@pytest.mark.parametrize("image_format", ["JPEG", "BMP", "PNG", "WEBP", "TIFF"])
def test_each_format_is_taken(picwish: PicWish, image_format: str) -> None:
    assert picwish.create(plain_picture(64, 48, image_format)).json["data"]["state"] == 1


@pytest.mark.parametrize("content_type", ["application/json", FORM])
def test_json_and_forms_are_taken_too(picwish: PicWish, content_type: str) -> None:
    image = base64.b64encode(SMALL).decode()
    body = json.dumps({"image_base64": image, "sync": 1}).encode()
    if content_type != "application/json":
        body = f"sync=1&image_base64={image.replace('+', '%2B')}".encode()
    answer = picwish.post(body, content_type)
    assert answer.json["data"]["state"] == 1


@pytest.mark.parametrize("fields", [{}, {"callback_url": "http://127.0.0.1:9/"}])
def test_sync_0_gives_an_id_to_ask_for(picwish: PicWish, fields: dict[str, Any]) -> None:
    body = picwish.create(sync="0", **fields).json
    assert body == {"status": 200, "message": "success", "data": {"task_id": body["data"]["task_id"]}}
    task = picwish.poll(body["data"]["task_id"])
    assert (task["state"], task["progress"]) == (1, 100)
    assert open_picture(follow(task["image"]).body).size == (64, 48)


@pytest.mark.parametrize(
    "image",
    [b"no picture", SMALL[:200], plain_picture(64, 48, "GIF"), plain_picture(4097, 4), plain_picture(4, 4097)],
    ids=["no picture", "cut short", "gif", "4097 wide", "4097 high"],
)
def test_an_invalid_file_is_state_minus_7(picwish: PicWish, image: bytes) -> None:
    assert_failed_task(picwish, picwish.create(image), -7)


@pytest.mark.parametrize("size", [(4096, 40), (40, 4096)])
def test_4096_px_are_taken(picwish: PicWish, size: tuple[int, int]) -> None:
    assert picwish.create(plain_picture(*size)).json["data"]["state"] == 1


def test_an_address_that_may_not_be_fetched_is_state_minus_3(picwish: PicWish) -> None:
    for url in ("http://127.0.0.1:9/a.jpg", "http://169.254.169.254/latest", "ftp://example.com/a.jpg", "junk"):
        assert_failed_task(picwish, picwish.create(None, image_url=url), -3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"type": "cat"}, "Invalid task type"),
        ({"sync": "2"}, "Invalid sync"),
        ({"return_type": "9"}, "Invalid return type"),
        ({"sync": "0", "return_type": "3"}, "Invalid return type"),
        ({"output_type": "0"}, "Invalid output type"),
        ({"crop": "yes"}, "Invalid crop"),
        ({"format": "gif"}, "Invalid format"),
        ({"format": "jpg", "bg_color": "white"}, "Invalid bg_color"),
        ({"image_url": "https://example.com"}, "Only one of image_file, image_url and image_base64 may be sent"),
    ],
)
def test_a_bad_field_is_400(picwish: PicWish, fields: dict[str, Any], message: str) -> None:
    assert_request_error(picwish.create(**fields), 400, message)


def test_no_source_is_400(picwish: PicWish) -> None:
    message = "One of image_file, image_url and image_base64 is required"
    assert_request_error(picwish.create(None, sync="1"), 400, message)


def test_a_body_that_cannot_be_read_is_400(picwish: PicWish) -> None:
    assert_request_error(picwish.post(b"{", "application/json"), 400, "body is not valid JSON")
    assert_request_error(picwish.post(b"image_base64=*", FORM), 400, "image is not valid base64")


def test_a_disabled_key_and_one_for_other_apis_are_401(picwish: PicWish, accounts) -> None:
    accounts.create("off-picwish", enabled=False)
    accounts.create("elsewhere-picwish", apis=frozenset({"aid"}))
    for key in ("key-off-picwish", "key-elsewhere-picwish"):
        assert_request_error(PicWish(picwish.url, key).create(), 401, "Unauthorized")


def test_a_wrong_key_is_401_on_post_and_get(picwish: PicWish) -> None:
    for caller in (PicWish(picwish.url, "wrong"), PicWish(picwish.url, "")):
        assert_request_error(caller.create(), 401, "Unauthorized")
        assert_request_error(caller.query("7c0e5c1a-0d0b-4a42-9a0e-3b7b5c1f2d10"), 401, "Unauthorized")


def test_unknown_foreign_and_absurd_tasks_are_404(picwish: PicWish, accounts) -> None:
    task_id = picwish.create().json["data"]["task_id"]
    accounts.create("other")
    assert_request_error(PicWish(picwish.url, "key-other").query(task_id), 404, "Not Found")
    for unknown in ("7c0e5c1a-0d0b-4a42-9a0e-3b7b5c1f2d10", "x" * 3000):
        assert_request_error(picwish.query(unknown), 404, "Not Found")


@pytest.mark.parametrize(("method", "path"), [("GET", PATH), ("PUT", PATH), ("POST", f"{PATH}/x"), ("DELETE", PATH)])
def test_another_method_is_404(picwish: PicWish, method: str, path: str) -> None:
    answer = send(method, picwish.url + path, headers={"X-API-KEY": picwish.key})
    assert_request_error(answer, 404, "Not Found")


def test_more_than_the_rate_is_429_and_questions_do_not_count(picwish: PicWish, accounts) -> None:
    accounts.create("slow", qps=1)
    slow = PicWish(picwish.url, "key-slow")
    task_id = slow.create().json["data"]["task_id"]
    answers = [slow.create(b"x") for _ in range(4)]
    limited = [answer for answer in answers if answer.status == 429]
    assert limited
    assert_request_error(limited[0], 429, "Too Many Requests")
    assert limited[0].headers["retry-after"] == "1"
    assert {slow.query(task_id).status for _ in range(6)} == {200}
