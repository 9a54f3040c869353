"""AILabTools costume over HTTP, row by row (contracts.md section 5)."""

import numpy as np
import pytest
from skimage import data

from devkit.clients import AiLab, encoded, follow, open_picture, plain_picture, send
from devkit.running import ROOT
from tests.support.ailabtools import DRESSED, assert_refused, elements_of

CLASSES = ("tops", "coat", "skirt", "pants", "bag", "shoes", "hat")
SMALL = plain_picture(64, 60)
CUP = encoded(data.coffee())
SHIRT = (ROOT / "functions" / "site" / "static" / "shirt.jpg").read_bytes()


@pytest.fixture(scope="module")
def ailab(cloud) -> AiLab:
    return AiLab(cloud.url)


def pixels_behind(url: str) -> np.ndarray:
    return np.asarray(open_picture(follow(url).body))


def test_the_clothes_come_back_without_the_face_and_the_wall(ailab: AiLab) -> None:
    image_url, class_url = elements_of(ailab.cut(DRESSED))
    assert class_url == {}
    picture = open_picture(follow(image_url).body)
    assert (picture.format, picture.mode, picture.size) == ("PNG", "RGBA", (512, 512))
    alpha = np.asarray(picture)[..., 3]
    assert (alpha[220:] > 240).any()  # her suit
    assert (alpha[:60, 400:] < 16).mean() > 0.95  # the wall behind her
    assert (alpha[120:200, 200:260] < 16).mean() > 0.8  # her face


def test_a_shirt_without_a_wearer_is_found(ailab: AiLab) -> None:
    image_url, class_url = elements_of(ailab.cut(SHIRT, cloth_class=",".join(CLASSES)))
    (found,) = (url for url in class_url.values() if url)
    assert np.array_equal(pixels_behind(image_url), pixels_behind(found))
    alpha = pixels_behind(image_url)[..., 3]
    assert alpha.shape == (800, 600)
    assert (alpha[400, 300], alpha[20, 20], alpha[700, 400]) == (255, 0, 0)  # cloth, wall, shadow


@pytest.fixture(scope="module")
def classes(ailab: AiLab) -> dict[str, str]:
    """What comes back when every class is asked for."""
    return elements_of(ailab.cut(DRESSED, cloth_class=",".join(CLASSES)))[1]


@pytest.fixture(scope="module")
def worn(classes: dict[str, str]) -> str:
    """A class that the networks find in the picture."""
    return next(name for name, url in classes.items() if url)


@pytest.fixture(scope="module")
def absent(classes: dict[str, str]) -> str:
    """A class that the networks do not find in the picture."""
    return next(name for name, url in classes.items() if not url)


def test_each_requested_class_has_a_key_and_the_absent_ones_are_empty(
    classes: dict[str, str], worn: str, absent: str
) -> None:
    assert tuple(classes) == CLASSES
    assert open_picture(follow(classes[worn]).body).size == (512, 512)
    assert classes[absent] == ""


@pytest.mark.parametrize(("return_form", "mode"), [("mask", "L"), ("whiteBK", "RGB")])
def test_return_form_holds_for_every_url(ailab: AiLab, return_form: str, mode: str) -> None:
    image_url, class_url = elements_of(ailab.cut(DRESSED, cloth_class=",".join(CLASSES), return_form=return_form))
    for url in (image_url, *(url for url in class_url.values() if url)):
        assert open_picture(follow(url).body).mode == mode


def test_class_names_are_taken_as_clients_write_them(ailab: AiLab) -> None:
    _, class_url = elements_of(ailab.cut(DRESSED, cloth_class=f" {', ,'.join(CLASSES).upper()},tops,"))
    assert tuple(class_url) == CLASSES


@pytest.mark.parametrize("fields", [{}, {"out_mode": "0"}])
def test_out_mode_0_shows_all_garments_whatever_classes_are_requested(
    ailab: AiLab, worn: str, fields: dict[str, str]
) -> None:
    everything, _ = elements_of(ailab.cut(DRESSED))
    image_url, class_url = elements_of(ailab.cut(DRESSED, cloth_class=worn, **fields))
    assert set(class_url) == {worn}
    assert class_url[worn]
    assert np.array_equal(pixels_behind(image_url), pixels_behind(everything))


def test_out_mode_0_names_an_absent_class_and_leaves_it_empty(ailab: AiLab, absent: str) -> None:
    assert elements_of(ailab.cut(DRESSED, cloth_class=absent))[1] == {absent: ""}


def test_out_mode_1_merges_the_requested_classes(ailab: AiLab, worn: str) -> None:
    image_url, class_url = elements_of(ailab.cut(DRESSED, cloth_class=worn, out_mode="1"))
    assert np.array_equal(pixels_behind(image_url), pixels_behind(class_url[worn]))


def test_out_mode_1_without_classes_is_out_mode_0(ailab: AiLab) -> None:
    everything, _ = elements_of(ailab.cut(DRESSED))
    image_url, class_url = elements_of(ailab.cut(DRESSED, out_mode="1"))
    assert class_url == {}
    assert np.array_equal(pixels_behind(image_url), pixels_behind(everything))


NO_TARGET = (
    422,
    "ERROR_NO_RECOGNITION_TARGET_DETECTED",
    "No recognition target detected in the image.",
    "none of the garments asked for was found",
)


def test_nothing_to_wear_is_422(ailab: AiLab, absent: str) -> None:
    assert_refused(ailab.cut(CUP), *NO_TARGET)
    assert_refused(ailab.cut(DRESSED, cloth_class=absent, out_mode="1"), *NO_TARGET)


UNSUPPORTED = (415, "UNSUPPORTED_FILE_TYPES", "Unsupported file types.", "Not one of BMP, JPEG, PNG.")
LOW = (422, "ERROR_LOW_RESOLUTION", "File resolution too low.", "A side is shorter than 51 px.")
HIGH = (413, "FILE_RESOLUTION_EXCEEDS_LIMITS", "File resolution exceeds limits.", "A side is longer than 2999 px.")


@pytest.mark.parametrize(
    ("image", "refusal"),
    [
        (b"", (400, "PARAMETERS_CANNOT_EMPTY", "Parameters cannot be empty.", "image is empty")),
        (b"no picture", UNSUPPORTED),
        (plain_picture(64, 60, "GIF"), UNSUPPORTED),
        (plain_picture(64, 60, "WEBP"), UNSUPPORTED),
        (plain_picture(64, 60, "TIFF"), UNSUPPORTED),
        (SMALL[:150], (422, "FILE_DECODING_FAILURE", "File decoding failed.", "The picture cannot be decoded.")),
        (plain_picture(50, 60), LOW),
        (plain_picture(60, 50), LOW),
        (plain_picture(60, 3000), HIGH),
        (plain_picture(3000, 60), HIGH),
    ],
    ids=["empty", "no picture", "gif", "webp", "tiff", "cut short", "50 wide", "50 high", "3000 high", "3000 wide"],
)
def test_what_is_wrong_with_the_picture_is_reported(
    ailab: AiLab, image: bytes, refusal: tuple[int, str, str, str]
) -> None:
    assert_refused(ailab.cut(image), *refusal)


@pytest.mark.parametrize(("side", "image_format"), [(51, "PNG"), (2999, "JPEG"), (256, "BMP")])
def test_one_step_inside_the_limits_the_picture_is_served(ailab: AiLab, side: int, image_format: str) -> None:
    # Of a dressed figure nothing can be made out at 51 px.
    resized = np.asarray(open_picture(SHIRT).convert("RGB").resize((side, side)))
    image_url, _ = elements_of(ailab.cut(encoded(resized, image_format)))
    assert open_picture(follow(image_url).body).size == (side, side)


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"cloth_class": "dress"}, "cloth_class must be a comma list of tops, coat, skirt, pants, bag, shoes, hat"),
        ({"return_form": "png"}, "return_form must be mask or whiteBK"),
        ({"out_mode": "2"}, "out_mode must be 0 or 1"),
    ],
)
def test_a_bad_parameter_is_400(ailab: AiLab, fields: dict[str, str], detail: str) -> None:
    refusal = (400, "ERROR_INVALID_PARAMETER", "Invalid parameter.", detail)
    assert_refused(ailab.cut(DRESSED, **fields), *refusal)


def test_a_form_without_picture_or_no_form_at_all_is_400(ailab: AiLab) -> None:
    missing = (400, "MISSING_PARAMETERS", "Missing parameters.", "image is required and must be a file")
    assert_refused(ailab.cut(None, out_mode="0"), *missing)
    no_form = (400, "ERROR_PARAMETERS", "Invalid parameters.", "the body must be multipart/form-data")
    assert_refused(ailab.post(b"{}", "application/json"), *no_form)


def test_a_wrong_key_is_401_and_a_disabled_one_403(ailab: AiLab, accounts) -> None:
    for key in ("", "wrong"):
        answer = AiLab(ailab.url, key).cut(DRESSED)
        assert_refused(answer, 401, "ERROR_USER_NOT_EXISTS", "The user does not exist.")
    accounts.create("locked", enabled=False)
    assert_refused(AiLab(ailab.url, "key-locked").cut(DRESSED), 403, "ERROR_USER_LOCKED", "The user is locked.")
    accounts.create("elsewhere", apis=frozenset({"pw"}))
    answer = AiLab(ailab.url, "key-elsewhere").cut(DRESSED)
    assert_refused(answer, 401, "ERROR_APPLICATIONS_NOT_EXISTS", "The application does not exist.")


def test_spent_credits_and_the_rate_are_429(ailab: AiLab, accounts) -> None:
    accounts.create("spent", daily_quota=0)
    assert_refused(AiLab(ailab.url, "key-spent").cut(DRESSED), 429, "ERROR_NOT_ENOUGH_CREDITS", "Insufficient credits.")
    accounts.create("slow-ailab", qps=0.01)
    slow = AiLab(ailab.url, "key-slow-ailab")
    slow.cut(b"")
    assert_refused(slow.cut(b""), 429, "EXCEEDING_LIMITS", "Exceeds limit.")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_404(ailab: AiLab, method: str) -> None:
    message = "AI does not exist or has been deactivated, please contact the platform."
    assert_refused(send(method, ailab.url + ailab.path), 404, "ERROR_AI_NOT_EXISTS", message)
