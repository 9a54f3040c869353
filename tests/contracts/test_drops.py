"""The name and metadata of a drop as options, the keys of its results, and the error file of one that failed."""

import json

import pytest

from cutline.contracts import drops, task_record
from cutline.errors import InputRefused, Reason
from cutline.pipeline.layout.framing import Framing
from cutline.pipeline.options import CutOptions


def test_the_key_names_the_account_and_the_type() -> None:
    drop = drops.parse("in/shop/person/2026/summer/a b+ü.jpg", {})
    assert (drop.account_id, drop.options.kind, drop.options.asynchronous) == ("shop", "person", True)
    assert drop.cut == CutOptions(subject="person")


def test_metadata_says_what_picwishs_fields_say() -> None:
    metadata = {"format": "jpg", "bg-color": "0a0b0c", "Crop": "1", "output_type": "1", "owner": "warehouse"}
    drop = drops.parse("in/shop/auto/x.png", metadata)
    assert drop.options.output_type == task_record.BOTH
    assert drop.cut == CutOptions(
        background=(10, 11, 12), crop=True, image_format="jpeg", want_image=True, want_mask=True
    )


def test_metadata_says_how_the_subject_stands_there_and_may_ask_for_webp() -> None:
    cut = drops.parse("in/shop/auto/x.png", {"format": "webp", "Ratio": "1:1", "scale": "85%", "crop": "1"}).cut
    assert cut == CutOptions(crop=True, image_format="webp", framing=Framing(scale=0.85, ratio=1.0))
    assert drops.parse("in/shop/auto/x.png", {"format": "webp", "bg_color": "010203"}).cut.background == (1, 2, 3)
    assert drops.result_key("in/shop/auto/x.png", "image", "image/webp") == "in/shop/auto/x.png.webp"


def test_metadata_may_name_a_profile() -> None:
    drop = drops.parse("in/shop/object/x.png", {"profile": "taobao-white", "owner": "warehouse"})
    assert drop.cut == CutOptions(subject="object", profile="taobao-white")


def test_metadata_cannot_ask_for_a_callback_or_another_way_of_answering() -> None:
    options = drops.parse("in/shop/auto/x.png", {"callback_url": "https://a.example", "return_type": "2"}).options
    assert (options.callback_url, options.return_type) == ("", task_record.AS_LINK)


@pytest.mark.parametrize(
    ("key", "metadata", "message"),
    [
        ("in/x.jpg", {}, "The key must be in/<account>/<type>/<name>"),
        ("in/shop/x.jpg", {}, "The key must be in/<account>/<type>/<name>"),
        ("in/shop/auto/", {}, "The key must be in/<account>/<type>/<name>"),
        ("in//auto/x.jpg", {}, "The key must be in/<account>/<type>/<name>"),
        ("in/shop//x.jpg", {}, "The key must be in/<account>/<type>/<name>"),
        ("in/shop/auto/folder/", {}, "The key names a folder, not a picture"),
        ("in/shop/cat/x.jpg", {}, "Invalid task type"),
        ("in/shop/auto/x.jpg", {"format": "bmp"}, "Invalid format"),
        ("in/shop/auto/x.jpg", {"scale": "2"}, "Invalid scale: a share is at most 100%"),
        (
            "in/shop/auto/x.jpg",
            {"roi": "1 2 3"},
            "Invalid a region is left, top, right and bottom, such as 0% 0% 50% 100%",
        ),
        ("in/shop/auto/x.jpg", {"profile": "none"}, "There is no profile 'none'"),
        (
            "in/shop/auto/x.jpg",
            {"profile": "ebay", "crop": "1"},
            "`profile` cannot be combined with fields other than `type`, `roi`, `shadow` and `metadata`",
        ),
        ("in/shop/auto/x.jpg", {"format": "jpg", "bg_color": "white"}, "Invalid bg_color"),
        ("in/shop/auto/x.jpg-mask", {}, "A name must not end in -mask: masks of other drops do"),
        ("in/shop/auto/x.jpg", {"crop": "yes"}, "Invalid crop"),
        ("in/shop/auto/x.jpg", {"output_type": "4"}, "Invalid output type"),
    ],
)
def test_a_bad_name_or_option_is_refused_and_named(key: str, metadata: dict[str, str], message: str) -> None:
    with pytest.raises(InputRefused) as refusal:
        drops.parse(key, metadata)
    assert (refusal.value.reason, refusal.value.detail) == (Reason.PARAMETER_INVALID, message)


def test_pictures_that_differ_only_by_their_ending_have_different_result_keys() -> None:
    keys = [drops.result_key(f"in/shop/auto/x.{ending}", "image", "image/png") for ending in ("jpg", "png")]
    assert keys == ["in/shop/auto/x.jpg.png", "in/shop/auto/x.png.png"]
    assert drops.result_key("in/shop/auto/x.jpg", "image", "image/jpeg") == "in/shop/auto/x.jpg.jpg"
    assert drops.result_key("in/shop/auto/x.jpg", "mask", "image/png") == "in/shop/auto/x.jpg-mask.png"
    assert drops.error_key("in/shop/auto/x.jpg") == "in/shop/auto/x.jpg.error.json"


def test_every_way_to_fail_has_words() -> None:
    gate = {Reason.KEY_UNKNOWN, Reason.ACCOUNT_DISABLED, Reason.API_NOT_ALLOWED, Reason.QUOTA_EXCEEDED}
    assert set(drops.WORDS) == set(task_record.STATES) | gate | {Reason.PARAMETER_INVALID}


def test_an_error_file_tells_state_reason_and_words() -> None:
    assert json.loads(drops.error_file("id", Reason.IMAGE_EMPTY)) == {
        "task_id": "id",
        "state": -7,
        "reason": "image_empty",
        "message": "The file is empty",
    }
    assert json.loads(drops.error_file("id", Reason.PARAMETER_INVALID, "Invalid crop"))["message"] == "Invalid crop"
    assert json.loads(drops.error_file("id", Reason.INTERNAL))["state"] == -1
