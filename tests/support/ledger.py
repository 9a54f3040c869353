"""Which rows of the contracts' tables were reached over HTTP, told from the calls and answers that really travelled.

A `Row` says what was sent and what must come back; `Ledger.note` compares every exchange with every row of its API.
The report lists the rows with the test that reached each first. A row that nothing reached is missing, and so is an
explanation for an answer that fits no row at all.
"""

import base64
import binascii
import io
import json
import os
import re
import struct
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from PIL import Image

# A JSON value: a type, a pattern that the whole text matches, a tuple of alternatives, or exactly that value. A dict
# must have exactly these keys.
Shape = Any


@dataclass(frozen=True, eq=False)
class Row:
    """One row of a table of contracts.md.

    sent: what the call must have carried, as patterns over what `describe_call` names; None for what must be absent.
    excused: why it need not be reached, for answers that this service never gives, or that pass too quickly to be seen.
    """

    api: str
    table: str
    name: str
    status: int = 200
    body: Shape = None
    sent: Mapping[str, str | None] = field(default_factory=dict)
    excused: str = ""

    def explains(self, sent: Mapping[str, str], status: int, body: Any) -> bool:
        """Whether this call and this answer are the row's."""
        return status == self.status and fits(self.body, body) and _carried(self.sent, sent)


@dataclass
class Ledger:
    """The rows, who reached them, and the answers that none of them explains."""

    rows: list[Row]
    paths: Mapping[str, str]
    reached: dict[Row, str] = field(default_factory=dict)
    unexplained: list[str] = field(default_factory=list)

    def note(self, method: str, url: str, headers: Mapping[str, str], body: bytes, answer: Any) -> None:
        """Compares one exchange with the rows of the API that it went to."""
        path = urlsplit(url).path
        api = next((api for pattern, api in self.paths.items() if re.fullmatch(pattern, path)), None)
        if api is None:
            return
        test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0].removeprefix("tests/")
        sent = describe_call(method, url, headers, body)
        came = _describe_answer(answer)
        explained = [row for row in self.rows if row.api == api and row.explains(sent, answer.status, came)]
        for row in explained:
            self.reached.setdefault(row, test)
        if not explained:
            self.unexplained.append(f"{api} {method} in {test}: {answer.status} {str(came)[:400]}")

    @property
    def missing(self) -> list[Row]:
        """The rows that should have been reached and were not."""
        return [row for row in self.rows if not row.excused and row not in self.reached]

    def report(self) -> str:
        """All rows as a Markdown table."""
        lines = ["| API | table | row | reached by |", "|---|---|---|---|"]
        for row in self.rows:
            by = self.reached.get(row, f"not needed: {row.excused}" if row.excused else "**NOT REACHED**")
            lines.append(f"| {row.api} | {row.table} | {row.name} | {by.replace('|', '/')} |")
        return "\n".join([*lines, "", *(f"No row explains {answer}" for answer in self.unexplained), ""])

    def summary(self) -> list[str]:
        """A line per table: how many of its rows were reached."""
        tables = Counter((row.api, row.table) for row in self.rows if not row.excused)
        reached = Counter((row.api, row.table) for row in self.reached if not row.excused)
        return [f"{api}  {table}: {reached[api, table]} of {count}" for (api, table), count in tables.items()]


def fits(shape: Shape, value: Any) -> bool:
    """Whether a JSON value has the shape."""
    if isinstance(shape, type):
        return type(value) is shape
    if isinstance(shape, re.Pattern):
        return isinstance(value, str) and shape.fullmatch(value) is not None
    if isinstance(shape, tuple):
        return any(fits(one, value) for one in shape)
    if isinstance(shape, dict):
        return isinstance(value, dict) and shape.keys() == value.keys() and all(fits(shape[k], value[k]) for k in shape)
    if isinstance(shape, list):
        return isinstance(value, list) and len(shape) == len(value) and all(map(fits, shape, value))
    return type(shape) is type(value) and bool(shape == value)


def keys_of(shape: Shape, prefix: str = "") -> Iterable[str]:
    """The dotted names of all values of a shape."""
    if isinstance(shape, list):
        shape = {str(index): item for index, item in enumerate(shape)}
    if not isinstance(shape, dict):
        return [prefix]
    return [name for key, part in shape.items() for name in keys_of(part, f"{prefix}.{key}" if prefix else key)]


def describe_call(method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """What a call carried, by name: method, path, headers in lower case, and the fields of query and body.

    Pictures, raw, as files or in base64, stand as `describe_picture` words them.
    """
    parts = urlsplit(url)
    named = {name.lower(): value for name, value in headers.items()}
    fields = dict(parse_qsl(parts.query, keep_blank_values=True)) | _body_fields(named.get("content-type", ""), body)
    for name in ("image", "image_base64", "imageBase64"):
        if isinstance(fields.get(name), str) and not fields[name].startswith("file: "):
            fields |= _describe_base64(name, fields[name])
    return named | fields | {"method": method, "path": parts.path}


def describe_picture(data: bytes) -> str:
    """ "PNG 64x48, 1204 bytes", "PNG 64x48 cut short", "ZIP", "no picture" or "nothing"."""
    if not data:
        return "nothing"
    if data.startswith(b"PK\x03\x04"):
        return "ZIP"
    try:
        picture = Image.open(io.BytesIO(data))
    except OSError:
        return "no picture"
    kind = f"{picture.format} {picture.width}x{picture.height}"
    try:
        picture.load()
    except (OSError, SyntaxError, ValueError, struct.error):
        return f"{kind} cut short"
    return f"{kind}, {len(data)} bytes"


def _body_fields(content_type: str, body: bytes) -> dict[str, Any]:
    if content_type.startswith("multipart/form-data"):
        return _multipart_fields(content_type, body)
    if content_type.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        document = json.loads(body)
    except ValueError:
        return {"body": describe_picture(body)}
    if not isinstance(document, dict):
        return {"body": "no JSON object"}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in document.items()}


def _multipart_fields(content_type: str, body: bytes) -> dict[str, str]:
    """Good enough for what our own clients send."""
    boundary = content_type.partition("boundary=")[2].encode()
    fields = {}
    for part in body.split(b"--" + boundary)[1:-1] if boundary else []:
        head, _, payload = part.partition(b"\r\n\r\n")
        payload = payload.removesuffix(b"\r\n")
        is_file = b"filename=" in head
        name = re.search(r'[; ]name="([^"]*)"', head.decode())
        text = f"file: {describe_picture(payload)}" if is_file else payload.decode("utf-8", "replace")
        fields[name[1] if name else ""] = text
    return fields


def _describe_base64(name: str, text: str) -> dict[str, str]:
    compact = "".join(text.removeprefix("data:image/png;base64,").split())
    manner = "data URI" if text.startswith("data:") else "with white space" if compact != text else "plain"
    if compact and len(compact) % 4:
        manner = "without padding"
    try:
        data = base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        return {name: "no base64"}
    return {name: describe_picture(data), f"{name} base64": manner}


def _describe_answer(answer: Any) -> Any:
    if answer.headers.get("content-type", "").startswith("application/json"):
        return answer.json
    return describe_picture(answer.body)


def _carried(wanted: Mapping[str, str | None], sent: Mapping[str, str]) -> bool:
    for name, pattern in wanted.items():
        if (name in sent) != (pattern is not None):
            return False
        if pattern is not None and re.fullmatch(pattern, sent[name], re.DOTALL) is None:
            return False
    return True
