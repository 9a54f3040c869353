"""MND: Cutline's own mend of a stored result, `POST /r/{token}/mend` (contracts.md 6.5).

    {"strokes": [{"do": "keep", "radius": 0.02, "points": [[0.5, 0.4], [0.55, 0.45]]}]}

Points are in shares of the result's width and height, the radius in shares of its longer side; `{"do", "box": [left,
top, right, bottom]}` is a filled box. The token of the result's link is the right to change it.
"""

import re
from collections.abc import Mapping

from cutline.contracts import native
from cutline.contracts.forms import read_json_object, read_query
from cutline.contracts.wire import (
    CORS,
    NO_PROGRESS,
    Job,
    MendMetadata,
    Outcome,
    Progress,
    Request,
    Response,
    Scheme,
    Source,
    json_response,
    preflight_response,
)
from cutline.errors import InputRefused, MattingError, Reason
from cutline.limits import KIB, PictureLimits
from cutline.pipeline.stroke import MendOptions, read_strokes

NAME = "mnd"
TITLE = "Mend"
ROUTES: tuple[str, ...] = ("/r/{token}/mend",)
METHODS = frozenset({"POST"})
# No credential is asked for: the link's token is one.
SCHEME = Scheme.API_KEY
# Nothing is made that has a link of its own.
LINK_LIFETIME_S = 0
LIMITS = PictureLimits(frozenset(), max_bytes=256 * KIB)  # of the body, which is no picture
_END = "/mend"
# The parameter of a link that names an earlier version of its result.
VERSION = "version"
_VERSION_TEXT = re.compile(r"[1-9]\d{0,2}", re.ASCII)

_NO_LINK = (404, "not_found", "This link is unknown or has expired.")
ERRORS: Mapping[Reason, native.ErrorRow] = {
    **native.CALL_ERRORS,
    Reason.ACCOUNT_DISABLED: (403, "account_disabled", "The result's account is disabled"),
    Reason.NOT_FOUND: _NO_LINK,
    Reason.KEY_UNKNOWN: _NO_LINK,
    Reason.NOT_KEPT: (409, "not_mendable", "What a mend needs was not kept with this result"),
    Reason.BODY_MALFORMED: (400, "invalid_body", "The body must be JSON with `strokes`"),
    Reason.BODY_TOO_LARGE: (413, "too_large", f"The body is larger than {LIMITS.max_bytes} bytes"),
    # A frame around the subject grows with it.
    Reason.RESOLUTION_TOO_HIGH: (400, "invalid_parameter", "A parameter is invalid"),
    Reason.NO_SUBJECT: (400, "no_subject", "Nothing would be left of the picture"),
    Reason.TIMED_OUT: (504, "timed_out", "The mend took too long"),
}
CODES: Mapping[Reason, str] = {reason: code for reason, (_, code, _) in ERRORS.items()}


def token_of(request: Request) -> str:
    """Return the token of the link in the request's path."""
    return request.path.rstrip("/").removesuffix(_END).rpartition("/")[2]


def read_version(request: Request) -> int:
    """Return the version that a link asks for. Raises InputRefused(NOT_FOUND): there is no other."""
    text = read_query(request)[VERSION]
    if _VERSION_TEXT.fullmatch(text) is None:
        raise InputRefused(Reason.NOT_FOUND)
    return int(text)


def parse(request: Request) -> Job:
    """Return the strokes. Raises InputRefused."""
    if len(request.body) > LIMITS.max_bytes:
        raise InputRefused(Reason.BODY_TOO_LARGE)
    document = read_json_object(request.body)
    if set(document) != {"strokes"}:
        raise InputRefused(Reason.BODY_MALFORMED, "the body must have `strokes` and nothing else")
    try:
        strokes = read_strokes(document["strokes"])
    except ValueError as error:
        # JSON can spell half a surrogate pair in a field's name.
        text = str(error).encode("utf-8", "replace").decode()
        raise InputRefused(Reason.PARAMETER_INVALID, text) from error
    token = token_of(request)
    options = MendOptions(token, strokes, request.received_at, request.base_url)
    return Job(Source(url=token, data=b""), LIMITS, options=options)


def render(request: Request, job: Job, outcome: Outcome) -> Response:
    """The link, the version it leads to now, and the share of the pixels that changed."""
    made = outcome.metadata
    assert isinstance(made, MendMetadata)
    body = {"url": made.url, "version": made.version, "changed": round(made.changed, 6)}
    return json_response(200, body, CORS)


def refuse(request: Request, error: MattingError, progress: Progress = NO_PROGRESS) -> Response:
    """Return status, code and message."""
    response = native.refuse(error, ERRORS, METHODS)
    return Response(response.status, {**response.headers, **CORS}, response.body)


def preflight(request: Request) -> Response:
    """Let pages of any origin mend what they have a link to."""
    return preflight_response(*METHODS)
