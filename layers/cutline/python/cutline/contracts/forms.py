"""Reading what a caller sends: bodies in multipart, urlencoded and JSON, the query, headers.

Tolerant where clients differ, never crashing. Contracts get every text from here, and so `bounded`.
"""

import base64
import binascii
import json
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any

from cutline.contracts.wire import MAX_FIELDS, Request
from cutline.errors import InputRefused, Reason
from cutline.limits import KIB
from cutline.pipeline.codecs.headers import sniff_format

# The standard library reads a part's head in time that grows with its square, and callers are not counted yet.
_MAX_HEAD_BYTES, _MAX_HEADS_BYTES, _MAX_HEAD_LINES = 8 * KIB, 32 * KIB, 16
_TAB, _ASCII = 9, 128
# Of a text field or query parameter. The longest valid ones are addresses, of at most 2,048.
MAX_TEXT_CHARS = 4096
# The control characters (Unicode category Cc) but those that separate words.
_CONTROLS = {code: "\ufffd" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\r\n"}
_DATA_URI = re.compile(r"\Adata:[^,]{0,255};base64,", re.IGNORECASE)


@dataclass(frozen=True)
class Form:
    """A decoded body: text fields and files by name; of duplicates the first counts."""

    fields: Mapping[str, str]
    files: Mapping[str, bytes]


def read_form(request: Request, data_fields: Container[str] = ()) -> Form:
    """The fields and files of a multipart, urlencoded or JSON body, by Content-Type.

    Fields are `bounded`, except `data_fields`, which hold pictures. Raises InputRefused(BODY_MALFORMED) for what cannot
    be parsed.
    """
    form = read_whole_form(request)
    return Form(bounded_fields(form.fields, data_fields), form.files)


def read_query(request: Request, data_fields: Container[str] = ()) -> dict[str, str]:
    """Return the query's parameters, `bounded` as the fields of a form; of duplicates the first counts."""
    return bounded_fields(request.params, data_fields)


def read_header(request: Request, name: str) -> str:
    """Return a header by its name in lower case, `bounded`; "" where there is none."""
    return bounded(request.headers.get(name, ""))


def bounded_fields(fields: Mapping[str, str], data_fields: Container[str] = ()) -> dict[str, str]:
    """Return the fields with every text `bounded`, except `data_fields`."""
    return {name: text if name in data_fields else bounded(text) for name, text in fields.items()}


def bounded(text: str) -> str:
    """Cut a caller's text to MAX_TEXT_CHARS and replace its control characters by U+FFFD, before anything reads it.

    No valid value is as long or holds U+FFFD, so that the reader refuses what is left.
    """
    return text[:MAX_TEXT_CHARS].translate(_CONTROLS)


def read_whole_form(request: Request) -> Form:
    """As `read_form`, with fields of any length: for signatures, which cover all of them."""
    if is_multipart(request):
        return _read_multipart(request)
    if is_urlencoded(request):
        return Form(_read_urlencoded(request), {})
    if not request.body.strip():
        return Form({}, {})
    document = read_json_object(request.body)
    if len(document) > MAX_FIELDS:
        raise InputRefused(Reason.BODY_MALFORMED, "body has too many fields")
    return Form({name: _as_text(value) for name, value in document.items() if value is not None}, {})


def is_multipart(request: Request) -> bool:
    """Whether the body says that it is a multipart form."""
    return read_header(request, "content-type").lower().startswith("multipart/form-data")


def is_urlencoded(request: Request) -> bool:
    """Whether the body says that it is a urlencoded form."""
    return read_header(request, "content-type").lower().startswith("application/x-www-form-urlencoded")


def read_json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in the body. Raises InputRefused(BODY_MALFORMED)."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputRefused(Reason.BODY_MALFORMED, "body is not valid JSON") from error
    if not isinstance(document, dict):
        raise InputRefused(Reason.BODY_MALFORMED, "body is not a JSON object")
    return document


def first_file(request: Request) -> bytes | None:
    """The first file of a multipart body, whatever its field is called."""
    return next(iter(_read_multipart(request).files.values()), None)


def decode_base64(text: str) -> bytes:
    """The bytes behind `text`: white space, a data URI prefix and missing padding are forgiven, nothing else.

    A blank that does not end a line was a `+`, which a form that was not escaped turns into a blank.

    Raises InputRefused(BASE64_INVALID).
    """
    lines = [line.strip() for line in _DATA_URI.sub("", text.strip()).splitlines()]
    compact = "".join(line if " " not in line or _is_wrapped(line) else line.replace(" ", "+") for line in lines)
    compact = "".join(compact.split())
    try:
        raw = compact.encode("ascii").replace(b"-", b"+").replace(b"_", b"/").rstrip(b"=")
        return base64.b64decode(raw + b"=" * (-len(raw) % 4), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise InputRefused(Reason.BASE64_INVALID, "image is not valid base64") from error


def _is_wrapped(line: str) -> bool:
    """Whether blanks stand where lines of base64 ended: between pieces of one length, the last one shorter."""
    *pieces, last = line.split(" ")
    length = len(pieces[0])
    in_fours = length % 4 == len(last) % 4 == 0
    return in_fours and 0 < len(last) <= length and all(len(piece) == length for piece in pieces)


def _read_multipart(request: Request) -> Form:
    """Splits at the delimiters of RFC 2046 5.1.1; the payload between them is kept byte for byte."""
    outer = Message()
    outer["Content-Type"] = read_header(request, "content-type")
    try:
        boundary = outer.get_param("boundary")
    except ValueError:
        boundary = None
    if not isinstance(boundary, str) or not boundary:
        raise InputRefused(Reason.BODY_MALFORMED, "multipart body without a boundary")
    sections = (b"\r\n" + request.body).split(b"\r\n--" + boundary.encode("latin-1", "replace"), MAX_FIELDS + 1)
    if not any(section.startswith(b"--") for section in sections[1:]):  # cut short, or more parts than are looked at
        raise InputRefused(Reason.BODY_MALFORMED, "body is not valid multipart/form-data")
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    heads_bytes = 0
    for section in sections[1:]:
        if section.startswith(b"--"):
            break
        head, blank, payload = section.partition(b"\r\n\r\n")
        heads_bytes += len(head)
        if len(head) > _MAX_HEAD_BYTES or heads_bytes > _MAX_HEADS_BYTES or head.count(b"\n") > _MAX_HEAD_LINES:
            raise InputRefused(Reason.BODY_MALFORMED, "multipart part with too long a header")
        name, is_file = _read_disposition(head, payload)
        if not blank or not name:
            raise InputRefused(Reason.BODY_MALFORMED, "multipart part without a name")
        if is_file:
            files.setdefault(name, payload)
        else:
            fields.setdefault(name, payload.decode("utf-8", "replace"))
    return Form(fields, files)


def _read_disposition(head: bytes, payload: bytes) -> tuple[str, bool]:
    """The name of a part ("" where there is none) and whether the part is a file.

    A file may come without a file name (RFC 7578 4.2): its type, or what it holds, tells then.
    """
    part = BytesHeaderParser().parsebytes(head.lstrip())
    try:
        name = part.get_param("name", header="content-disposition")
        is_file = part.get_filename() is not None or part.get_content_maintype() == "image" or _is_picture(payload)
    except ValueError as error:  # RFC 2231 parameters with absurd numbers or character sets
        raise InputRefused(Reason.BODY_MALFORMED, "multipart part with an unreadable header") from error
    return (name if isinstance(name, str) else ""), is_file


def _is_picture(payload: bytes) -> bool:
    """Whether the payload begins like a picture and not like text, as a field that begins with "BM" may."""
    return sniff_format(payload) is not None and any(byte < _TAB or byte >= _ASCII for byte in payload[:32])


def _read_urlencoded(request: Request) -> dict[str, str]:
    try:
        return request.urlencoded_fields
    except ValueError as error:
        raise InputRefused(Reason.BODY_MALFORMED, "body is not valid form data") from error


def _as_text(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    # JSON can spell half a surrogate pair, which no store and no address can hold.
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
