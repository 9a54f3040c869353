"""remove.bg over HTTP, row by row (contracts.md 6.1)."""

import base64
import io
import json
import zipfile
from urllib.parse import urlencode

import numpy as np
import pytest
from skimage import data

from devkit.accounts import Accounts
from devkit.clients import Answer, RemoveBg, encoded, multipart, open_picture, plain_picture, send
from devkit.faulty import SLOW_S, FaultyCloud
from devkit.meters import meter_of
from devkit.running import RunningCloud
from tests.support.fetching import picture_server
from tools.smoke.reports import from_folder

COFFEE = encoded(data.coffee())
DISC = plain_picture(640, 480)
CLEAR = encoded(np.zeros((60, 80, 4), np.uint8), "PNG")
EVERY_SIZE = ("preview", "small", "regular", "medium", "hd", "full", "4k", "50MP", "auto")


@pytest.fixture(scope="module")
def api(cloud: RunningCloud) -> RemoveBg:
    return RemoveBg(cloud.url)


@pytest.fixture(scope="module")
def fetching(faulty: FaultyCloud) -> RemoveBg:
    """In a cloud that may fetch from this machine; already warm, because its time limit is short."""
    client = RemoveBg(faulty.url)
    client.remove(DISC)
    return client


def fault_of(answer: Answer) -> tuple[int, str]:
    (fault,) = answer.json["errors"]
    return answer.status, fault["code"]


def pixels(answer: Answer) -> np.ndarray:
    assert answer.status == 200, answer.body[:300]
    return np.asarray(open_picture(answer.body))


def test_the_answer_is_the_picture_itself(api: RemoveBg) -> None:
    answer = api.remove(COFFEE)
    picture = open_picture(answer.body)
    assert (answer.headers["content-type"], picture.format, picture.mode) == ("image/png", "PNG", "RGBA")
    assert picture.size == (600, 400)
    assert (answer.headers["x-width"], answer.headers["x-height"]) == ("600", "400")
    assert (answer.headers["x-max-width"], answer.headers["x-max-height"]) == ("600", "400")
    assert (answer.headers["x-type"], answer.headers["x-credits-charged"]) == ("product", "1")
    assert int(answer.headers["x-ratelimit-limit"]) == 3000
    assert answer.headers["access-control-allow-origin"] == "*"
    alpha = np.asarray(picture)[..., 3]
    top, left = int(answer.headers["x-foreground-top"]), int(answer.headers["x-foreground-left"])
    width, height = int(answer.headers["x-foreground-width"]), int(answer.headers["x-foreground-height"])
    outside = alpha.copy()
    outside[top : top + height, left : left + width] = 0
    assert outside.max() <= 8
    assert alpha[top : top + height, left : left + width].mean() > 60


def test_json_is_for_who_asks_for_it(cloud: RunningCloud) -> None:
    answer = RemoveBg(cloud.url, accept="application/json").remove(DISC)
    reported = answer.json["data"]
    assert open_picture(base64.b64decode(reported["result_b64"])).size == (577, 433)
    assert str(reported["foreground_width"]) == answer.headers["x-foreground-width"]


@pytest.mark.parametrize("size", EVERY_SIZE)
def test_a_size_reduces_and_never_enlarges(api: RemoveBg, size: str) -> None:
    picture = open_picture(api.remove(DISC, size=size).body)
    assert picture.size == ((577, 433) if size in ("preview", "small", "regular") else (640, 480))


@pytest.mark.parametrize(
    ("name", "kind", "mode"),
    [("png", "PNG", "RGBA"), ("jpg", "JPEG", "RGB"), ("webp", "WEBP", "RGBA"), ("auto", "PNG", "RGBA")],
)
def test_formats(api: RemoveBg, name: str, kind: str, mode: str) -> None:
    answer = api.remove(DISC, format=name)
    picture = open_picture(answer.body)
    assert (picture.format, picture.mode) == (kind, mode)
    assert answer.headers["content-type"] == f"image/{kind.lower()}"


def test_a_zip_holds_colours_and_alpha(api: RemoveBg) -> None:
    answer = api.remove(DISC, format="zip", size="full")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.namelist() == ["color.jpg", "alpha.png"]
        colour, alpha = (open_picture(archive.read(name)) for name in archive.namelist())
    assert (colour.mode, alpha.mode, colour.size, alpha.size) == ("RGB", "L", (640, 480), (640, 480))
    assert np.abs(np.asarray(colour)[240, 320].astype(int) - (200, 40, 30)).max() < 12
    assert np.asarray(alpha)[240, 320] == 255


@pytest.mark.parametrize(
    ("colour", "at_the_corner"),
    [("0f0", (0, 255, 0)), ("0f08", (0, 255, 0, 0x88)), ("1f6feb", (0x1F, 0x6F, 0xEB)),
     ("1f6feb80", (0x1F, 0x6F, 0xEB, 0x80)), ("green", (0, 128, 0))],
)  # fmt: skip
def test_a_colour_stands_behind(api: RemoveBg, colour: str, at_the_corner: tuple[int, ...]) -> None:
    corner = pixels(api.remove(DISC, bg_color=colour, format="png"))[2, 2]
    assert tuple(corner) == at_the_corner


def test_an_opaque_result_is_a_jpeg_unless_said(api: RemoveBg) -> None:
    assert open_picture(api.remove(DISC, bg_color="1f6feb").body).format == "JPEG"


def test_a_picture_stands_behind_from_a_file_and_from_an_address(api: RemoveBg, fetching: RemoveBg) -> None:
    stripes = np.zeros((90, 300, 3), np.uint8)
    stripes[:, 80:220] = (0, 0, 255)  # the middle, which is all that shows on a canvas of 4:3
    behind = encoded(stripes, "PNG")
    body, content_type = multipart({"format": "png"}, "bg_image_file", behind)
    boundary = content_type.partition("boundary=")[2]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="image_file"; filename="a"\r\n\r\n'.encode()
    answer = api.post(head + DISC + b"\r\n" + body, content_type)
    assert tuple(pixels(answer)[10, 10]) == (0, 0, 255)
    with picture_server(behind) as url:
        assert tuple(pixels(fetching.remove(DISC, bg_image_url=url, format="png"))[10, 10]) == (0, 0, 255)


def test_crop_margin_scale_and_position_frame_the_subject(api: RemoveBg) -> None:
    whole = api.remove(DISC, size="full", crop="false")
    width = int(whole.headers["x-foreground-width"])
    height = int(whole.headers["x-foreground-height"])
    crop = {"size": "full", "crop": "true"}
    assert open_picture(api.remove(DISC, **crop).body).size == (width, height)
    assert open_picture(api.remove(DISC, **crop, crop_margin="10px").body).size == (width + 20, height + 20)
    assert open_picture(api.remove(DISC, **crop, crop_margin="10px 0px").body).size == (width, height + 20)
    assert open_picture(api.remove(DISC, **crop, crop_margin="1px 2px 3px 4px").body).size == (width + 6, height + 4)
    half = api.remove(DISC, size="full", scale="50%")
    assert (half.headers["x-foreground-height"], half.headers["x-foreground-top"]) == ("240", "120")
    assert api.remove(DISC, size="full", scale="50%", position="0% 100%").headers["x-foreground-left"] == "0"
    for fields in ({"scale": "original"}, {"position": "original"}, {"position": "center"}, {"position": "50%"}):
        assert api.remove(DISC, size="full", **fields).headers["x-foreground-width"] == str(width)


def test_outside_the_region_all_is_background(api: RemoveBg) -> None:
    for roi in ("0% 0% 50% 100%", "0px 0px 320px 480px"):
        alpha = pixels(api.remove(DISC, size="full", roi=roi))[..., 3]
        assert alpha[:, 320:].max() == 0
        assert alpha[240, 250] > 200


def test_only_the_mask(api: RemoveBg) -> None:
    picture = open_picture(api.remove(DISC, channels="alpha").body)
    assert (picture.format, picture.mode) == ("PNG", "L")
    assert open_picture(api.remove(DISC, channels="rgba").body).mode == "RGBA"


@pytest.mark.parametrize("kind", ["auto", "person", "product", "car", "animal", "graphics", "transportation"])
def test_every_type_is_taken(api: RemoveBg, kind: str) -> None:
    answer = api.remove(encoded(data.astronaut()), type=kind)
    assert answer.status == 200
    assert answer.headers["x-type"] == ("person" if kind in ("auto", "person", "graphics") else kind)


def test_what_has_no_effect_is_taken(api: RemoveBg) -> None:
    for level in ("none", "1", "2", "latest"):
        assert ("x-type" in api.remove(DISC, type_level=level).headers) == (level != "none")
    for method, semi in (("latest", "true"), ("legacy", "false")):
        fields = {"add_shadow": "true", "shadow_method": method, "semitransparency": semi}
        assert api.remove(DISC, **fields).status == 200


def test_other_bodies_and_formats(api: RemoveBg) -> None:
    text = base64.b64encode(DISC).decode()
    assert api.post(json.dumps({"image_file_b64": text, "crop": True}).encode(), "application/json").status == 200
    assert api.post(urlencode({"image_file_b64": text}).encode(), "application/x-www-form-urlencoded").status == 200
    for kind in ("JPEG", "PNG", "WEBP"):
        assert api.remove(plain_picture(100, 80, kind)).status == 200


def test_a_bearer_token_is_a_key(cloud: RunningCloud) -> None:
    body, kind = multipart({}, "image_file", DISC)
    headers = {"Content-Type": kind, "Authorization": "Bearer demo-key"}
    assert send("POST", f"{cloud.url}/v1.0/removebg", body, headers).status == 200


def test_keys_credits_and_rate(cloud: RunningCloud, accounts: Accounts) -> None:
    assert fault_of(RemoveBg(cloud.url, "").remove()) == (403, "auth_failed")
    assert RemoveBg(cloud.url, "").remove().json["errors"][0]["title"] == "Missing API Key"
    wrong = {"errors": [{"title": "API Key invalid", "code": "auth_failed"}]}
    assert RemoveBg(cloud.url, "wrong").remove().json == wrong
    assert RemoveBg(cloud.url, "wrong").account().json == wrong
    accounts.create("rbg-off", enabled=False)
    accounts.create("rbg-elsewhere", apis=frozenset({"pw"}))
    for name in ("rbg-off", "rbg-elsewhere"):
        client = RemoveBg(cloud.url, f"key-{name}")
        assert (client.remove().json, client.account().status) == (wrong, 403)
    accounts.create("rbg-spent", daily_quota=0)
    assert fault_of(RemoveBg(cloud.url, "key-rbg-spent").remove()) == (402, "insufficient_credits")
    accounts.create("rbg-slow", qps=0.01)
    slow = RemoveBg(cloud.url, "key-rbg-slow")
    slow.remove()
    refused = slow.remove()
    assert fault_of(refused) == (429, "rate_limit_exceeded")
    assert (refused.headers["retry-after"], refused.headers["x-ratelimit-remaining"]) == ("1", "0")


def test_the_account_tells_what_is_left_and_a_failure_costs_nothing(cloud: RunningCloud, accounts: Accounts) -> None:
    accounts.create("rbg-counted", daily_quota=3, price_micros={"*": 3000})
    client = RemoveBg(cloud.url, "key-rbg-counted")
    assert client.account().json["data"]["attributes"]["credits"]["total"] == 3
    assert client.remove(DISC).status == 200
    assert client.remove(b"no picture").status == 400
    attributes = client.account().json["data"]["attributes"]
    assert attributes["credits"] == {"total": 2, "subscription": 2, "payg": 0, "enterprise": 0}
    assert attributes["api"] == {"free_calls": 0, "sizes": "all"}
    assert meter_of(cloud, "rbg-counted")["charged_micros"] == 3000
    assert RemoveBg(cloud.url).account().json["data"]["attributes"]["credits"]["total"] > 0


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (b"no picture", "invalid_file_type"),
        (plain_picture(64, 60, "GIF"), "invalid_file_type"),
        (DISC[:1000], "failed_to_read_image"),
        (CLEAR, "unknown_foreground"),
        (b"", "missing_source"),
        (plain_picture(16_385, 1, "JPEG"), "resolution_too_high"),
    ],
    ids=["no picture", "gif", "cut short", "nothing visible", "empty", "too long"],
)
def test_what_is_wrong_with_the_picture_is_reported(api: RemoveBg, image: bytes, code: str) -> None:
    assert fault_of(api.remove(image)) == (400, code)


@pytest.mark.parametrize(
    "name",
    ["size", "channels", "type", "type_level", "crop", "add_shadow", "shadow_method", "format", "roi", "crop_margin",
     "scale", "position", "bg_color", "semitransparency"],
)  # fmt: skip
def test_a_bad_parameter_is_named(api: RemoveBg, name: str) -> None:
    assert fault_of(api.remove(DISC, **{name: "x"})) == (400, f"invalid_{name}")


def test_what_cannot_be_said_together_or_fetched(api: RemoveBg) -> None:
    cases = {
        "multiple_sources": {"image_url": "http://a.b/c"},
        "multiple_bg_sources": {"bg_color": "fff", "bg_image_url": "http://a.b/c"},
        "invalid_bg_image_url": {"bg_image_url": "c.png"},
        "failed_bg_download": {"bg_image_url": "http://127.0.0.1:1/none.png"},
        "roi_exceeds_bounds": {"roi": "0px 0px 641px 10px"},
        "roi_region_empty": {"roi": "10px 10px 10px 20px"},
    }
    for code, fields in cases.items():
        assert fault_of(api.remove(DISC, **fields)) == (400, code), code
    assert fault_of(api.remove(None, image_url="c.png")) == (400, "invalid_image_url")
    assert fault_of(api.remove(None, image_file_b64="%%%")) == (400, "failed_to_read_image")
    assert fault_of(api.post(b"{", "application/json")) == (400, "invalid_body")


def test_addresses_are_fetched_and_what_is_wrong_there_is_reported(fetching: RemoveBg) -> None:
    with picture_server(DISC) as url:
        form = urlencode({"image_url": url}).encode()
        assert fetching.post(form, "application/x-www-form-urlencoded").status == 200
        refused = fetching.remove(None, image_url=f"{url}-not-there")
    title = "Failed to download image from given image_url: HTTP Status 404"
    assert refused.json == {"errors": [{"title": title, "code": "failed_image_download"}]}
    with picture_server(DISC.ljust(22 * 1024 * 1024 + 1, b"\0")) as url:
        assert fault_of(fetching.remove(None, image_url=url)) == (400, "file_too_large")


def test_faults_of_ours_are_worded_and_pass(faulty: FaultyCloud, fetching: RemoveBg) -> None:
    for code, status, fault in (
        ("overloaded", 503, {"error": "ThrottlingException"}),
        ("internal_error", 500, {"error": "AccessDeniedException"}),
        ("timeout", 503, {"delay_s": SLOW_S}),
    ):
        with faulty.fault("dynamodb:UpdateItem", **fault):
            assert fault_of(fetching.remove(DISC)) == (status, code)
    assert fetching.remove(DISC).status == 200


def test_improve_and_other_methods(api: RemoveBg) -> None:
    assert fault_of(api.post(b"{}", "application/json", "/v1.0/improve")) == (400, "not_collected")
    headers = {"X-Api-Key": "demo-key"}
    assert fault_of(send("GET", f"{api.url}/v1.0/removebg", headers=headers)) == (405, "method_not_allowed")


@pytest.mark.parametrize("path", ["/v1.0/removebg", "/v1.0/improve", "/v1.0/account", "/api/remove"])
def test_a_page_of_another_origin_may_call(cloud: RunningCloud, path: str) -> None:
    asked = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    answer = send("OPTIONS", cloud.url + path, headers={**asked, "access-control-request-headers": "x-api-key"})
    assert (answer.status, answer.headers["access-control-allow-origin"], answer.body) == (204, "*", b"")
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "*, Authorization"


def test_a_transparent_picture_of_49_megapixels_stays_within_the_memory(cloud: RunningCloud, api: RemoveBg) -> None:
    rgba_u8 = np.zeros((7000, 7000, 4), np.uint8)
    rgba_u8[1500:6000, 1500:6000] = (200, 80, 30, 180)
    answer = api.remove(encoded(rgba_u8, "PNG"), size="full", format="zip")
    assert answer.status == 200, answer.body[:300]
    report = next(report for report in reversed(from_folder(cloud.log_dir)) if report.function == "Cutout")
    # The decoder and the function hold their most at different times; both maxima together are 1,731 MiB.
    assert report.peak_mb < report.memory_mb * 0.75
