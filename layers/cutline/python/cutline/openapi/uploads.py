"""The operation of the upload tickets: what may be wished for, the ticket, and every answer that its own code gives."""

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
    """`POST /uploads`."""
    return {"/uploads": {"post": _post()}}


def components() -> dict[str, dict[str, Any]]:
    """The ticket and its refusals."""
    refusal = native.refusal_schema(map(uploads.refuse, _ERRORS))
    return {"schemas": {"UploadTicket": _ticket(), "UploadError": refusal}}


def _ticket() -> Schema:
    fields = {"type": "object", "additionalProperties": {"type": "string"}}
    ticket = {
        "url": link("POST `fields` and then the file, as multipart/form-data and the file last, to this address."),
        "fields": {**fields, "description": "Form fields, each to be sent as it is."},
        "key": text("Where the picture will lie."),
        "source": text("Stands for the picture in every field that takes an upload's `source`."),
        "expires_at": integer("Unix second until which can be uploaded.", minimum=0),
    }
    return closed(ticket)


def _post() -> dict[str, Any]:
    wish = {
        "content_type": text("The type that the file will be sent with.", pattern="^[a-z]{1,20}/[a-z0-9.+-]{1,40}$"),
        "size": integer("The most bytes that the file will have.", minimum=1, maximum=MAX_BYTES),
    }
    example = {"content_type": "image/jpeg", "size": 9_000_000}
    body = {"application/json": {"schema": closed(wish, tuple(wish)), "example": example}}
    ticket = examples.examples({"ticket": json.loads(uploads.render(_TICKET).body)})
    content = {"application/json": {"schema": ref("UploadTicket"), "examples": ticket}}
    return {
        "operationId": "upload",
        "tags": [native.TAG],
        "summary": "A ticket for a picture that is too large for a call",
        "description": f"Up to {MAX_BYTES // MIB} MiB, straight to S3, for the account's own calls within a day. Costs "
        "neither rate nor quota; tickets have a rate of their own, twice that of the account's calls.",
        "security": native.security(),
        "requestBody": {"required": False, "content": body},
        "responses": {
            "200": {"description": "The ticket.", "content": content},
            **native.refusals(map(uploads.refuse, _ERRORS), "UploadError"),
        },
    }
