"""JD Cloud matting over HTTP, row by row (contracts.md section 1)."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from jdcloud_sdk.core.credential import Credential
from jdcloud_sdk.core.signer import Signer
from skimage import data

from devkit.clients import SMALL, Answer, JdClient, encoded, follow, open_picture, plain_picture, send
from tests.support.jd import BAD_SIGNATURE, MATTING


@pytest.fixture(scope="module")
def jd(cloud) -> JdClient:
    return JdClient(cloud.url)


def assert_business_failure(answer: Answer, status: int, message: str) -> None:
    assert answer.status == 200
    body = answer.json
    result = body.pop("result")
    assert body == {"requestId": result["requestId"], "code": 10000, "msg": "Search succeeded"}
    assert result.pop("requestId") == result.pop("requestid") == answer.headers["x-jdcloud-request-id"]
    assert result == {"status": status, "message": message}


@pytest.mark.parametrize("path", ["/api/cutout/", "/api/cutout"])
def test_a_photograph_comes_back_as_a_cut_out_with_its_size_and_pixels(jd: JdClient, path: str) -> None:
    pixels = data.astronaut()
    answer = jd.cutout(encoded(pixels, "PNG"), path)
    assert answer.status == 200
    body = answer.json
    result = body.pop("result")
    assert body == {"requestId": result["requestId"], "code": 10000, "msg": "Search succeeded"}
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


def test_a_link_in_a_page_is_answered_with_webp_and_stores_it_once(jd: JdClient) -> None:
    link = jd.cutout(SMALL).json["result"]["cutout_image_url"]
    for _ in range(2):
        redirect = send("GET", link, headers={"Accept": "image/webp,*/*"})
        assert (redirect.status, redirect.headers["vary"]) == (302, "Accept")
        assert open_picture(send("GET", redirect.headers["location"]).body).format == "WEBP"
    assert open_picture(follow(link).body).format == "PNG"


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
    MATTING.assert_refused(send("POST", jd.base_url + "/api/cutout/", changed, headers), *BAD_SIGNATURE)
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


def test_a_picture_under_the_content_type_of_json_is_a_picture(jd: JdClient) -> None:
    assert replace(jd, content_type="application/json").cutout(SMALL).json["result"]["status"] == 0


def test_a_wrong_method_is_not_found(jd: JdClient) -> None:
    answer = send("GET", jd.base_url + "/api/cutout/")
    MATTING.assert_refused(answer, 404, 10003, "NOT_FOUND", "不存在相应的数据信息")


def test_an_empty_body_is_not_enough(jd: JdClient) -> None:
    assert_business_failure(jd.cutout(b""), 12002, "not enough param")


@pytest.mark.parametrize(
    "body",
    [b"no picture", SMALL[: len(SMALL) // 2], b"%PDF-1.7 ...", plain_picture(64, 48, "TIFF")],
    ids=["text", "truncated", "pdf", "tiff"],
)
def test_what_is_no_picture_of_a_listed_type_is_refused(jd: JdClient, body: bytes) -> None:
    assert_business_failure(jd.cutout(body), 12003, "image type error")


@pytest.mark.parametrize("size", [(4096, 8), (8, 4096), (1, 1)])
def test_sides_of_1_and_4096_px_are_taken(jd: JdClient, size: tuple[int, int]) -> None:
    assert jd.cutout(plain_picture(*size)).json["result"]["status"] == 0


@pytest.mark.parametrize("size", [(4097, 8), (8, 4097)])
def test_a_side_of_4097_px_is_refused(jd: JdClient, size: tuple[int, int]) -> None:
    message = "image size exceeds limit: A side is longer than 4096 px."
    assert_business_failure(jd.cutout(plain_picture(*size)), 12004, message)


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


def test_a_result_may_be_looked_at_before_it_is_downloaded(jd: JdClient) -> None:
    link = jd.cutout(encoded(data.astronaut(), "PNG")).json["result"]["cutout_image_url"]
    looked = send("HEAD", link)
    assert (looked.status, looked.body) == (302, b"")
    facts = send("HEAD", looked.headers["location"])
    assert (facts.status, facts.headers["content-type"]) == (200, "image/png")
    assert int(facts.headers["content-length"]) == len(follow(link).body)
    assert send("HEAD", link.replace("/r/", "/r/x")).status == 404
