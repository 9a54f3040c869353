"""PicWish's contract: the fields it accepts, the exact bodies it answers, every state and every error status."""

import base64
import uuid
from dataclasses import asdict, replace
from typing import Any

import pytest

from cutline.contracts import picwish, task_record
from cutline.contracts.wire import Job, Outcome, Progress, Scheme, Source
from cutline.errors import InputRefused, MattingError, Reason
from cutline.limits import MIB
from cutline.pipeline.layout.framing import Length, Region
from cutline.pipeline.options import CutOptions
from cutline.pipeline.outputs.metadata import ResultMetadata, Verdict
from tests.support.calls import Part, call, json_call, json_of, multipart, multipart_call

REQUEST = replace(call(path="/api/tasks/visual/segmentation"), received_at=1704164645.25)
PNG = b"\x89PNG\r\n\x1a\nrest"
TASK_ID = "7c0e5c1a-0d0b-4a42-9a0e-3b7b5c1f2d10"
LINKS = {"image": "https://files.example.net/a-image.png?x=1&y=2", "mask": "https://files.example.net/a-mask.png"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def upload(**fields: str) -> Any:
    parts = [Part(f'; name="{name}"', value.encode()) for name, value in fields.items()]
    return multipart_call(multipart(Part('; name="image_file"; filename="a.png"', PNG), *parts))


def options_of(**fields: str) -> task_record.TaskOptions:
    options = picwish.parse(upload(**fields)).options
    assert isinstance(options, task_record.TaskOptions)
    return options


def refusal_of(request: Any) -> tuple[int, str]:
    with pytest.raises(InputRefused) as refused:
        picwish.parse(request)
    body = json_of(picwish.refuse(REQUEST, refused.value))
    return body["status"], body["message"]


def job_of(cut: CutOptions | None = None, **options: Any) -> Job:
    return Job(Source(data=PNG), picwish.LIMITS, cut or CutOptions(), task_record.TaskOptions(TASK_ID, **options))


def test_defaults_are_the_documented_ones() -> None:
    job = picwish.parse(upload())
    assert job.source == Source(data=PNG)
    assert job.cut == CutOptions()
    options = options_of()
    assert str(uuid.UUID(options.task_id)) == options.task_id
    assert replace(options, task_id="") == task_record.TaskOptions("")


def test_empty_fields_count_as_absent() -> None:
    empty = dict.fromkeys(("type", "return_type", "output_type", "crop", "format", "sync", "image_url"), "")
    assert replace(options_of(**empty), task_id="") == task_record.TaskOptions("")


def test_a_url_may_come_by_form_or_json_or_multipart() -> None:
    url = "https://example.com/a.jpg?x=1&y=2"
    by_form = call(b"image_url=https%3A%2F%2Fexample.com%2Fa.jpg%3Fx%3D1%26y%3D2&sync=1", headers=FORM)
    by_multipart = multipart_call(multipart(Part('; name="image_url"', url.encode())))
    for request in (by_form, json_call({"image_url": url, "sync": 1}), by_multipart):
        assert picwish.parse(request).source == Source(url=url)


def test_base64_is_an_accepted_extra() -> None:
    request = json_call({"image_base64": base64.b64encode(PNG).decode(), "type": "person"})
    assert picwish.parse(request).source == Source(data=PNG)


@pytest.mark.parametrize("kind", ["auto", "person", "object", "stamp"])
def test_type_chooses_the_subject_and_is_echoed(kind: str) -> None:
    assert picwish.parse(upload(type=kind)).cut.subject == kind
    assert options_of(type=kind).kind == kind


@pytest.mark.parametrize(
    ("output_type", "want_image", "want_mask"), [("1", True, True), ("2", True, False), ("3", False, True)]
)
def test_output_type_chooses_image_and_mask(output_type: str, want_image: bool, want_mask: bool) -> None:
    cut = picwish.parse(upload(output_type=output_type)).cut
    assert (cut.want_image, cut.want_mask) == (want_image, want_mask)


def test_jpg_is_opaque_and_takes_a_colour_that_png_ignores() -> None:
    jpg = picwish.parse(upload(format="jpg", bg_color="1A2b3C")).cut
    assert (jpg.image_format, jpg.background) == ("jpeg", (0x1A, 0x2B, 0x3C))
    assert picwish.parse(upload(format="jpg")).cut.background == (255, 255, 255)
    png = picwish.parse(upload(format="png", bg_color="no colour")).cut
    assert (png.image_format, png.background) == ("png", None)


@pytest.mark.parametrize(("sync", "asynchronous"), [("", True), ("0", True), ("1", False)])
def test_a_callback_means_the_background_unless_sync_says_otherwise(sync: str, asynchronous: bool) -> None:
    assert options_of(sync=sync, callback_url="https://shop.example/done").asynchronous is asynchronous


def test_crop_and_sync_are_numbers_in_text() -> None:
    assert picwish.parse(upload(crop="1")).cut.crop
    assert not picwish.parse(upload(crop="0")).cut.crop
    assert options_of(sync="0").asynchronous
    assert not options_of(sync="1").asynchronous
    assert options_of(sync="0", callback_url="https://example.com/cb").callback_url == "https://example.com/cb"


def test_numbers_switches_and_colours_may_be_spelled_as_other_languages_do() -> None:
    document = {"image_base64": base64.b64encode(PNG).decode(), "sync": True, "crop": True, "return_type": 2.0}
    job = picwish.parse(json_call({**document, "format": "jpeg", "bg_color": "#336699"}))
    assert isinstance(job.options, task_record.TaskOptions)
    assert (job.options.asynchronous, job.options.return_type, job.cut.crop) == (False, 2, True)
    assert (job.cut.image_format, job.cut.background) == ("jpeg", (0x33, 0x66, 0x99))
    assert options_of(sync="false").asynchronous


def test_a_file_needs_no_name() -> None:
    for part in (Part('; name="image_file"', PNG), Part('; name="image_file"', b"?", "Content-Type: image/png\r\n")):
        assert picwish.parse(multipart_call(multipart(part))).source == Source(data=part.payload)


def test_webp_is_transparent_unless_a_colour_is_named() -> None:
    assert picwish.parse(upload(format="webp")).cut == CutOptions(image_format="webp")
    assert picwish.parse(upload(format="avif")).cut == CutOptions(image_format="avif")
    assert picwish.parse(upload(format="webp", bg_color="336699")).cut.background == (0x33, 0x66, 0x99)


def test_our_own_fields_frame_the_subject() -> None:
    cut = picwish.parse(upload(crop="1", margin="10%", scale="85%", ratio="4:5", least="800", roi="0% 0% 50% 100%")).cut
    assert (cut.framing.scale, cut.framing.ratio, cut.framing.least) == (0.85, 0.8, (800, 800))
    assert cut.framing.margin[0] == Length(0.1, is_share=True)
    assert cut.roi == Region(Length(0, True), Length(0, True), Length(0.5, True), Length(1, True))


def test_a_profile_is_combined_only_with_type_and_roi() -> None:
    cut = picwish.parse(upload(profile=" jd-main ", type="object", roi="0 0 50% 100%", return_type="2")).cut
    assert (cut.profile, cut.subject, cut.roi is not None) == ("jd-main", "object", True)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"type": "cat"}, "Invalid task type"),
        ({"profile": "alibaba"}, "There is no profile 'alibaba'"),
        (
            {"profile": "ebay", "format": "png"},
            "`profile` cannot be combined with fields other than `type`, `roi`, `shadow` and `metadata`",
        ),
        (
            {"profile": "ebay", "scale": "85%"},
            "`profile` cannot be combined with fields other than `type`, `roi`, `shadow` and `metadata`",
        ),
        (
            {"profile": "ebay", "output_type": "1"},
            "`profile` cannot be combined with fields other than `type`, `roi`, `shadow` and `metadata`",
        ),
        ({"format": "webp", "bg_color": "blue"}, "Invalid bg_color"),
        ({"scale": "5%"}, "Invalid scale: a scale is in 10%..100%"),
        ({"roi": "1 2 3"}, "Invalid a region is left, top, right and bottom, such as 0% 0% 50% 100%"),
        ({"type": "Person"}, "Invalid task type"),
        ({"return_type": "0"}, "Invalid return type"),
        ({"return_type": "4"}, "Invalid return type"),
        ({"return_type": "one"}, "Invalid return type"),
        ({"sync": "0", "return_type": "3"}, "Invalid return type"),
        ({"callback_url": "https://shop.example/done", "return_type": "3"}, "Invalid return type"),
        ({"callback_url": "https://shop.example/" + "x" * 2048}, "Invalid callback url"),
        ({"callback_url": "javascript:alert(1)"}, "Invalid callback url"),
        ({"callback_url": "shop.example/done"}, "Invalid callback url"),
        # It would be worked and charged, and never called.
        ({"callback_url": "https://shop.example/\x01"}, "Invalid callback url"),
        ({"callback_url": "https://[/done"}, "Invalid callback url"),
        ({"callback_url": "https://shop.example:99999/done"}, "Invalid callback url"),
        ({"callback_url": "https://user:pw@shop.example/done"}, "Invalid callback url"),
        ({"output_type": "4"}, "Invalid output type"),
        ({"crop": "2"}, "Invalid crop"),
        ({"crop": "1.5"}, "Invalid crop"),
        ({"crop": "01"}, "Invalid crop"),
        ({"crop": "True"}, "Invalid crop"),
        ({"output_type": "true"}, "Invalid output type"),
        ({"format": "JPG"}, "Invalid format"),
        ({"sync": "2"}, "Invalid sync"),
        ({"format": "gif"}, "Invalid format"),
        ({"format": "jpg", "bg_color": "##ffffff"}, "Invalid bg_color"),
        ({"format": "jpg", "bg_color": "fff"}, "Invalid bg_color"),
        ({"image_url": "https://example.com"}, "Only one of image_file, image_url and image_base64 may be sent"),
    ],
)
def test_a_bad_field_is_400_and_named(fields: dict[str, str], message: str) -> None:
    assert refusal_of(upload(**fields)) == (400, message)


@pytest.mark.parametrize(
    "request_",
    [
        call(),
        call(b"sync=1", headers=FORM),
        json_call({}),
        json_call({"image_url": None}),
        json_call([]),
        json_call({"image_base64": "***"}),
        call(b"junk", headers={"content-type": "multipart/form-data"}),
        multipart_call(multipart(Part('; name="image_file"; filename=""', b""))),
        multipart_call(multipart(Part('; name="image_file"', b"a text"))),
    ],
)
def test_no_readable_source_is_400(request_: Any) -> None:
    assert refusal_of(request_)[0] == 400


def test_fifteen_mib_are_taken_and_one_byte_more_is_413() -> None:
    def sized(size: int) -> Any:
        return multipart_call(multipart(Part('; name="image_file"; filename="a.png"', bytes(size))))

    assert picwish.parse(sized(15 * MIB)).source.data == bytes(15 * MIB)
    assert refusal_of(sized(15 * MIB + 1)) == (413, "Request Entity Too Large")


VERDICT = Verdict("bytes", "at most 10", "12", passed=False, source="a guess", assumed=True)
METADATA = ResultMetadata("object", 0.4, 0.98764, profile="ebay", verdicts=(VERDICT,))


def test_confidence_and_verdicts_are_in_the_body_where_an_extension_was_requested() -> None:
    outcome = Outcome(4, 4, links=LINKS, metadata=METADATA)
    plain = json_of(picwish.render(REQUEST, job_of(), outcome))["data"]
    assert not {"confidence", "profile", "passed", "verdicts"} & set(plain)
    extended = json_of(picwish.render(REQUEST, job_of(CutOptions(profile="ebay")), outcome))["data"]
    assert {**extended, **plain} == extended
    assert (extended["confidence"], extended["profile"], extended["passed"]) == (0.9876, "ebay", False)
    assert extended["verdicts"] == [asdict(VERDICT)]
    record = task_record.finished("shop", REQUEST, job_of(), replace(outcome, metadata=replace(METADATA, profile="")))
    shown = json_of(picwish.show(record, LINKS))["data"]
    assert shown["confidence"] == 0.9876
    assert not {"profile", "passed", "verdicts"} & set(shown)


def test_a_file_of_a_profile_has_the_profiles_type() -> None:
    job = job_of(CutOptions(profile="amazon-main"), return_type=3)
    response = picwish.render(REQUEST, job, Outcome(4, 4, inline={"image": b"jpeg"}, metadata=METADATA))
    assert response.headers["Content-Type"] == "image/jpeg"


def test_a_finished_task_is_the_documented_body() -> None:
    # What the network thinks of its result changes nothing of the vendor's body.
    outcome = Outcome(4, 4, links=LINKS, elapsed_ms=1900, metadata=ResultMetadata("object", 0.4, 0.99))
    response = picwish.render(REQUEST, job_of(output_type=1), outcome)
    assert response.status == 200
    assert json_of(response) == {
        "status": 200,
        "message": "success",
        "data": {
            "completed_at": 1704164647,
            "created_at": 1704164645,
            "image": LINKS["image"],
            "mask": LINKS["mask"],
            "output_type": 1,
            "processed_at": 1704164645,
            "progress": 100,
            "return_type": 1,
            "state": 1,
            "task_id": TASK_ID,
            "type": "auto",
        },
    }
    assert b"\\u0026" not in response.body


def test_return_type_2_holds_plain_base64() -> None:
    outcome = Outcome(4, 4, links=LINKS, inline={"image": PNG, "mask": b"mask"})
    data = json_of(picwish.render(REQUEST, job_of(return_type=2, output_type=1), outcome))["data"]
    assert (base64.b64decode(data["image"]), base64.b64decode(data["mask"])) == (PNG, b"mask")


@pytest.mark.parametrize(("output_type", "expected"), [(1, b"image"), (2, b"image"), (3, b"mask")])
@pytest.mark.parametrize(("image_format", "content_type"), [("png", "image/png"), ("jpeg", "image/jpeg")])
def test_return_type_3_is_the_file_itself(
    output_type: int, expected: bytes, image_format: Any, content_type: str
) -> None:
    outcome = Outcome(4, 4, inline={"image": b"image", "mask": b"mask"})
    job = job_of(CutOptions(image_format=image_format), return_type=3, output_type=output_type)
    response = picwish.render(REQUEST, job, outcome)
    assert (response.status, response.body) == (200, expected)
    assert response.headers == {"Content-Type": content_type, "X-Task-Id": TASK_ID}


def test_sync_0_is_answered_with_only_the_id() -> None:
    job = job_of(asynchronous=True)
    expected = {"status": 200, "message": "success", "data": {"task_id": TASK_ID}}
    assert json_of(picwish.render(REQUEST, job, Outcome(4, 4, links=LINKS))) == expected


@pytest.mark.parametrize("reason", [Reason.TIMED_OUT, Reason.STORE_FAILED])
def test_sync_0_that_cannot_be_accepted_is_no_task_that_could_be_asked_for(reason: Reason) -> None:
    response = picwish.refuse(REQUEST, MattingError(reason), Progress(job_of(asynchronous=True)))
    assert response.status == 500
    assert json_of(response) == {"status": 500, "message": "Internal Server Error"}


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (Reason.NO_SUBJECT, -1),
        (Reason.MODEL_FAILED, -1),
        (Reason.STORE_FAILED, -2),
        (Reason.URL_UNREACHABLE, -3),
        (Reason.URL_TOO_LARGE, -5),
        (Reason.IMAGE_EMPTY, -7),
        (Reason.IMAGE_TYPE, -7),
        (Reason.IMAGE_CORRUPT, -7),
        (Reason.RESOLUTION_TOO_HIGH, -7),
        (Reason.RESOLUTION_TOO_LOW, -7),
        (Reason.TIMED_OUT, -8),
    ],
)
def test_a_failed_task_is_http_200_with_its_state(reason: Reason, state: int) -> None:
    response = picwish.refuse(REQUEST, MattingError(reason), Progress(job_of(), elapsed_ms=5))
    assert response.status == 200
    assert json_of(response) == {
        "status": 200,
        "message": "success",
        "data": {
            "created_at": 1704164645,
            "processed_at": 1704164645,
            "progress": 0,
            "state": state,
            "task_id": TASK_ID,
        },
    }


@pytest.mark.parametrize(
    ("reason", "status", "message"),
    [
        (Reason.KEY_MISSING, 401, "Unauthorized"),
        (Reason.KEY_UNKNOWN, 401, "Unauthorized"),
        (Reason.ACCOUNT_DISABLED, 401, "Unauthorized"),
        (Reason.API_NOT_ALLOWED, 401, "Unauthorized"),
        (Reason.NOT_FOUND, 404, "Not Found"),
        (Reason.METHOD_NOT_ALLOWED, 404, "Not Found"),
        (Reason.BODY_TOO_LARGE, 413, "Request Entity Too Large"),
        (Reason.RATE_EXCEEDED, 429, "Too Many Requests"),
        (Reason.QUOTA_EXCEEDED, 429, "Too Many Requests"),
        (Reason.INTERNAL, 500, "Internal Server Error"),
        (Reason.OVERLOADED, 500, "Internal Server Error"),
        (Reason.TIMED_OUT, 500, "Internal Server Error"),
    ],
)
def test_a_request_error_repeats_its_status_and_nothing_else(reason: Reason, status: int, message: str) -> None:
    response = picwish.refuse(REQUEST, MattingError(reason))
    assert response.status == status
    assert json_of(response) == {"status": status, "message": message}
    assert response.headers.get("Retry-After") == ("1" if reason is Reason.RATE_EXCEEDED else None)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_an_answer_before_and_after_there_is_a_task(reason: Reason) -> None:
    for progress in (Progress(), Progress(job_of())):
        response = picwish.refuse(REQUEST, MattingError(reason), progress)
        assert json_of(response)["status"] == response.status
        assert response.status in {200, 400, 401, 404, 413, 429, 500}


def test_a_pending_task_has_data_without_pictures() -> None:
    record = task_record.TaskRecord(TASK_ID, "demo", 0, 1704164645, None, None, task_record.TaskOptions(TASK_ID))
    assert json_of(picwish.show(record, {})) == {
        "status": 200,
        "message": "success",
        "data": {"created_at": 1704164645, "progress": 0, "state": 0, "task_id": TASK_ID},
    }


def test_constants_are_those_of_the_specification() -> None:
    assert picwish.NAME == "pw"
    assert set(picwish.METHODS) == {"POST"}
    assert (picwish.SCHEME, picwish.LINK_LIFETIME_S) == (Scheme.API_KEY, 3600)
