"""AILabTools costume over HTTP, row by row (contracts.md section 5)."""

from dataclasses import dataclass

import numpy as np
import pytest
from skimage import data

from tests.e2e.clients import Answer, encoded, follow, open_picture, plain_picture, send

PATH = "/api/cutout/general/apparel-background-removal"
MIB = 1024 * 1024
CLASSES = ("tops", "coat", "skirt", "pants", "bag", "shoes", "hat")
SMALL = plain_picture(64, 60)
DRESSED = encoded(data.astronaut())


@dataclass(frozen=True)
class AiLab:
    """Calls as the vendor's samples do: multipart with ailabapi-api-key."""

    url: str
    key: str = "demo-key"

    def cut(self, image: bytes | None = DRESSED, **fields: str) -> Answer:
        parts = [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
        if image is not None:
            parts.append(b'name="image"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n' + image)
        body = b"".join(b"--b\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts) + b"--b--\r\n"
        return self.post(body, "multipart/form-data; boundary=b")

    def post(self, body: bytes, content_type: str) -> Answer:
        return send("POST", self.url + PATH, body, {"ailabapi-api-key": self.key, "Content-Type": content_type})


@pytest.fixture(scope="module")
def ailab(cloud) -> AiLab:
    return AiLab(cloud.url)


def assert_refused(answer: Answer, status: int, code: str, message: str) -> None:
    body = answer.json
    assert answer.status == body["error_code"] == body["error_detail"]["status_code"] == status
    assert set(body) == {"request_id", "log_id", "error_code", "error_code_str", "error_msg", "error_detail"}
    assert body["error_code_str"] == body["error_detail"]["code"] == code
    assert body["error_msg"] == body["error_detail"]["code_message"] == message
    assert body["error_detail"]["message"]
    assert body["log_id"].isdigit()


def elements_of(answer: Answer) -> tuple[str, dict[str, str]]:
    assert answer.status == 200
    body = answer.json
    assert body["error_code"] == 0
    assert body["error_detail"] == {"status_code": 200, "code": "", "code_message": "", "message": ""}
    first, second = body["data"]["elements"]
    assert (set(first), set(second)) == ({"image_url"}, {"class_url"})
    return first["image_url"], second["class_url"]


def test_the_clothes_come_back_without_the_face_and_the_wall(ailab: AiLab) -> None:
    image_url, class_url = elements_of(ailab.cut())
    assert class_url == {}
    picture = open_picture(follow(image_url).body)
    assert (picture.format, picture.mode, picture.size) == ("PNG", "RGBA", (512, 512))
    alpha = np.asarray(picture)[..., 3]
    assert (alpha[220:] > 240).any()  # her suit
    assert (alpha[:60, 400:] < 16).mean() > 0.95  # the wall behind her
    assert (alpha[120:200, 200:260] < 16).mean() > 0.8  # her face


def test_each_requested_class_has_a_key_and_the_absent_ones_are_empty(ailab: AiLab) -> None:
    _, class_url = elements_of(ailab.cut(cloth_class=",".join(CLASSES)))
    assert tuple(class_url) == CLASSES
    assert class_url["shoes"] == ""
    found = [url for url in class_url.values() if url]
    assert found
    assert open_picture(follow(found[0]).body).size == (512, 512)


@pytest.mark.parametrize(("return_form", "mode"), [("mask", "L"), ("whiteBK", "RGB")])
def test_return_form_holds_for_every_url(ailab: AiLab, return_form: str, mode: str) -> None:
    image_url, class_url = elements_of(ailab.cut(cloth_class=",".join(CLASSES), return_form=return_form))
    for url in (image_url, *(url for url in class_url.values() if url)):
        assert open_picture(follow(url).body).mode == mode


def test_out_mode_1_merges_the_requested_classes(ailab: AiLab) -> None:
    _, class_url = elements_of(ailab.cut(cloth_class=",".join(CLASSES)))
    name = next(name for name, url in class_url.items() if url)
    image_url, one = elements_of(ailab.cut(cloth_class=name, out_mode="1"))
    assert np.array_equal(
        np.asarray(open_picture(follow(image_url).body)), np.asarray(open_picture(follow(one[name]).body))
    )


NO_TARGET = (422, "ERROR_NO_RECOGNITION_TARGET_DETECTED", "No recognition target detected in the image.")


def test_nothing_to_wear_is_422(ailab: AiLab) -> None:
    assert_refused(ailab.cut(SMALL), *NO_TARGET)
    assert_refused(ailab.cut(cloth_class="shoes", out_mode="1"), *NO_TARGET)


@pytest.mark.parametrize(
    ("image", "status", "code", "message"),
    [
        (b"", 400, "PARAMETERS_CANNOT_EMPTY", "Parameters cannot be empty."),
        (b"no picture", 415, "UNSUPPORTED_FILE_TYPES", "Unsupported file types."),
        (plain_picture(64, 60, "GIF"), 415, "UNSUPPORTED_FILE_TYPES", "Unsupported file types."),
        (plain_picture(64, 60, "WEBP"), 415, "UNSUPPORTED_FILE_TYPES", "Unsupported file types."),
        (SMALL[:150], 422, "FILE_DECODING_FAILURE", "File decoding failed."),
        (plain_picture(50, 60), 422, "ERROR_LOW_RESOLUTION", "File resolution too low."),
        (plain_picture(60, 3000), 413, "FILE_RESOLUTION_EXCEEDS_LIMITS", "File resolution exceeds limits."),
    ],
    ids=["empty", "no picture", "gif", "webp", "cut short", "50", "3000"],
)
def test_what_is_wrong_with_the_picture_is_told(
    ailab: AiLab, image: bytes, status: int, code: str, message: str
) -> None:
    assert_refused(ailab.cut(image), status, code, message)


@pytest.mark.parametrize("size", [(51, 60), (60, 2999)])
def test_one_step_inside_the_limits_the_picture_is_looked_at(ailab: AiLab, size: tuple[int, int]) -> None:
    assert ailab.cut(plain_picture(*size)).json["error_code_str"] in ("", NO_TARGET[1])


@pytest.mark.parametrize("fields", [{"cloth_class": "dress"}, {"return_form": "png"}, {"out_mode": "2"}])
def test_a_bad_parameter_is_400(ailab: AiLab, fields: dict[str, str]) -> None:
    assert_refused(ailab.cut(**fields), 400, "ERROR_INVALID_PARAMETER", "Invalid parameter.")


def test_a_form_without_picture_or_no_form_at_all_is_400(ailab: AiLab) -> None:
    assert_refused(ailab.cut(None, out_mode="0"), 400, "MISSING_PARAMETERS", "Missing parameters.")
    assert_refused(ailab.post(b"{}", "application/json"), 400, "ERROR_PARAMETERS", "Invalid parameters.")


def test_a_wrong_key_is_401_and_a_disabled_one_403(ailab: AiLab, accounts) -> None:
    for key in ("", "wrong"):
        answer = AiLab(ailab.url, key).cut()
        assert_refused(answer, 401, "ERROR_USER_NOT_EXISTS", "The user does not exist.")
    accounts.create("locked", enabled=False)
    assert_refused(AiLab(ailab.url, "key-locked").cut(), 403, "ERROR_USER_LOCKED", "The user is locked.")
    accounts.create("elsewhere", apis=frozenset({"pw"}))
    answer = AiLab(ailab.url, "key-elsewhere").cut()
    assert_refused(answer, 401, "ERROR_APPLICATIONS_NOT_EXISTS", "The application does not exist.")


def test_spent_credits_and_the_rate_are_429(ailab: AiLab, accounts) -> None:
    accounts.create("spent", daily_quota=0)
    assert_refused(AiLab(ailab.url, "key-spent").cut(), 429, "ERROR_NOT_ENOUGH_CREDITS", "Insufficient credits.")
    accounts.create("slow-ailab", qps=0.01)
    slow = AiLab(ailab.url, "key-slow-ailab")
    slow.cut(b"")
    assert_refused(slow.cut(b""), 429, "EXCEEDING_LIMITS", "Exceeds limit.")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_404(ailab: AiLab, method: str) -> None:
    message = "AI does not exist or has been deactivated, please contact the platform."
    assert_refused(send(method, ailab.url + PATH), 404, "ERROR_AI_NOT_EXISTS", message)
