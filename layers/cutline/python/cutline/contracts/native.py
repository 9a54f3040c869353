"""Shared by Cutline's own routes: any credential of the account is accepted, and failures have one shape.

The credential is `X-API-KEY`, `ailabapi-api-key`, a JD signature in `Authorization`, or Aidge's `app_key`, `timestamp`
and `sign` in the query. Whatever is wrong with it, the answer is the same 401.
"""

from collections.abc import Collection, Mapping

from cutline.contracts.wire import Request, Response, Scheme, json_response
from cutline.errors import AccessRefused, InputRefused, MattingError, Reason

# HTTP status, `code` and `message`.
ErrorRow = tuple[int, str, str]
UNAUTHORIZED: ErrorRow = (401, "unauthorized", "A valid credential of the account is required")
_FAULTS: Mapping[Reason, ErrorRow] = {Reason.OVERLOADED: (503, "unavailable", "Too busy, try again")}
RATE: ErrorRow = (429, "rate_exceeded", "Too many requests of this account, try again")
FAULT: ErrorRow = (500, "internal", "Internal error")
# Of Cutline's own routes that are calls: they cost rate and quota, and have a price.
CALL_ERRORS: Mapping[Reason, ErrorRow] = {
    Reason.KEY_MISSING: UNAUTHORIZED,
    Reason.KEY_UNKNOWN: UNAUTHORIZED,
    Reason.ACCOUNT_DISABLED: UNAUTHORIZED,
    Reason.API_NOT_ALLOWED: UNAUTHORIZED,
    Reason.RATE_EXCEEDED: RATE,
    Reason.SERVICE_RATE_EXCEEDED: RATE,
    Reason.QUOTA_EXCEEDED: (429, "quota_exceeded", "The quota of the day is used up"),
    Reason.NOT_FOUND: (404, "not_found", "Not found"),
    Reason.METHOD_NOT_ALLOWED: (405, "method_not_allowed", "Only POST is allowed"),
    Reason.PARAMETER_INVALID: (400, "invalid_parameter", "A parameter is invalid"),
    Reason.IDEMPOTENCY_MISMATCH: (400, "idempotency_mismatch", "This Idempotency-Key was used with another request"),
    Reason.MODEL_FAILED: FAULT,
    Reason.STORE_FAILED: FAULT,
    Reason.INTERNAL: FAULT,
    Reason.OVERLOADED: (503, "unavailable", "Too busy, try again"),
    Reason.TIMED_OUT: (504, "timed_out", "The call took too long"),
}


def scheme_of(request: Request) -> Scheme:
    """Return the scheme of the caller's credential. Raises AccessRefused where there is no credential at all."""
    for scheme in Scheme:
        if not scheme.signs and scheme.value in request.headers:
            return scheme
    if "authorization" in request.headers:
        return Scheme.JD
    if "app_key" in request.params:
        return Scheme.AIDGE
    raise AccessRefused(Reason.KEY_MISSING)


def refuse(error: MattingError, errors: Mapping[Reason, ErrorRow], methods: Collection[str] = ()) -> Response:
    """Return the answer to a failed call; a refused credential gets no further detail.

    methods: those of the route, for METHOD_NOT_ALLOWED.
    """
    known = {**_FAULTS, Reason.RATE_EXCEEDED: RATE, **errors}
    row = known.get(error.reason, UNAUTHORIZED if isinstance(error, AccessRefused) else FAULT)
    status, code, message = row
    if isinstance(error, InputRefused) and error.detail:
        message = error.detail
    headers = {"Retry-After": "1"} if row == RATE else {}
    if error.reason is Reason.METHOD_NOT_ALLOWED and methods:
        headers["Allow"] = ", ".join(sorted(methods))
    return json_response(status, {"status": status, "code": code, "message": message}, headers)
