"""The five APIs' operations: what a caller sends, with every field and limit, and an example of each body."""

from types import ModuleType
from typing import Any

from cutline.contracts import aidge, ailabtools, jd_matting, jd_selfie, picwish
from cutline.limits import MIB
from cutline.openapi import answers, examples
from cutline.openapi.schema import Schema, base64, choice, closed, file, integer, link, ref, source, text
from cutline.pipeline.options import GARMENTS

SECURITY = {jd_matting: "jd", jd_selfie: "jd", picwish: "picwish", aidge: "aidge", ailabtools: "ailab"}
TITLES = {
    jd_matting: "JD Cloud Image Matting",
    jd_selfie: "JD SelfieSeg",
    picwish: "PicWish segmentation",
    aidge: "Aidge cut-out",
    ailabtools: "AILabTools costume removal",
}
_THROUGH = "About 4.4 MiB of body pass through a synchronous call."


def paths() -> dict[str, Any]:
    """The path items of the five APIs."""
    task = {"get": _task()}
    aidge = {"post": _aidge_post(), "get": _aidge_get()}
    return {
        "/api/cutout/": {"post": _jdc()},
        "/jdai/SelfieSeg": {"post": _jds()},
        "/api/tasks/visual/segmentation": {"post": _pw()},
        "/api/tasks/visual/segmentation/{task_id}": task,
        "/ai/image/cut/out": aidge,
        "/rest/ai/image/cut/out": {
            name: {**item, "operationId": f"{item['operationId']}Rest"} for name, item in aidge.items()
        },
        "/api/cutout/general/apparel-background-removal": {"post": _ail()},
    }


def limits_in_words(contract: ModuleType) -> str:
    """The limits that the contract's code keeps."""
    limits = contract.LIMITS
    size = f"{limits.max_bytes // MIB} MiB" if limits.max_bytes % MIB == 0 else f"{limits.max_bytes:,} bytes"
    sides = f"{limits.min_side_px} to {limits.max_side_px} pixels per side"
    return f"{', '.join(sorted(limits.formats))}; {sides}; up to {size}."


def _operation(contract: ModuleType, name: str, summary: str, description: str, **more: Any) -> dict[str, Any]:
    return {
        "operationId": name,
        "tags": [TITLES[contract]],
        "summary": summary,
        "description": f"{description}\n\nPictures: {limits_in_words(contract)} {_THROUGH}",
        "security": [{SECURITY[contract]: []}],
        **more,
        "responses": answers.responses(contract),
    }


def _body(content: dict[str, tuple[Schema, Any]]) -> dict[str, Any]:
    media = {kind: {"schema": schema, "example": example} for kind, (schema, example) in content.items()}
    return {"required": True, "content": media}


def _jdc() -> dict[str, Any]:
    picture = file("The picture's bytes and nothing else, whatever the content type says.")
    form = closed({"file": file("The first file of the form counts, whatever its name is.")})
    return _operation(
        jd_matting,
        "jdMatting",
        "Cut out whatever stands in front",
        "Business failures come with HTTP 200 and `code` 10000: `result.status` tells. Nothing found is no failure.",
        parameters=[ref("IdempotencyKey", "parameters")],
        requestBody=_body(
            {"application/octet-stream": (picture, "photo.jpg"), "multipart/form-data": (form, {"file": "photo.jpg"})}
        ),
    )


def _jds() -> dict[str, Any]:
    schema = closed(
        {"image": base64("The file as base64; white space, a data URI prefix and missing padding are forgiven.")}
    )
    return _operation(
        jd_selfie,
        "jdSelfieSeg",
        "Cut out people",
        "The answer carries the picture. The body is read as JSON whatever its content type says.",
        parameters=[ref("IdempotencyKey", "parameters")],
        requestBody=_body({"application/json": (schema, {"image": examples.PICTURE})}),
    )


def _pw_fields() -> dict[str, Schema]:
    return {
        "image_url": source("Where the picture can be fetched from, or an upload's `source`; in place of a file."),
        "image_base64": base64("The picture as base64; in place of a file."),
        "sync": choice(
            "1 waits for the result; 0 answers with the task's id at once. Where a callback_url is given 0, else 1.",
            (1, 0),
        ),
        "type": choice("What to look for.", list(picwish.SUBJECTS), "auto"),
        "return_type": choice(
            "1 links, 2 base64, 3 the file itself, with `sync` 1 only.",
            (picwish.AS_LINK, picwish.AS_BASE64, picwish.AS_BYTES),
            1,
        ),
        "output_type": choice(
            "1 picture and mask, 2 picture, 3 mask.",
            (picwish.BOTH, picwish.IMAGE_ONLY, picwish.MASK_ONLY),
            picwish.IMAGE_ONLY,
        ),
        "crop": choice("1 cuts to the subject's edges.", (0, 1), 0),
        "format": choice("jpg stands on `bg_color`.", ("png", "jpg"), "png"),
        "bg_color": text("Six hexadecimal digits, with jpg only.", pattern="^[0-9a-fA-F]{6}$", default="ffffff"),
        "callback_url": link("Is told when the task has ended; with sync=1 the answer alone tells."),
    }


def _pw() -> dict[str, Any]:
    fields = _pw_fields()
    optional = tuple(fields)
    form = closed({"image_file": file("The picture."), **fields}, (*optional, "image_file"))
    text_only = closed(fields, optional)
    example = {"sync": 1, "image_base64": examples.PICTURE}
    return _operation(
        picwish,
        "createTask",
        "Cut out, now or in the background",
        "Exactly one of `image_file`, `image_url` and `image_base64`. A well-formed call becomes a task: from then on "
        "HTTP says 200, and `data.state` tells how it went.",
        parameters=[ref("IdempotencyKey", "parameters")],
        requestBody=_body(
            {
                "multipart/form-data": (form, {"image_file": "photo.jpg", "sync": "1", "output_type": "1"}),
                "application/x-www-form-urlencoded": (text_only, example),
                "application/json": (text_only, example),
            }
        ),
    )


def _task() -> dict[str, Any]:
    all_responses = answers.responses(picwish)
    task_id = {
        "name": "task_id",
        "in": "path",
        "required": True,
        "description": "From the answer that created the task.",
        "schema": {"type": "string", "minLength": 1},
        "example": examples.TASK_ID,
    }
    shown = {status: all_responses[status] for status in ("401", "404", "500", "default")}
    media = all_responses["200"]["content"]["application/json"]
    states = {name: value for name, value in media["examples"].items() if name != "accepted"}
    content = {"application/json": {"schema": ref("PwTask"), "examples": states}}
    return {
        "operationId": "getTask",
        "tags": [TITLES[picwish]],
        "summary": "Ask how a task is doing",
        "description": f"For {picwish.LINK_LIFETIME_S // 60} minutes after it was made."
        " Questions cost no rate or quota.",
        "security": [{SECURITY[picwish]: []}],
        "parameters": [task_id],
        "responses": {"200": {**all_responses["200"], "content": content}, **shown},
    }


def _aid_fields() -> dict[str, Schema]:
    target = {"minimum": aidge.TARGET_MIN_PX, "maximum": aidge.TARGET_MAX_PX}
    return {
        "imageUrl": source("Where the picture can be fetched from, or an upload's `source`."),
        "imageBase64": base64("The picture as base64; wins over `imageUrl`."),
        "backGroundType": choice(
            "A white background comes as JPEG.", (aidge.TRANSPARENT, aidge.WHITE), aidge.TRANSPARENT
        ),
        "targetWidth": integer("Crops to the subject and fits it into this width.", **target),
        "targetHeight": integer("Crops to the subject and fits it into this height.", **target),
    }


def _aid_signature() -> list[dict[str, Any]]:
    return [ref(name, "parameters") for name in ("AppKey", "Timestamp", "SignVersion")]


def _aidge_post() -> dict[str, Any]:
    fields = _aid_fields()
    schema = closed(fields, tuple(fields))
    example = {"imageBase64": examples.PICTURE, "backGroundType": aidge.TRANSPARENT, "targetWidth": 200}
    return _operation(
        aidge,
        "aidgeCutout",
        "Cut out, on nothing or white, resized",
        "One of `imageUrl` and `imageBase64`. Failures come with HTTP 200: `success` and `resCode` tell.",
        parameters=[*_aid_signature(), ref("IdempotencyKey", "parameters")],
        requestBody=_body(
            {"application/json": (schema, example), "application/x-www-form-urlencoded": (schema, example)}
        ),
    )


def _aidge_get() -> dict[str, Any]:
    query = [
        {"name": name, "in": "query", "required": False, "description": schema.pop("description"), "schema": schema}
        for name, schema in _aid_fields().items()
    ]
    return _operation(
        aidge,
        "aidgeCutoutByQuery",
        "The same by query",
        "One of `imageUrl` and `imageBase64`. Failures come with HTTP 200: `success` and `resCode` tell.",
        parameters=[*_aid_signature(), *query],
    )


def _ail() -> dict[str, Any]:
    names = "|".join(GARMENTS)
    schema = closed(
        {
            "image": file("The picture, or the text of an upload's `source`."),
            "cloth_class": text(
                f"Garments to deliver one by one, as a comma list of {', '.join(GARMENTS)}.",
                pattern=f"^({names})(,({names}))*$",
            ),
            "return_form": choice(
                "Transparent PNG without it; a mask; or on white.", [form for form in ailabtools.FORMS if form]
            ),
            "out_mode": choice("What `image_url` shows: 0 every garment found, 1 those of `cloth_class`.", (0, 1), 0),
        },
        optional=("cloth_class", "return_form", "out_mode"),
    )
    return _operation(
        ailabtools,
        "costume",
        "Cut garments out",
        "Failures come with their HTTP status: `error_detail` tells.",
        parameters=[ref("IdempotencyKey", "parameters")],
        requestBody=_body({"multipart/form-data": (schema, {"image": "photo.jpg", "cloth_class": "tops,pants"})}),
    )
