"""PicWish segmentation in the document (contracts.md section 3)."""

from collections.abc import Mapping
from typing import Any

from cutline.contracts import picwish, task_record
from cutline.openapi import examples
from cutline.openapi.finish import finish_fields, finish_file
from cutline.openapi.operation import Api, body, credential, header, operation, path_parameter, responses, security_name
from cutline.openapi.schema import (
    Schema,
    always,
    base64,
    boolean,
    choice,
    closed,
    file,
    integer,
    link,
    number,
    ref,
    source,
    text,
)
from cutline.pipeline.outputs.profiles import read_profiles

FACTS: Mapping[str, Any] = {}
_RETURNS = (task_record.AS_LINK, task_record.AS_BASE64, task_record.AS_BYTES)
_OUTPUTS = (task_record.BOTH, task_record.IMAGE_ONLY, task_record.MASK_ONLY)
_API = Api(
    picwish,
    examples.job(picwish, task_record.TaskOptions(examples.TASK_ID, output_type=task_record.BOTH)),
    examples.outcome("image", "mask"),
    shapes=("PwTask", "PwAccepted"),
    fault="PwError",
    headers={"X-Task-Id": "TaskId", "Retry-After": "RetryAfter"},
    more={"accepted": picwish.accepted(examples.REQUEST, examples.TASK_ID)},
    files=("image/png", "image/jpeg", "image/webp", "image/avif"),
)


def paths() -> dict[str, Any]:
    """Return the path that creates tasks, and the one that shows them."""
    tasks, task = picwish.ROUTES
    return {tasks: {"post": _create()}, task: {"get": _show()}}


def components() -> dict[str, dict[str, Any]]:
    """Return its schemas, headers and credential."""
    return {
        "schemas": _schemas(),
        "headers": {
            "TaskId": header("The task's id, when the response is the file itself."),
            "RetryAfter": header("Seconds to wait, with 429.", pattern="^[0-9]+$"),
        },
        "securitySchemes": {security_name(picwish): credential("X-API-KEY", "header", "The account's API key.")},
    }


def _create() -> dict[str, Any]:
    fields = _fields()
    optional = tuple(fields)
    files = {"image_file": file("The picture."), **finish_file()}
    form = closed({**files, **fields}, (*optional, *files))
    text_only = closed(fields, optional)
    example = {"sync": 1, "image_base64": examples.PICTURE}
    return operation(
        _API,
        "createTask",
        "Cut out, now or in the background",
        "Send exactly one of `image_file`, `image_url` and `image_base64`. A well-formed call becomes a task: its "
        "HTTP status is 200, and the outcome is in `data.state`.",
        parameters=[ref("IdempotencyKey", "parameters")],
        requestBody=body(
            {
                "multipart/form-data": (form, {"image_file": "photo.jpg", "sync": "1", "output_type": "1"}),
                "application/x-www-form-urlencoded": (text_only, example),
                "application/json": (text_only, example),
            }
        ),
    )


def _fields() -> dict[str, Schema]:
    return {
        "image_url": source("URL of the picture, or an upload's `source`; instead of a file."),
        "image_base64": base64("The picture as base64; instead of a file."),
        "sync": choice(
            "1 waits for the result; 0 returns the task's id immediately. Default 1; 0 if `callback_url` is given.",
            (1, 0),
        ),
        "type": choice("What to look for.", list(picwish.SUBJECTS), "auto"),
        "return_type": choice(
            "1 links, 2 base64, 3 the file itself (only with `sync` 1).",
            _RETURNS,
            1,
        ),
        "output_type": choice(
            "1 picture and mask, 2 picture, 3 mask.",
            _OUTPUTS,
            task_record.IMAGE_ONLY,
        ),
        "crop": choice("1 cuts to the subject's edges.", (0, 1), 0),
        "format": choice(
            "jpg has a background of `bg_color`. webp and avif are Cutline's extension.",
            ("png", "jpg", "webp", "avif"),
            "png",
        ),
        "bg_color": text(
            "Six hexadecimal digits; for jpg, and for webp and avif, which are otherwise transparent.",
            pattern="^[0-9a-fA-F]{6}$",
            default="ffffff",
        ),
        "callback_url": link("Called when the task has ended; not with `sync` 1, where the response has the result."),
        **_own_fields(),
    }


def _own_fields() -> dict[str, Schema]:
    """Return the fields that Cutline adds to the vendor's."""
    return {
        "margin": text("Cutline's extension, with crop: 1, 2 or 4 lengths, 30px or 10% of the subject.", example="5%"),
        "scale": text("Cutline's extension: the subject's share of the result, 10% to 100%.", example="85%"),
        "position": text(
            "Cutline's extension: original, center, or the shares of the free space left of and above the subject.",
            example="50% 100%",
        ),
        "ratio": text("Cutline's extension: width to height of the result.", example="4:5"),
        "least": text("Cutline's extension: minimum size in pixels; a smaller result is enlarged.", example="800"),
        "most": text("Cutline's extension: maximum size in pixels.", example="2000x2000"),
        "roi": text(
            "Cutline's extension: left, top, right, bottom of the region with the subject.", example="0% 0% 50% 100%"
        ),
        "profile": text(
            "Cutline's extension: a marketplace's rules for format, background and framing; cannot be combined with "
            "fields other than `type`, `roi`, `shadow` and `metadata`.",
            enum=sorted(read_profiles()),
        ),
        **finish_fields(),
    }


def _show() -> dict[str, Any]:
    all_responses = responses(_API)
    shown = {status: all_responses[status] for status in ("401", "404", "500", "default")}
    media = all_responses["200"]["content"]["application/json"]
    states = {name: value for name, value in media["examples"].items() if name != "accepted"}
    content = {"application/json": {"schema": ref("PwTask"), "examples": states}}
    return {
        "operationId": "getTask",
        "tags": [picwish.TITLE],
        "summary": "Get a task",
        "description": f"Available for {picwish.LINK_LIFETIME_S // 60} minutes after its creation."
        " Does not count against rate or quota.",
        "security": [{security_name(picwish): []}],
        "parameters": [path_parameter("task_id", "The id from the response that created the task.", examples.TASK_ID)],
        "responses": {"200": {**all_responses["200"], "content": content}, **shown},
    }


def _schemas() -> dict[str, Schema]:
    well = {"status": always(200), "message": always("success")}
    statuses = sorted({row[0] for row in picwish.ERRORS.values()})
    return {
        "PwTask": closed({**well, "data": _task()}),
        "Verdict": _verdict(),
        "PwAccepted": closed({**well, "data": closed({"task_id": text("The id to query the task with.")})}),
        "PwError": closed({"status": integer("The HTTP status.", enum=statuses), "message": text("What is wrong.")}),
    }


def _task() -> Schema:
    states = sorted(
        {
            task_record.QUEUED,
            task_record.DONE,
            task_record.PREPARING,
            task_record.WAITING,
            task_record.PROCESSING,
            *task_record.STATES.values(),
        }
    )
    seconds = integer("Unix seconds.", minimum=0)
    hours = picwish.LINK_LIFETIME_S // 3600
    picture = {"type": "string", "description": f"A link valid for {hours} h, or base64 with `return_type` 2."}
    return closed(
        {
            "task_id": text("The id to query the task with."),
            "state": integer("1 done; 0, 2, 3, 4 in progress; negative: failed.", enum=states),
            "progress": integer("100 in state 1, 0 after a failure.", minimum=0, maximum=100),
            "created_at": seconds,
            "processed_at": seconds,
            "completed_at": seconds,
            "image": picture,
            "mask": picture,
            "output_type": integer("As requested.", enum=list(_OUTPUTS)),
            "return_type": integer("As requested.", enum=list(_RETURNS)),
            "type": text("As requested.", enum=list(picwish.SUBJECTS)),
            "confidence": number(
                "Cutline's extension, from GET and in callbacks: the probability that the cut-out is good; "
                "absent if the network has no fit.",
                minimum=0,
                maximum=1,
            ),
            "shadow": text(
                "If one was asked for: the one that the result has; none where none could be kept.",
                enum=["none", "keep", "drop"],
            ),
            "metadata": text("If asked for: which parts of the file's the result keeps, such as exif, xmp, dpi, srgb."),
            "depth": text("If 16 bits were asked for: whether the picture has them.", enum=["16", "8 in 16"]),
            "profile": text("As requested.", enum=sorted(read_profiles())),
            "passed": boolean("With a profile: whether the result meets all of its rules."),
            "verdicts": {"type": "array", "items": ref("Verdict"), "description": "With a profile: one per rule."},
        },
        optional=(
            *("processed_at", "completed_at", "image", "mask", "output_type", "return_type", "type"),
            *("confidence", "shadow", "metadata", "depth", "profile", "passed", "verdicts"),
        ),
    )


def _verdict() -> Schema:
    return closed(
        {
            "rule": text("The rule's name, or the subject of a note."),
            "wanted": text("What the rule requires; `told` for a note."),
            "measured": text("What the file has."),
            "passed": boolean("Whether the file meets the rule."),
            "source": text("Where the rule is published, or the assumption."),
            "assumed": boolean("True if no source for the rule was found."),
        }
    )
