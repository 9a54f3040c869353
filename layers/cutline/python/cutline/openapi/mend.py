"""The operation that mends a result: its strokes, its answer, and every response that its own code makes."""

import json
from typing import Any

from cutline.contracts import mend
from cutline.contracts.wire import MendMetadata, Outcome, Response
from cutline.errors import AccessRefused, InputRefused, MattingError, Reason, ServiceFault
from cutline.openapi import examples, native
from cutline.openapi.operation import path_parameter
from cutline.openapi.schema import Schema, closed, integer, link, ref
from cutline.pipeline.stroke import MAX_POINTS, MAX_RADIUS, MAX_STROKES

_STROKES = [{"do": "remove", "radius": 0.02, "points": [[0.5, 0.4], [0.55, 0.45]]}]
_OUTCOME = Outcome(640, 480, metadata=MendMetadata("https://cutout.example.com/r/c2FtcGxl.png", 2, 0.0137))
_ERRORS: tuple[MattingError, ...] = (
    InputRefused(Reason.BODY_MALFORMED),
    InputRefused(Reason.IDEMPOTENCY_MISMATCH),
    InputRefused(Reason.NO_SUBJECT),
    InputRefused(Reason.PARAMETER_INVALID, "`strokes[0].radius` must be above 0"),
    AccessRefused(Reason.ACCOUNT_DISABLED),
    InputRefused(Reason.NOT_FOUND),
    InputRefused(Reason.NOT_KEPT),
    InputRefused(Reason.BODY_TOO_LARGE),
    AccessRefused(Reason.QUOTA_EXCEEDED),
    AccessRefused(Reason.RATE_EXCEEDED),
    ServiceFault(Reason.INTERNAL),
    ServiceFault(Reason.OVERLOADED),
    ServiceFault(Reason.TIMED_OUT),
)


def paths() -> dict[str, Any]:
    """Return `POST /r/{token}/mend`."""
    return {mend.ROUTES[0]: {"post": _post()}}


def components() -> dict[str, dict[str, Any]]:
    """Return the schemas of strokes, answer and errors."""
    refusal = native.refusal_schema(map(_refusal, _ERRORS))
    return {"schemas": {"Stroke": _stroke(), "MendAnswer": _answer(), "MendError": refusal}}


def _stroke() -> Schema:
    share = {"type": "number", "minimum": 0, "maximum": 1}
    do = {"enum": ["keep", "remove"], "description": "Whether what is under the stroke belongs to the subject."}
    point = {"type": "array", "items": share, "minItems": 2, "maxItems": 2}
    points = {
        "type": "array",
        "items": point,
        "minItems": 1,
        "maxItems": MAX_POINTS,
        "description": "In shares of the result's width and height.",
    }
    radius = {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": MAX_RADIUS,
        "description": "In shares of the result's longer side.",
    }
    box = {
        "type": "array",
        "items": share,
        "minItems": 4,
        "maxItems": 4,
        "description": "Left, top, right, bottom: a filled rectangle in place of a line.",
    }
    return {"oneOf": [closed({"do": do, "radius": radius, "points": points}), closed({"do": do, "box": box})]}


def _answer() -> Schema:
    changed = {"type": "number", "minimum": 0, "maximum": 1, "description": "The share of the pixels that changed."}
    version = integer("The version that the link leads to now; `version` in its query names an earlier one.", minimum=1)
    return closed({"url": link("The link, the same as before."), "version": version, "changed": changed})


def _post() -> dict[str, Any]:
    strokes = {"type": "array", "items": ref("Stroke"), "minItems": 1, "maxItems": MAX_STROKES}
    body = {"application/json": {"schema": closed({"strokes": strokes}), "example": {"strokes": _STROKES}}}
    answered = examples.examples(
        {"mended": json.loads(mend.render(examples.REQUEST, examples.job(mend), _OUTCOME).body)}
    )
    content = {"application/json": {"schema": ref("MendAnswer"), "examples": answered}}
    return {
        "operationId": "mend",
        "tags": [native.TAG],
        "summary": "Mend a result by strokes",
        "description": "Makes a new version of a result under the same link. What is under a stroke is as drawn; the "
        "change spreads along colours and stops at edges. The link's token is the right to do it; rate, quota and "
        f"price are the account's, under the name {mend.NAME}.",
        "security": [],
        "parameters": [path_parameter("token", "The token in a result's link.", "sample.png")],
        "requestBody": {"required": True, "content": body},
        "responses": {
            "200": {"description": "The new version.", "content": content},
            **native.refusals(map(_refusal, _ERRORS), "MendError"),
        },
    }


def _refusal(error: MattingError) -> Response:
    return mend.refuse(examples.REQUEST, error)
