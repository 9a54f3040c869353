"""Schemas of what the five APIs answer, and every answer that their tables of errors can give."""

import json
from collections import defaultdict
from types import ModuleType
from typing import Any

from cutline.contracts import aidge, ailabtools, jd_matting, jd_selfie, picwish
from cutline.contracts.jd_gateway import SUCCESS, SYSTEM_ERRORS
from cutline.errors import Reason
from cutline.openapi import examples
from cutline.openapi.schema import Schema, always, base64, boolean, closed, integer, one_of, ref, result, text
from cutline.pipeline.options import GARMENTS

_ID = text("Id of the call, also found in the service's log.")
_ONCE = text("The same id again: the vendor's pages spell the field both ways.")

# One entry per shape; success first, because it is what a reader looks for.
SHAPES: dict[ModuleType, tuple[str, ...]] = {
    jd_matting: ("JdcSuccess", "JdcFailure"),
    jd_selfie: ("JdsSuccess", "JdsFailure"),
    picwish: ("PwTask", "PwAccepted"),
    aidge: ("AidSuccess", "AidFailure", "AidRefused"),
    ailabtools: ("AilSuccess",),
}
# What every other HTTP status looks like.
FAULTS: dict[ModuleType, str] = {
    jd_matting: "JdcGatewayError",
    jd_selfie: "JdsGatewayError",
    picwish: "PwError",
    aidge: "AidFailure",
    ailabtools: "AilError",
}


def schemas() -> dict[str, Schema]:
    """Every answer's shape by name."""
    return {**_jdc(), **_jds(), **_pw(), **_aid(), **_ail(), "GatewayRefusal": _gateway_refusal()}


def reasons_of(contract: ModuleType) -> list[Reason]:
    """Everything that the contract's own tables have an answer for."""
    tables: list[Any] = [contract.ERRORS]
    if contract in (jd_matting, jd_selfie):
        tables.append(SYSTEM_ERRORS)
    if contract is picwish:
        tables.append(picwish.STATES)
    if contract is aidge:
        tables.append(aidge.GATEWAY_ERRORS)
    return list(dict.fromkeys(reason for table in tables for reason in table))


def responses(contract: ModuleType) -> dict[str, Any]:
    """The OpenAPI responses of a contract's POST: the answers that its own code gives, sorted by HTTP status."""
    found: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    accepted = examples.success(contract)
    found[accepted.status]["success"] = json.loads(accepted.body)
    if contract is picwish:
        found[200]["accepted"] = json.loads(picwish.accepted(examples.TASK_ID).body)
    for reason in reasons_of(contract):
        answer = examples.refusal(contract, reason)
        found[answer.status][str(reason)] = json.loads(answer.body)
    return {str(status): _response(contract, status, found[status]) for status in sorted(found)} | _last(contract)


def _response(contract: ModuleType, status: int, answers: dict[str, Any]) -> dict[str, Any]:
    shape = one_of(*SHAPES[contract]) if status == examples.success(contract).status else ref(FAULTS[contract])
    if status == 405 and contract is jd_selfie:  # noqa: PLR2004
        shape = ref("JdsFailure")
    if status == 413:  # noqa: PLR2004
        shape = {"anyOf": [shape, ref("GatewayRefusal")]}
    reasons = [name for name in answers if name not in ("success", "accepted")]
    told = ["the result"] if "success" in answers else []
    description = "; ".join([*told, *(name.replace("_", " ") for name in reasons)]).capitalize() + "."
    content: dict[str, Any] = {"application/json": {"schema": shape, "examples": examples.examples(answers)}}
    if contract is picwish and status == 200:  # noqa: PLR2004
        content |= {
            kind: {"schema": {"type": "string", "contentMediaType": kind}} for kind in ("image/png", "image/jpeg")
        }
    return {"description": description, "headers": _headers(contract), "content": content}


def _headers(contract: ModuleType) -> dict[str, Any]:
    own = {jd_matting: ("RequestId",), jd_selfie: ("RequestId",), picwish: ("TaskId", "RetryAfter")}.get(contract, ())
    names = {"RequestId": "x-jdcloud-request-id", "TaskId": "X-Task-Id", "RetryAfter": "Retry-After"}
    common = {
        "Server-Timing": ref("ServerTiming", "headers"),
        "X-Cutline-Charge-Micros": ref("ChargeMicros", "headers"),
    }
    return common | {names[name]: ref(name, "headers") for name in own}


def _last(contract: ModuleType) -> dict[str, Any]:
    """What API Gateway itself says, in a body that every client can read."""
    return {"default": {"$ref": "#/components/responses/GatewayRefusal"}}


def _jd_gateway_error(code: Schema, **more: Schema) -> Schema:
    statuses = sorted({row.status for row in SYSTEM_ERRORS.values()})
    error = {
        "code": integer("The HTTP status."),
        "status": text("The gateway's word for it.", enum=statuses),
        "message": text("What is wrong."),
    }
    return closed(
        {
            "requestId": _ID,
            "error": closed(error),
            "code": code,
            "msg": text("What is wrong, as the vendor words it."),
            "result": always(None),
            **more,
        }
    )


def _jdc() -> dict[str, Schema]:
    code = integer(f"{SUCCESS}: the gateway let the call through; `result.status` tells how it went.", const=SUCCESS)
    msg = always(jd_matting.MESSAGE)
    ids = {"requestId": _ID, "requestid": _ONCE}
    good = {
        "status": always(0),
        "message": always("OK"),
        "cutout_image_url": result(f"RGBA PNG of the input's size; lives {jd_matting.LINK_LIFETIME_S // 3600} h."),
    }
    bad = {
        "status": integer("What went wrong.", enum=sorted({row[0] for row in jd_matting.ERRORS.values()})),
        "message": text("The same in words."),
    }
    codes = sorted({row.code for row in SYSTEM_ERRORS.values()})
    return {
        "JdcSuccess": closed({"requestId": _ID, "code": code, "msg": msg, "result": closed(good | ids)}),
        "JdcFailure": closed({"requestId": _ID, "code": code, "msg": msg, "result": closed(bad | ids)}),
        "JdcGatewayError": _jd_gateway_error(integer("The gateway's code.", enum=codes)),
    }


def _jds() -> dict[str, Schema]:
    envelope = {
        "requestId": _ID,
        "code": text("The gateway let the call through.", const=str(SUCCESS)),
        "charge": boolean("Whether the call was charged."),
        "remain": integer("Calls left today; -1 without a quota.", minimum=-1),
        "msg": always(jd_selfie.MESSAGE),
    }
    used = integer("Milliseconds in the service.", minimum=0)
    image = base64("RGBA PNG of the input's size: the person, and nothing else.")
    good = closed({"message": always("ok"), "status": always(1000), "used_time": used, "image": image})
    bad_codes = sorted({row[0] for row in jd_selfie.ERRORS.values()})
    bad = closed(
        {
            "message": text("The same in words."),
            "status": integer("What went wrong.", enum=bad_codes),
            "used_time": used,
        }
    )
    codes = sorted({str(row.code) for row in SYSTEM_ERRORS.values()})
    more = {"charge": always(False), "remain": envelope["remain"]}
    return {
        "JdsSuccess": closed({**envelope, "result": good}),
        "JdsFailure": closed({**envelope, "result": bad}),
        "JdsGatewayError": _jd_gateway_error(text("The gateway's code.", enum=codes), **more),
    }


def _pw() -> dict[str, Schema]:
    states = sorted(
        {picwish.QUEUED, picwish.DONE, picwish.PREPARING, picwish.WAITING, picwish.PROCESSING, *picwish.STATES.values()}
    )
    seconds = integer("Unix seconds.", minimum=0)
    hours = picwish.LINK_LIFETIME_S // 3600
    picture = {"type": "string", "description": f"A link that lives {hours} h, or base64 with `return_type` 2."}
    task = closed(
        {
            "task_id": text("Ask for the task by this id."),
            "state": integer("1 done; 0, 2, 3, 4 on its way; negative: failed.", enum=states),
            "progress": integer("100 with state 1, 0 with every failure.", minimum=0, maximum=100),
            "created_at": seconds,
            "processed_at": seconds,
            "completed_at": seconds,
            "image": picture,
            "mask": picture,
            "output_type": integer("As asked for.", enum=[picwish.BOTH, picwish.IMAGE_ONLY, picwish.MASK_ONLY]),
            "return_type": integer("As asked for.", enum=[picwish.AS_LINK, picwish.AS_BASE64, picwish.AS_BYTES]),
            "type": text("As asked for.", enum=list(picwish.SUBJECTS)),
        },
        optional=("processed_at", "completed_at", "image", "mask", "output_type", "return_type", "type"),
    )
    well = {"status": always(200), "message": always("success")}
    statuses = sorted({row[0] for row in picwish.ERRORS.values()})
    return {
        "PwTask": closed({**well, "data": task}),
        "PwAccepted": closed({**well, "data": closed({"task_id": text("Ask for the task by this id.")})}),
        "PwError": closed({"status": integer("The HTTP status.", enum=statuses), "message": text("What is wrong.")}),
    }


def _aid() -> dict[str, Schema]:
    ids = {"requestId": _ID, "request_id": _ONCE}
    low, high = 1, aidge.LIMITS.max_side_px
    data = closed(
        {
            "imageUrl": result(f"PNG or JPEG; lives {aidge.LINK_LIFETIME_S // 3600} h."),
            "imageWidth": integer("Pixels.", minimum=low, maximum=high),
            "imageHeight": integer("Pixels.", minimum=low, maximum=high),
        }
    )
    told = text("What is wrong, with the field that is.")
    numbers = sorted({row[0] for row in aidge.ERRORS.values()})
    names = sorted({row[0] for row in aidge.GATEWAY_ERRORS.values()})
    failed = {"success": always(False), "data": always(None), **ids}
    return {
        "AidSuccess": closed(
            {"resCode": always(200), "resMessage": always("success"), "success": always(True), "data": data}
            | {"code": always("0"), **ids}
        ),
        "AidFailure": closed(
            {"resCode": integer("What went wrong.", enum=numbers), "resMessage": told, "code": always("0"), **failed}
        ),
        "AidRefused": closed(
            {
                "type": always("ISV"),
                "code": text("What the gateway in front of the API says.", enum=names),
                "message": told,
                "resCode": always(700),
                "resMessage": told,
                **failed,
            }
        ),
    }


def _ail() -> dict[str, Schema]:
    hours = ailabtools.LINK_LIFETIME_S // 3600
    picture = result(f"The union of the garments found; lives {hours} h.")
    part = {"type": "string", "description": "Link to the garment alone; empty where the picture has none."}
    classes = {"type": "object", "properties": {name: part for name in GARMENTS}, "additionalProperties": False}
    elements = {
        "type": "array",
        "prefixItems": [closed({"image_url": picture}), closed({"class_url": classes})],
        "items": False,
        "minItems": 2,
    }
    ids = {"request_id": _ID, "log_id": text("Digits: the time in milliseconds and a serial.", pattern="^[0-9]+$")}
    blank = {"code": always(""), "code_message": always(""), "message": always("")}
    names = sorted({row.code for row in ailabtools.ERRORS.values()})
    statuses = sorted({row.http_status for row in ailabtools.ERRORS.values()})
    sentence = text("The vendor's fixed sentence.")
    status = integer("The HTTP status.", enum=statuses)
    name = text("What went wrong.", enum=names)
    detail = {"status_code": status, "code": name, "code_message": sentence, "message": text("What exactly is wrong.")}
    return {
        "AilSuccess": closed(
            {
                **ids,
                "error_code": always(0),
                "error_code_str": always(""),
                "error_msg": always(""),
                "error_detail": closed({"status_code": always(200), **blank}),
                "data": closed({"elements": elements}),
            }
        ),
        "AilError": closed(
            {**ids, "error_code": status, "error_code_str": name, "error_msg": sentence, "error_detail": closed(detail)}
        ),
    }


def _gateway_refusal() -> Schema:
    status, sentence = integer("The HTTP status."), text("AILabTools' fixed sentence.")
    name = text("AILabTools' word for it.", enum=sorted({row.code for row in ailabtools.ERRORS.values()}))
    return closed(
        {
            "status": status,
            "message": text("What is wrong."),
            "error_code": status,
            "error_code_str": name,
            "error_msg": sentence,
            "error_detail": closed(
                {"status_code": status, "code": name, "code_message": sentence, "message": text("What is wrong.")}
            ),
            "error": closed({"code": status, "status": text("JD's word for it."), "message": text("What is wrong.")}),
            "code": text("API Gateway's word for it."),
            "msg": text("What is wrong."),
            "result": always(None),
            "charge": always(False),
            "remain": always(-1),
            "resCode": integer("Aidge's number for it.", enum=sorted({row[0] for row in aidge.ERRORS.values()})),
            "resMessage": text("The same in Aidge's words."),
            "success": always(False),
            "data": always(None),
            "requestId": _ID,
            "request_id": _ONCE,
        }
    )
