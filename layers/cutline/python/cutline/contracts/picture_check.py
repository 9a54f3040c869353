"""CHK: Cutline's own check of a picture against a marketplace's rules, `POST /check?profile=NAME` (contracts.md 6.4).

The body is the picture itself. Content-Type is ignored: only the bytes decide.
"""

from collections.abc import Mapping

from cutline.contracts import native
from cutline.contracts.extensions import response_fields
from cutline.contracts.forms import read_query
from cutline.contracts.wire import NO_PROGRESS, Job, Outcome, Progress, Request, Response, Scheme, Source, json_response
from cutline.errors import InputRefused, MattingError, Reason
from cutline.limits import MIB, PictureLimits
from cutline.pipeline.options import LARGEST_PX, CheckOptions
from cutline.pipeline.outputs.metadata import ResultMetadata
from cutline.pipeline.outputs.profiles import read_profiles

NAME = "chk"
TITLE = "Marketplace check"
ROUTES: tuple[str, ...] = ("/check",)
METHODS = frozenset({"POST"})
SCHEME = Scheme.API_KEY
# Nothing is made, so nothing is kept.
LINK_LIFETIME_S = 0
LIMITS = PictureLimits(
    frozenset({"JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF"}), 10 * MIB, max_side_px=16_384, max_pixels=LARGEST_PX
)

_LARGE = (413, "too_large", "The picture is too large")
_TYPE = (415, "no_picture", "The body is not a picture that can be read")
# HTTP status, `code` and `message`; where the error has a detail, that is the message.
ERRORS: Mapping[Reason, native.ErrorRow] = {
    **native.CALL_ERRORS,
    Reason.IMAGE_MISSING: (400, "no_body", "The body must be the picture"),
    Reason.IMAGE_EMPTY: (400, "no_body", "The body must be the picture"),
    Reason.IMAGE_TYPE: _TYPE,
    Reason.IMAGE_CORRUPT: _TYPE,
    Reason.IMAGE_TOO_LARGE: _LARGE,
    Reason.BODY_TOO_LARGE: _LARGE,
    Reason.RESOLUTION_TOO_HIGH: _LARGE,
    Reason.RESOLUTION_TOO_LOW: _TYPE,
    Reason.TIMED_OUT: (504, "timed_out", "The check took too long"),
}
CODES: Mapping[Reason, str] = {reason: code for reason, (_, code, _) in ERRORS.items()}


def parse(request: Request) -> Job:
    """Return the picture in the body and the profile of the query. Raises InputRefused."""
    name = read_query(request).get("profile", "").strip()
    profiles = read_profiles()
    if name not in profiles:
        problem = f"there is no profile {name[:50]!r}" if name else "the parameter `profile` is missing"
        raise InputRefused(Reason.PARAMETER_INVALID, f"{problem}; choose one of {', '.join(profiles)}")
    if not request.body:
        raise InputRefused(Reason.IMAGE_EMPTY)
    return Job(Source(data=request.body), LIMITS, options=CheckOptions(name))


def render(request: Request, job: Job, outcome: Outcome) -> Response:
    """The profile, whether every rule is kept, and a verdict per rule."""
    assert isinstance(outcome.metadata, ResultMetadata)
    fields = response_fields(outcome.metadata)
    return json_response(200, {name: fields[name] for name in ("profile", "passed", "verdicts")})


def refuse(request: Request, error: MattingError, progress: Progress = NO_PROGRESS) -> Response:
    """Return status, code and message."""
    return native.refuse(error, ERRORS, METHODS)
