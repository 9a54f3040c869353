"""AILabTools in the document (contracts.md sections 5 and 6.3)."""

import json
from collections.abc import Mapping
from typing import Any

from cutline.contracts import ailabtools, task_record
from cutline.contracts.wire import Response
from cutline.openapi import examples
from cutline.openapi.finish import finish_fields, finish_file
from cutline.openapi.operation import Api, body, credential, operation, query, responses, security_name
from cutline.openapi.schema import ID, Schema, always, choice, closed, file, integer, number, ref, result, text
from cutline.pipeline.options import GARMENTS, GarmentOptions

_FINISH = {**finish_fields(), **finish_file()}
_SHALLOW_FINISH = {**_FINISH, **finish_fields(deep=False)}
FACTS: Mapping[str, Any] = {"garments": list(GARMENTS)}
_API = Api(
    ailabtools,
    examples.job(ailabtools, GarmentOptions(("tops", "coat"))),
    examples.outcome("image", "tops"),
    shapes=("AilSuccess",),
    fault="AilError",
)
_CUTOUT = Api(ailabtools, examples.job(ailabtools), examples.outcome("image"), shapes=("AilCutout",), fault="AilError")
_HD = Api(
    ailabtools,
    examples.job(ailabtools, task_record.TaskOptions(examples.TASK_ID, asynchronous=True)),
    examples.outcome("image"),
    shapes=("AilAccepted",),
    fault="AilError",
)
_NAMES = ("cutOutAnything", "cutOutProduct", "cutOutFood", "cutOutPeople")


def paths() -> dict[str, Any]:
    """Return the costume route, the cut-out routes, and the queries."""
    siblings = zip(_NAMES, ailabtools.CUTOUTS.items(), strict=True)
    return {
        ailabtools.ROUTES[0]: {"post": _costume()},
        **{path: {"post": _cutout(name, subject, forms)} for name, (path, (subject, forms)) in siblings},
        ailabtools.HD_ROUTE: {"post": _hd()},
        ailabtools.TASK_ROUTE: {"get": _task()},
        ailabtools.CREDITS_ROUTE: {"get": _credits()},
    }


def _costume() -> dict[str, Any]:
    names = "|".join(GARMENTS)
    schema = closed(
        {
            "image": file("The picture's bytes, or an upload's `source`."),
            "cloth_class": text(
                f"Garments to return as pictures of their own, a comma-separated list of {', '.join(GARMENTS)}.",
                pattern=f"^({names})(,({names}))*$",
            ),
            "return_form": choice(
                "If absent, a transparent PNG; else a mask, or a white background.",
                [form for form in ailabtools.FORMS if form],
            ),
            "out_mode": choice(
                "What `image_url` shows: 0 all garments found, 1 only those of `cloth_class`.", (0, 1), 0
            ),
            **_SHALLOW_FINISH,
        },
        optional=("cloth_class", "return_form", "out_mode", *_FINISH),
    )
    return operation(
        _API,
        "costume",
        "Cut garments out",
        "Failures have a matching HTTP status; read `error_detail`.",
        parameters=[ref("IdempotencyKey", "parameters")],
        requestBody=body({"multipart/form-data": (schema, {"image": "photo.jpg", "cloth_class": "tops,pants"})}),
    )


def _cutout(name: str, subject: str, forms: tuple[str, ...]) -> dict[str, Any]:
    wanted = {"auto": "anything", "object": "things", "person": "people"}[subject]
    schema = closed(
        {
            "image": file("The picture's bytes, or an upload's `source`."),
            "return_form": choice(
                "If absent, a transparent PNG; else a mask, a white background, or cropped to the subject.", forms
            ),
            **_FINISH,
        },
        optional=("return_form", *_FINISH),
    )
    return operation(
        _CUTOUT,
        name,
        f"Cut out {wanted}",
        "Failures have a matching HTTP status; read `error_detail`.",
        parameters=[ref("IdempotencyKey", "parameters")],
        requestBody=body({"multipart/form-data": (schema, {"image": "photo.jpg"})}),
    )


def _hd() -> dict[str, Any]:
    schema = closed({"image": file("The picture's bytes, or an upload's `source`."), **_FINISH}, tuple(_FINISH))
    return operation(
        _HD,
        "cutOutInBackground",
        "Cut out in the background",
        "Returns a task id immediately. The picture may have up to 15 MiB and 4096 pixels per side.",
        parameters=[ref("IdempotencyKey", "parameters")],
        requestBody=body({"multipart/form-data": (schema, {"image": "photo.jpg"})}),
    )


def _task() -> dict[str, Any]:
    record = task_record.TaskRecord(examples.TASK_ID, "shop", task_record.DONE, examples.NOW, None, None, _options())
    answer = ailabtools.show(record, examples.outcome("image").links, examples.REQUEST)
    task_id = query("task_id", "The id from the response that created the task.", text("The task's id."))
    statuses = ("400", "401", "403", "404", "500", "503")
    return {**_query("queryTask", "Get a task's status", answer, "AilTask", statuses), "parameters": [task_id]}


def _credits() -> dict[str, Any]:
    answer = ailabtools.render_credits(examples.REQUEST, 499, 500)
    statuses = ("401", "403", "500", "503")
    return _query("queryCredits", "Get the calls left today", answer, "AilCredits", statuses)


def _options() -> task_record.TaskOptions:
    return task_record.TaskOptions(examples.TASK_ID, asynchronous=True)


def _query(name: str, summary: str, answer: Response, schema: str, statuses: tuple[str, ...]) -> dict[str, Any]:
    all_responses = responses(_CUTOUT)
    content = {
        "application/json": {
            "schema": ref(schema),
            "examples": examples.examples({"success": json.loads(answer.body)}),
        }
    }
    return {
        "operationId": name,
        "tags": [ailabtools.TITLE],
        "summary": summary,
        "description": "Does not count against rate or quota.",
        "security": [{security_name(ailabtools): []}],
        "responses": {
            "200": {"description": "The response.", "content": content},
            **{status: all_responses[status] for status in (*statuses, "default")},
        },
    }


def components() -> dict[str, dict[str, Any]]:
    """Return its schemas and its credential."""
    hours = ailabtools.LINK_LIFETIME_S // 3600
    image = {"image_url": result(f"The result; the link is valid for {hours} h.")}
    task_id = text("The id to query the task with.")
    status = integer("0 queued, 1 processing, 2 done, 3 failed.", enum=[0, 1, 2, 3])
    schemas = {
        "AilSuccess": _success(),
        "AilCutout": _good(closed(image)),
        "AilAccepted": _good(closed({"task_id": task_id}), task_id=task_id),
        "AilTask": _good(closed({"task_status": status, **image}, ("image_url",)), task_status=status),
        "AilCredits": _good({"type": "array", "items": _credit(), "minItems": 1, "maxItems": 1}),
        "AilError": _error(),
    }
    key = credential(ailabtools.SCHEME.value, "header", "The account's API key.")
    return {"schemas": schemas, "securitySchemes": {security_name(ailabtools): key}}


def _success() -> Schema:
    hours = ailabtools.LINK_LIFETIME_S // 3600
    picture = result(f"The union of the garments found; the link is valid for {hours} h.")
    part = {"type": "string", "description": "Link to this garment; empty if the picture has none."}
    classes = {"type": "object", "properties": {name: part for name in GARMENTS}, "additionalProperties": False}
    elements = {
        "type": "array",
        "prefixItems": [closed({"image_url": picture}), closed({"class_url": classes})],
        "items": False,
        "minItems": 2,
    }
    return _good(closed({"elements": elements}))


def _credit() -> Schema:
    amount = number("Calls.", minimum=0)
    seconds = integer("Unix seconds.", minimum=0)
    return closed(
        {
            "unique_sign": always(ailabtools.NAME),
            "name": text("The service's name."),
            **dict.fromkeys(("balance", "total", "last_recharge_balance", "balance_warning"), amount),
            **dict.fromkeys(("first_buy_time", "last_update_time"), seconds),
        }
    )


def _good(data: Schema, **more: Schema) -> Schema:
    """Return the envelope of every success."""
    blank = {"code": always(""), "code_message": always(""), "message": always("")}
    return closed(
        {
            **_ids(),
            "error_code": always(0),
            "error_code_str": always(""),
            "error_msg": always(""),
            "error_detail": closed({"status_code": always(200), **blank}),
            "data": data,
            **more,
        }
    )


def _error() -> Schema:
    names = sorted({row.code for row in ailabtools.ERRORS.values()})
    statuses = sorted({row.http_status for row in ailabtools.ERRORS.values()})
    sentence = text("The vendor's fixed sentence.")
    status = integer("The HTTP status.", enum=statuses)
    name = text("What went wrong.", enum=names)
    detail = {"status_code": status, "code": name, "code_message": sentence, "message": text("What exactly is wrong.")}
    return closed(
        {**_ids(), "error_code": status, "error_code_str": name, "error_msg": sentence, "error_detail": closed(detail)}
    )


def _ids() -> dict[str, Schema]:
    return {"request_id": ID, "log_id": text("Digits: the time in milliseconds and a serial.", pattern="^[0-9]+$")}
