"""Uploads, Cutline's own API: `POST /uploads` returns a ticket for one picture, the source of later calls.

A synchronous call carries about 4.4 MiB; an upload carries what the APIs themselves allow. The ticket is what S3 calls
a presigned POST: `fields` and then the file, as multipart/form-data, to `url`. Its `source` is taken by everything that
takes the address of a picture.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cutline.contracts import native
from cutline.contracts.apis import APIS
from cutline.contracts.forms import read_json_object
from cutline.contracts.wire import UPLOAD, Request, Response, json_response
from cutline.errors import InputRefused, MattingError, Reason
from cutline.storage_keys import UPLOADS

# The most that any of the APIs takes.
MAX_BYTES = max(contract.LIMITS.max_bytes for contract in APIS.values())
PREFIX = UPLOAD
_ANY_TYPE = "application/octet-stream"
_INVALID = (400, "invalid_parameter", "A parameter is invalid")
_ERRORS: Mapping[Reason, native.ErrorRow] = {
    Reason.BODY_MALFORMED: _INVALID,
    Reason.PARAMETER_INVALID: _INVALID,
    Reason.IMAGE_TOO_LARGE: (413, "too_large", f"size must be at most {MAX_BYTES} bytes"),
}


@dataclass(frozen=True)
class TicketRequest:
    """Limits of a ticket: exactly this type, at most this many bytes."""

    content_type: str = _ANY_TYPE
    max_bytes: int = MAX_BYTES


@dataclass(frozen=True)
class Ticket:
    """Address and form fields of an upload, valid until `expires_at` (unix seconds); `key` is the picture's."""

    url: str
    fields: Mapping[str, str]
    key: str
    expires_at: int


def folder_of(account_id: str) -> str:
    """Return the prefix of the keys of an account's uploads."""
    return f"{UPLOADS}{account_id}/"


def own_key(url: str, account_id: str) -> str | None:
    """Return the key behind the address of an upload; None for any other address, another account's upload included."""
    folder, _, name = url.removeprefix(PREFIX).rpartition("/")
    own_upload = url.startswith(PREFIX) and f"{folder}/" == folder_of(account_id)
    return f"{folder}/{name}" if own_upload and re.fullmatch(r"[0-9a-f]{32}", name) else None


def parse(request: Request) -> TicketRequest:
    """Return the validated request: an optional JSON object. Raises InputRefused."""
    document = read_json_object(request.body) if request.body.strip() else {}
    return TicketRequest(_content_type(document.get("content_type")), _size(document.get("size")))


def render(ticket: Ticket) -> Response:
    """Return the ticket."""
    body = {
        "url": ticket.url,
        "fields": dict(ticket.fields),
        "key": ticket.key,
        "source": PREFIX + ticket.key,
        "expires_at": ticket.expires_at,
    }
    return json_response(200, body)


def refuse(error: MattingError) -> Response:
    """Why there is no ticket."""
    return native.refuse(error, _ERRORS)


def _content_type(value: Any) -> str:
    if value is None:
        return _ANY_TYPE
    if not isinstance(value, str) or re.fullmatch(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,80}", value, re.ASCII) is None:
        raise InputRefused(Reason.PARAMETER_INVALID, "content_type must be a media type such as image/jpeg")
    return value


def _size(value: Any) -> int:
    if value is None:
        return MAX_BYTES
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputRefused(Reason.PARAMETER_INVALID, "size must be a number of bytes")
    if value > MAX_BYTES:
        raise InputRefused(Reason.IMAGE_TOO_LARGE)
    return value
