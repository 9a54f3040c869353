"""rembg's server in the document (contracts.md 6.2)."""

from collections.abc import Mapping
from typing import Any

from cutline.contracts import rembg
from cutline.openapi import examples
from cutline.openapi.finish import finish_fields, finish_file
from cutline.openapi.operation import SAVED_AS, Api, body, operation, query, security_name
from cutline.openapi.schema import Schema, choice, closed, file, integer, ref, source, text
from cutline.pipeline.options import SingleFileOptions

FACTS: Mapping[str, Any] = {}
_API = Api(
    rembg,
    examples.job(rembg, SingleFileOptions()),
    examples.outcome("image"),
    shapes=(),
    fault="RemError",
    files=("image/png",),
)
_BOOLEAN = {"enum": ["true", "false", "1", "0"]}


def paths() -> dict[str, Any]:
    """Return its one path, with two methods."""
    return {rembg.ROUTES[0]: {"get": _get(), "post": _post()}}


def components() -> dict[str, dict[str, Any]]:
    """Return the schema of its errors; its credential is another API's."""
    fault = closed(
        {
            "type": text("The error's type."),
            "loc": {"type": "array", "items": {"type": "string"}, "description": "The field."},
            "msg": text("What is wrong."),
        }
    )
    listed = {"type": "array", "items": fault, "minItems": 1}
    detail = {"oneOf": [text("What is wrong."), listed]}
    code = text("Cutline's error code.")
    return {"schemas": {"RemError": closed({"detail": detail, "code": code})}}


def _post() -> dict[str, Any]:
    fields = {"url": source("URL of the picture; instead of a file."), **_options()}
    form = closed({"file": file("The picture."), **fields, **finish_file()}, ("file", *fields, *finish_file()))
    return operation(
        _API,
        "removeFromStream",
        "Remove the background of a file",
        "Options are read from the form or the query. The response is the PNG.",
        **{SAVED_AS: "cutout.png"},
        parameters=[ref("IdempotencyKey", "parameters")],
        requestBody=body({"multipart/form-data": (form, {"file": "photo.jpg"})}),
    )


def _get() -> dict[str, Any]:
    url = {**query("url", "URL of the picture.", source("The picture's address.")), "required": True}
    key = query("api_key", "The key, for clients that cannot send a header.", text("The key."))
    parameters = [url, *(query(name, schema["description"], schema) for name, schema in _options().items()), key]
    described = operation(_API, "removeFromUrl", "Remove the background of a URL", "The response is the PNG.")
    return {**described, "security": [{security_name(rembg): []}], "parameters": parameters}


def _options() -> dict[str, Schema]:
    number = {"minimum": 0, "maximum": 255}
    return {
        "model": choice("Any of rembg's names; all run Cutline's own network.", list(rembg.MODELS), "u2net"),
        "a": {**_BOOLEAN, "description": "Alpha matting: Cutline always refines."},
        "af": integer("Without effect.", default=240, **number),
        "ab": integer("Without effect.", default=10, **number),
        "ae": integer("Without effect.", default=10, **number),
        "om": {**_BOOLEAN, "description": "Return only the mask."},
        "ppm": {**_BOOLEAN, "description": "Without effect: specks are always removed."},
        "bgc": text("Background: red, green, blue and opacity.", pattern="^[0-9]{1,2}(,[0-9]{1,2}){2,3}$"),
        "extras": text("JSON, ignored."),
        **finish_fields(deep=False),
    }
