"""AILabTools' costume contract: its fields, the elements it answers, every row of its error table."""

from dataclasses import replace
from typing import Any

import pytest

from cutline.contracts import ailabtools, picwish, task_record
from cutline.contracts.wire import Job, Outcome, Request, Scheme, Source
from cutline.errors import InputRefused, MattingError, Reason, ServiceFault
from cutline.pipeline.options import GARMENTS, CutOptions, GarmentOptions
from tests.support.calls import REQUEST_ID, Part, call, json_call, json_of, multipart, multipart_call

REQUEST = replace(call(path="/api/cutout/general/apparel-background-removal"), received_at=1704164645.25)
JPEG = b"\xff\xd8\xff\xe0rest"
ROWS = [
    (Reason.KEY_MISSING, 401, "ERROR_USER_NOT_EXISTS", "The user does not exist."),
    (Reason.KEY_UNKNOWN, 401, "ERROR_USER_NOT_EXISTS", "The user does not exist."),
    (Reason.API_NOT_ALLOWED, 401, "ERROR_APPLICATIONS_NOT_EXISTS", "The application does not exist."),
    (Reason.ACCOUNT_DISABLED, 403, "ERROR_USER_LOCKED", "The user is locked."),
    (
        Reason.METHOD_NOT_ALLOWED,
        404,
        "ERROR_AI_NOT_EXISTS",
        "AI does not exist or has been deactivated, please contact the platform.",
    ),
    (Reason.IMAGE_MISSING, 400, "MISSING_PARAMETERS", "Missing parameters."),
    (Reason.IMAGE_EMPTY, 400, "PARAMETERS_CANNOT_EMPTY", "Parameters cannot be empty."),
    (Reason.PARAMETER_INVALID, 400, "ERROR_INVALID_PARAMETER", "Invalid parameter."),
    (Reason.BODY_MALFORMED, 400, "ERROR_PARAMETERS", "Invalid parameters."),
    (Reason.IMAGE_TOO_LARGE, 413, "FILE_SIZE_EXCEEDS_LIMIT", "File size exceeds limit."),
    (Reason.BODY_TOO_LARGE, 413, "ERROR_REQUEST_BODY_TOO_LARGE", "Request body size exceeds limit."),
    (Reason.RESOLUTION_TOO_HIGH, 413, "FILE_RESOLUTION_EXCEEDS_LIMITS", "File resolution exceeds limits."),
    (Reason.RESOLUTION_TOO_LOW, 422, "ERROR_LOW_RESOLUTION", "File resolution too low."),
    (Reason.IMAGE_TYPE, 415, "UNSUPPORTED_FILE_TYPES", "Unsupported file types."),
    (Reason.IMAGE_CORRUPT, 422, "FILE_DECODING_FAILURE", "File decoding failed."),
    (
        Reason.NO_GARMENT,
        422,
        "ERROR_NO_RECOGNITION_TARGET_DETECTED",
        "No recognition target detected in the image.",
    ),
    (Reason.QUOTA_EXCEEDED, 429, "ERROR_NOT_ENOUGH_CREDITS", "Insufficient credits."),
    (Reason.RATE_EXCEEDED, 429, "EXCEEDING_LIMITS", "Exceeds limit."),
    (Reason.MODEL_FAILED, 500, "PROCESSING_FAILURE", "Processing failed."),
    (Reason.INTERNAL, 500, "SERVICE_INTERNAL_ERROR", "Service internal error."),
    (Reason.STORE_FAILED, 502, "ERROR_FILE_UPLOAD_FAILED", "File upload failed."),
    (Reason.OVERLOADED, 503, "ERROR_INSUFFICIENT_RESOURCES", "Insufficient resources."),
    (Reason.TIMED_OUT, 504, "AI_SERVICE_TIMEOUT", "AI service timeout."),
]


def upload(image: bytes = JPEG, **fields: Any) -> Request:
    parts = [Part(f'; name="{name}"', value.encode()) for name, value in fields.items()]
    return multipart_call(multipart(Part('; name="image"; filename="a.jpg"', image), *parts))


def options_of(**fields: Any) -> object:
    return ailabtools.parse(upload(**fields)).options


def refusal_of(request: Request) -> str:
    with pytest.raises(InputRefused) as refused:
        ailabtools.parse(request)
    return ailabtools.ERRORS[refused.value.reason].code


def elements_of(request: GarmentOptions, links: dict[str, str]) -> Any:
    body = json_of(
        ailabtools.render(REQUEST, Job(Source(data=JPEG), ailabtools.LIMITS, options=request), Outcome(60, 60, links))
    )
    return body["data"]["elements"]


def test_only_the_picture_is_required() -> None:
    job = ailabtools.parse(upload())
    assert job.source == Source(data=JPEG)
    assert job.options == GarmentOptions()


def test_class_names_are_taken_with_blanks_empty_items_repeats_and_any_case() -> None:
    assert options_of(cloth_class=" Tops, ,coat,,TOPS ,hat ") == GarmentOptions(("tops", "coat", "hat"))
    assert options_of(cloth_class=",".join(GARMENTS)) == GarmentOptions(GARMENTS)


def test_out_mode_1_merges_the_requested_classes_and_needs_some() -> None:
    assert options_of(cloth_class="tops", out_mode="1") == GarmentOptions(("tops",), merged=True)
    assert options_of(cloth_class="tops", out_mode="0") == GarmentOptions(("tops",))
    assert options_of(out_mode="1") == GarmentOptions()


def test_return_form_is_mask_or_white_background() -> None:
    assert options_of(return_form="mask") == GarmentOptions(form="mask")
    for text in ("whiteBK", "whitebk", "WHITEBK", " whiteBK "):
        assert options_of(return_form=text) == GarmentOptions(form="white")
    assert options_of(return_form="") == GarmentOptions()


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"cloth_class": "tops,dress"}, "cloth_class"),
        ({"return_form": "png"}, "return_form"),
        ({"out_mode": "2"}, "out_mode"),
        ({"out_mode": "one"}, "out_mode"),
    ],
)
def test_a_bad_parameter_is_400_and_named(fields: dict[str, Any], detail: str) -> None:
    with pytest.raises(InputRefused) as refused:
        ailabtools.parse(upload(**fields))
    assert refused.value.reason is Reason.PARAMETER_INVALID
    assert detail in refused.value.detail


def test_errors_of_the_form_are_reported_in_the_documented_order() -> None:
    assert refusal_of(call(JPEG)) == "ERROR_PARAMETERS"
    assert refusal_of(json_call({"image": "aGk="})) == "ERROR_PARAMETERS"
    assert refusal_of(call(b"junk", headers={"content-type": "multipart/form-data"})) == "ERROR_PARAMETERS"
    assert refusal_of(multipart_call(multipart(Part('; name="out_mode"', b"7")))) == "MISSING_PARAMETERS"
    assert refusal_of(multipart_call(multipart(Part('; name="image"', b"a text")))) == "MISSING_PARAMETERS"
    assert refusal_of(upload(b"", out_mode="7")) == "PARAMETERS_CANNOT_EMPTY"
    assert refusal_of(multipart_call(multipart(Part('; name="image"', b" ")))) == "PARAMETERS_CANNOT_EMPTY"
    assert refusal_of(upload(b"no picture", out_mode="7")) == "ERROR_INVALID_PARAMETER"


def test_success_is_the_documented_body() -> None:
    request = GarmentOptions(("tops", "coat"))
    links = {"image": "https://files.example.net/a1.png?x=1&y=2", "tops": "https://files.example.net/a1-tops.png"}
    response = ailabtools.render(
        REQUEST, Job(Source(data=JPEG), ailabtools.LIMITS, options=request), Outcome(60, 60, links)
    )
    assert response.status == 200
    body = json_of(response)
    log_id = body.pop("log_id")
    assert log_id.isdigit()
    assert log_id.startswith("1704164645250")
    assert body == {
        "request_id": REQUEST_ID,
        "error_code": 0,
        "error_code_str": "",
        "error_msg": "",
        "error_detail": {"status_code": 200, "code": "", "code_message": "", "message": ""},
        "data": {"elements": [{"image_url": links["image"]}, {"class_url": {"tops": links["tops"], "coat": ""}}]},
    }


def test_both_elements_are_always_there() -> None:
    assert elements_of(GarmentOptions(), {"image": "u"}) == [{"image_url": "u"}, {"class_url": {}}]
    assert elements_of(GarmentOptions(("hat",), merged=True), {"image": "u", "hat": "h"}) == [
        {"image_url": "u"},
        {"class_url": {"hat": "h"}},
    ]


@pytest.mark.parametrize(("reason", "status", "code", "message"), ROWS)
def test_each_row_of_the_error_table(reason: Reason, status: int, code: str, message: str) -> None:
    response = ailabtools.refuse(REQUEST, MattingError(reason, "what exactly was wrong"))
    assert response.status == status
    body = json_of(response)
    assert body.pop("log_id").isdigit()
    assert body == {
        "request_id": REQUEST_ID,
        "error_code": status,
        "error_code_str": code,
        "error_msg": message,
        "error_detail": {
            "status_code": status,
            "code": code,
            "code_message": message,
            "message": "what exactly was wrong",
        },
    }


def sibling(path: str, image: bytes = JPEG, **fields: Any) -> Request:
    parts = [Part(f'; name="{name}"', value.encode()) for name, value in fields.items()]
    body = multipart(Part('; name="image"; filename="a.jpg"', image), *parts)
    return replace(multipart_call(body, path=path), received_at=1704164645.25)


@pytest.mark.parametrize(("path", "subject"), [(path, subject) for path, (subject, _) in ailabtools.CUTOUTS.items()])
def test_a_sibling_cuts_out_its_subject_in_the_form_asked_for(path: str, subject: str) -> None:
    job = ailabtools.parse(sibling(path))
    assert (job.cut, job.needs_subject, job.options) == (CutOptions(subject=subject), True, None)  # type: ignore[arg-type]
    for text in ("whiteBK", "whitebk", "WHITEBK", " whiteBK "):
        white = ailabtools.parse(sibling(path, return_form=text)).cut
        assert (white.background, white.image_format) == ((255, 255, 255), "png")
    mask = ailabtools.parse(sibling(path, return_form="mask")).cut
    assert (mask.want_image, mask.want_mask) == (False, True)
    if "food" in path:
        assert refusal_of(sibling(path, return_form="crop")) == "ERROR_INVALID_PARAMETER"
    else:
        assert ailabtools.parse(sibling(path, return_form="crop")).cut.crop
    assert refusal_of(sibling(path, return_form="white")) == "ERROR_INVALID_PARAMETER"


def test_a_siblings_answer_is_one_address() -> None:
    request = sibling(next(iter(ailabtools.CUTOUTS)))
    for name in ("image", "mask"):
        body = json_of(
            ailabtools.render(request, ailabtools.parse(request), Outcome(6, 6, {name: "https://a.b/c.png"}))
        )
        assert (body["data"], body["error_code"]) == ({"image_url": "https://a.b/c.png"}, 0)


def test_a_background_task_is_accepted_shown_and_done() -> None:
    request = sibling(ailabtools.HD_ROUTE)
    job = ailabtools.parse(request)
    assert isinstance(job.options, task_record.TaskOptions)
    assert (job.options.asynchronous, job.limits) == (True, picwish.LIMITS)
    body = json_of(ailabtools.render(request, job, Outcome(6, 6)))
    assert body["task_id"] == body["data"]["task_id"] == job.options.task_id
    record = task_record.queued("shop", request, job.options)
    seen = {}
    for state in (0, 2, 3, 4, 1, -1, -7):
        body = json_of(ailabtools.show(replace(record, state=state), {"image": "https://a.b/c.png"}, request))
        assert body["task_status"] == body["data"]["task_status"]
        assert ("image_url" in body["data"]) == (state == 1)
        seen[state] = body["task_status"]
    assert seen == {0: 0, 2: 1, 3: 1, 4: 1, 1: 2, -1: 3, -7: 3}


def test_credits_are_the_calls_that_are_left() -> None:
    (entry,) = json_of(ailabtools.render_credits(REQUEST, 7, 10))["data"]
    assert (entry["balance"], entry["total"], entry["unique_sign"]) == (7.0, 10.0, "ail")
    (unlimited,) = json_of(ailabtools.render_credits(REQUEST, None, None))["data"]
    assert unlimited["balance"] == ailabtools.UNLIMITED


def test_a_fault_of_ours_keeps_its_detail_to_itself() -> None:
    body = json_of(ailabtools.refuse(REQUEST, ServiceFault(Reason.MODEL_FAILED, "costume.onnx is not there.")))
    assert body["error_detail"]["message"] == "Processing failed."


def test_without_a_detail_the_sentence_stands_for_it() -> None:
    body = json_of(ailabtools.refuse(REQUEST, MattingError(Reason.RATE_EXCEEDED)))
    assert body["error_detail"]["message"] == "Exceeds limit."


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_an_answer(reason: Reason) -> None:
    response = ailabtools.refuse(REQUEST, MattingError(reason))
    body = json_of(response)
    assert body["error_code"] == response.status >= 400
    assert "data" not in body


def test_constants_are_those_of_the_specification() -> None:
    assert ailabtools.NAME == "ail"
    assert set(ailabtools.METHODS) == {"POST"}
    assert (ailabtools.SCHEME, ailabtools.LINK_LIFETIME_S) == (Scheme.AILAB, 24 * 3600)
