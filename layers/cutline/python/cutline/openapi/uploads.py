"""The operation that issues upload tickets: its body, the ticket, and every response that its own code makes."""

import json
from typing import Any

from cutline.contracts import uploads
from cutline.contracts.uploads import MAX_BYTES, Ticket
from cutline.errors import AccessRefused, InputRefused, MattingError, Reason, ServiceFault
from cutline.limits import MIB
from cutline.openapi import examples, native
from cutline.openapi.schema import Schema, closed, integer, link, ref, text

_KEY = f"{uploads.folder_of('shop')}{'0' * 32}"
_FIELDS = {"Content-Type": "image/jpeg", "key": _KEY, "policy": "eyJleHBpcmF0aW9uIjoi...", "x-amz-signature": "5d1f..."}
_TICKET = Ticket("https://bucket.s3.amazonaws.com/", _FIELDS, _KEY, 1_769_904_000)
_ERRORS: tuple[MattingError, ...] = (
    InputRefused(Reason.PARAMETER_INVALID, "size must be a number of bytes"),
    AccessRefused(Reason.KEY_UNKNOWN),
    AccessRefused(Reason.RATE_EXCEEDED),
    InputRefused(Reason.IMAGE_TOO_LARGE),
    ServiceFault(Reason.INTERNAL),
    ServiceFault(Reason.OVERLOADED),
)


def paths() -> dict[str, Any]:
    """Return `POST /uploads`."""
    return {"/uploads": {"post": _post()}}


def components() -> dict[str, dict[str, Any]]:
    """Return the schemas of the ticket and of its errors."""
    refusal = native.refusal_schema(map(uploads.refuse, _ERRORS))
    return {"schemas": {"UploadTicket": _ticket(), "UploadError": refusal}}


def _ticket() -> Schema:
    fields = {"type": "object", "additionalProperties": {"type": "string"}}
    ticket = {
        "url": link("Send a multipart/form-data POST to this URL: `fields` first, the file last."),
        "fields": {**fields, "description": "Form fields, to be sent unchanged."},
        "key": text("The S3 key of the picture."),
        "source": text("Refers to the picture in every field that accepts an upload's `source`."),
        "expires_at": integer("Unix time at which the ticket expires.", minimum=0),
    }
    return closed(ticket)


def _post() -> dict[str, Any]:
    fields = {
        "content_type": text("The file's content type.", pattern="^[a-z]{1,20}/[a-z0-9.+-]{1,40}$"),
        "size": integer("The file's maximum size in bytes.", minimum=1, maximum=MAX_BYTES),
    }
    example = {"content_type": "image/jpeg", "size": 9_000_000}
    body = {"application/json": {"schema": closed(fields, tuple(fields)), "example": example}}
    ticket = examples.examples({"ticket": json.loads(uploads.render(_TICKET).body)})
    content = {"application/json": {"schema": ref("UploadTicket"), "examples": ticket}}
    return {
        "operationId": "upload",
        "tags": [native.TAG],
        "summary": "Get an upload ticket for a picture too large for a call",
        "description": f"Up to {MAX_BYTES // MIB} MiB, sent directly to S3, usable in the account's calls for a day. "
        "Does not count against rate or quota; tickets have a rate limit of their own, twice that of calls.",
        "security": native.security(),
        "requestBody": {"required": False, "content": body},
        "responses": {
            "200": {"description": "The ticket.", "content": content},
            **native.refusals(map(uploads.refuse, _ERRORS), "UploadError"),
        },
    }
