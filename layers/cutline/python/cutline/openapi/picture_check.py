"""Cutline's own check of a picture in the document (contracts.md 6.4)."""

from collections.abc import Mapping
from typing import Any

from cutline.contracts import picture_check
from cutline.openapi import examples
from cutline.openapi.operation import Api, body, operation, query
from cutline.openapi.schema import boolean, closed, file, integer, ref, text
from cutline.pipeline.options import CheckOptions
from cutline.pipeline.outputs.metadata import ResultMetadata, Verdict
from cutline.pipeline.outputs.profiles import read_profiles

_PROFILES = list(read_profiles())
FACTS: Mapping[str, Any] = {}
_RULE = read_profiles()[_PROFILES[0]].rules["ratio"]
_VERDICTS = (Verdict("ratio", _RULE.wanted, "800:640", False, _RULE.source),)
_METADATA = ResultMetadata("object", 0.4, 0.97, profile=_PROFILES[0], verdicts=_VERDICTS)
_API = Api(
    picture_check,
    examples.job(picture_check, CheckOptions(_PROFILES[0])),
    examples.outcome("image", metadata=_METADATA),
    shapes=("CheckedPicture",),
    fault="CheckError",
)


def paths() -> dict[str, Any]:
    """Return its one path."""
    name = {**query("profile", "The marketplace's rules.", text("A profile.", enum=_PROFILES)), "required": True}
    post = operation(
        _API,
        "checkPicture",
        "Check a picture against a marketplace's rules",
        "The body is the picture, unchanged; nothing is cut out. A picture without a subject fails. Text laid over the "
        "picture and watermarks are not looked for.",
        parameters=[{**name, "example": _PROFILES[0]}, ref("IdempotencyKey", "parameters")],
        requestBody=body({"application/octet-stream": (file("The picture."), "photo.jpg")}),
    )
    return {picture_check.ROUTES[0]: {"post": post}}


def components() -> dict[str, dict[str, Any]]:
    """Return its schemas; a verdict's is that of tasks, and its credential another API's."""
    verdicts = {"type": "array", "items": ref("Verdict"), "description": "One per rule."}
    passed = boolean("Whether the picture meets all rules.")
    checked = closed({"profile": text("As requested.", enum=_PROFILES), "passed": passed, "verdicts": verdicts})
    statuses = sorted({status for status, *_ in picture_check.ERRORS.values()})
    codes = sorted({code for _, code, _ in picture_check.ERRORS.values()})
    fault = closed(
        {
            "status": integer("The HTTP status.", enum=statuses),
            "code": text("What is wrong, as a word.", enum=codes),
            "message": text("What is wrong."),
        }
    )
    return {"schemas": {"CheckedPicture": checked, "CheckError": fault}}
