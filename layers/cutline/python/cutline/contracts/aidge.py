"""AID: Alibaba Aidge cut-out, `GET` and `POST` of `/ai/image/cut/out`, also under `/rest` (contracts.md section 4)."""

import re
from collections.abc import Mapping

from cutline.contracts.extensions import with_finish
from cutline.contracts.forms import decode_base64, is_urlencoded, read_form, read_query
from cutline.contracts.wire import NO_PROGRESS, Job, Outcome, Progress, Request, Response, Scheme, Source, json_response
from cutline.errors import InputRefused, MattingError, Reason
from cutline.limits import MIB, PictureLimits
from cutline.pipeline.options import CutOptions

NAME = "aid"
TITLE = "Aidge cut-out"
ROUTES: tuple[str, ...] = ("/ai/image/cut/out", "/rest/ai/image/cut/out")
METHODS = frozenset({"GET", "POST"})
SCHEME = Scheme.AIDGE
LINK_LIFETIME_S = 24 * 3600
# Sides are the vendor's; bytes and formats are those of its sister "elements removal" plus WEBP (contracts.md 4.2).
LIMITS = PictureLimits(frozenset({"JPEG", "PNG", "BMP", "WEBP"}), max_bytes=10 * MIB, min_side_px=100, max_side_px=3000)
TARGET_MIN_PX, TARGET_MAX_PX = 100, 3000
_SOURCES = ("imageUrl", "imageBase64")
_DATA_FIELDS = ("imageBase64",)
WHITE, TRANSPARENT = "WHITE_BACKGROUND", "TRANSPARENT"

_INVALID = (700, "invalid input")
_MODEL = (801, "model failed")
_RATE = (501, "rate limit exceed")
# Business failures: HTTP 200 with the vendor's code in the body (contracts.md 4.4).
ERRORS: Mapping[Reason, tuple[int, str]] = {
    Reason.BODY_MALFORMED: _INVALID,
    Reason.BODY_TOO_LARGE: _INVALID,
    Reason.PARAMETER_INVALID: _INVALID,
    Reason.IDEMPOTENCY_MISMATCH: _INVALID,
    Reason.IMAGE_MISSING: _INVALID,
    Reason.IMAGE_EMPTY: _INVALID,
    Reason.BASE64_INVALID: _INVALID,
    Reason.URL_UNREACHABLE: _INVALID,
    Reason.BACKDROP_UNREACHABLE: _INVALID,
    Reason.URL_TOO_LARGE: _INVALID,
    Reason.IMAGE_TOO_LARGE: _INVALID,
    Reason.IMAGE_TYPE: _INVALID,
    Reason.IMAGE_CORRUPT: _INVALID,
    Reason.RESOLUTION_TOO_HIGH: _INVALID,
    Reason.RESOLUTION_TOO_LOW: _INVALID,
    Reason.METHOD_NOT_ALLOWED: _INVALID,
    Reason.RATE_EXCEEDED: _RATE,
    Reason.SERVICE_RATE_EXCEEDED: _RATE,
    Reason.OVERLOADED: _RATE,
    Reason.MODEL_FAILED: _MODEL,
    Reason.TIMED_OUT: _MODEL,
    Reason.STORE_FAILED: _MODEL,
    Reason.INTERNAL: (500, "system error"),
}

_EXHAUSTED = "Sorry, your calling resources have been exhausted"
# Failures that the IOP gateway answers before the API is reached: its own envelope, HTTP 200 (contracts.md 4.4).
GATEWAY_ERRORS: Mapping[Reason, tuple[str, str]] = {
    Reason.KEY_MISSING: ("MissingParameter", "The input parameter app_key is mandatory"),
    Reason.DATE_MISSING: ("MissingParameter", "The input parameter timestamp is mandatory"),
    Reason.SIGNATURE_MISSING: ("MissingParameter", "The input parameter sign is mandatory"),
    Reason.KEY_UNKNOWN: ("InvalidAppKey", "The specified app_key is invalid"),
    Reason.ACCOUNT_DISABLED: ("InvalidAppKey", "The specified app_key is disabled"),
    Reason.API_NOT_ALLOWED: ("InvalidAppKey", "The specified app_key may not call this API"),
    Reason.DATE_MALFORMED: ("IllegalTimestamp", "The specified timestamp is not in milliseconds"),
    Reason.DATE_SKEWED: ("IllegalTimestamp", "The specified timestamp is too far from the current time"),
    Reason.SIGNATURE_WRONG: ("IncompleteSignature", "The request signature does not conform to platform standards"),
    Reason.QUOTA_EXCEEDED: ("ApiCallLimit", _EXHAUSTED),
    Reason.NOT_FOUND: ("InvalidApiPath", "The specified API path is invalid"),
}
CODES: Mapping[Reason, str] = {reason: str(code) for reason, (code, _) in (*ERRORS.items(), *GATEWAY_ERRORS.items())}


def parse(request: Request) -> Job:
    """The fields of a JSON or form body, or of the query."""
    fields = _fields(request)
    kind = fields.get("backGroundType") or TRANSPARENT
    if kind not in (WHITE, TRANSPARENT):
        raise InputRefused(Reason.PARAMETER_INVALID, f"backGroundType must be {WHITE} or {TRANSPARENT}")
    width, height = _target(fields, "targetWidth"), _target(fields, "targetHeight")
    white = kind == WHITE
    cut = CutOptions(
        background=(255, 255, 255) if white else None,
        crop=width is not None or height is not None,
        target_width=width,
        target_height=height,
        image_format="jpeg" if white else "png",
    )
    return with_finish(Job(_source(fields), LIMITS, cut), fields, has_background=white)


def render(request: Request, job: Job, outcome: Outcome) -> Response:
    """Success (contracts.md 4.3), with the fields that the IOP gateway adds to every answer."""
    data = {"imageUrl": outcome.links["image"], "imageWidth": outcome.width, "imageHeight": outcome.height}
    return json_response(200, _envelope(request, 200, "success", data))


def refuse(request: Request, error: MattingError, progress: Progress = NO_PROGRESS) -> Response:
    """A gateway failure, or a business failure whose message names the field (contracts.md 4.4)."""
    if error.reason in GATEWAY_ERRORS:
        code, message = GATEWAY_ERRORS[error.reason]
        body = {**_envelope(request, _INVALID[0], message, None), "type": "ISV", "code": code, "message": message}
        return json_response(200, body)
    code_number, text = ERRORS.get(error.reason, ERRORS[Reason.INTERNAL])
    if code_number == _INVALID[0] and error.detail:
        text = f"{text}: {error.detail}"
    refused_method = error.reason is Reason.METHOD_NOT_ALLOWED
    headers = {"Allow": ", ".join(sorted(METHODS))} if refused_method else {}
    return json_response(405 if refused_method else 200, _envelope(request, code_number, text, None), headers)


def _fields(request: Request) -> Mapping[str, str]:
    """The fields of the query and of a POST's body. Where both have a field, the signed one counts.

    A classic signature covers the query and a urlencoded body, and no other body: what it covers must not be overridden
    by what it does not cover, nor a signed source by another kind of source.
    """
    query = read_query(request, _DATA_FIELDS)
    if request.method == "GET":
        return query
    form = read_form(request, _DATA_FIELDS).fields
    if is_urlencoded(request):
        return {**query, **form}
    if any(query.get(name) for name in _SOURCES):
        form = {name: value for name, value in form.items() if name not in _SOURCES}
    return {**form, **query}


def _source(fields: Mapping[str, str]) -> Source:
    url = fields.get("imageUrl", "").strip()
    if "imageBase64" in fields:  # wins when both are present
        data = decode_base64(fields["imageBase64"])
        if data:
            return Source(data=data)
        if not url:
            raise InputRefused(Reason.IMAGE_EMPTY, "imageBase64 is empty")
    if url:
        return Source(url=url)
    raise InputRefused(Reason.IMAGE_MISSING, "imageUrl or imageBase64 is required")


def _target(fields: Mapping[str, str], name: str) -> int | None:
    text = fields.get(name, "").strip()
    if not text:
        return None
    if re.fullmatch(r"[0-9]{1,18}(\.0{1,6})?", text, re.ASCII) is None:
        raise InputRefused(Reason.PARAMETER_INVALID, f"{name} must be an integer")
    value = int(text.partition(".")[0])
    if not TARGET_MIN_PX <= value <= TARGET_MAX_PX:
        raise InputRefused(Reason.PARAMETER_INVALID, f"{name} must be in [{TARGET_MIN_PX},{TARGET_MAX_PX}]")
    return value


def _envelope(request: Request, code: int, message: str, data: object) -> dict[str, object]:
    succeeded = data is not None
    return {
        "resCode": code,
        "resMessage": message,
        "success": succeeded,
        "requestId": request.request_id,
        "data": data,
        "code": "0",
        "request_id": request.request_id,
    }
