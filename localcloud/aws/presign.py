"""Checks presigned requests like S3, which moto does not: signature, expiry, the upload's size."""

import base64
import binascii
import hashlib
import hmac
import io
import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote
from xml.sax.saxutils import escape

from werkzeug.formparser import parse_form_data

from localcloud.aws_account import SECRET_KEY

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_FORM_LIMIT_BYTES = 64 * 1024 * 1024


class S3Refusal(Exception):
    """An error of S3: `status`, `code` and a message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def body(self) -> bytes:
        """The error as S3's XML."""
        error = f"<Error><Code>{self.code}</Code><Message>{escape(str(self))}</Message></Error>"
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{error}'.encode()


def check_query(environ: "WSGIEnvironment") -> None:
    """Check that a presigned URL is unchanged and has not expired. Raises S3Refusal."""
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    if "X-Amz-Signature" not in query:
        _check_version_2(query)
        return
    begun = _moment(query.get("X-Amz-Date", ""), "%Y%m%dT%H%M%SZ")
    if time.time() > begun + _seconds(query.get("X-Amz-Expires", "")):
        raise S3Refusal(403, "AccessDenied", "Request has expired")
    if not hmac.compare_digest(_url_signature(environ, query), query["X-Amz-Signature"]):
        raise _mismatch()


def _check_version_2(query: dict[str, str]) -> None:
    """Check the expiry, but not the signature, of Signature Version 2, which is still boto3's default."""
    if _seconds(query.get("Expires", "")) < time.time():
        raise S3Refusal(403, "AccessDenied", "Request has expired")


def _seconds(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _mismatch() -> S3Refusal:
    message = "The request signature we calculated does not match the signature you provided."
    return S3Refusal(403, "SignatureDoesNotMatch", message)


def _moment(text: str, form: str) -> float:
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise S3Refusal(403, "AccessDenied", f"Invalid date: {text}") from error


def _url_signature(environ: "WSGIEnvironment", query: dict[str, str]) -> str:
    """Compute the Signature Version 4 of a query-signed S3 request."""
    path = environ["PATH_INFO"].encode("latin-1")
    names = query.get("X-Amz-SignedHeaders", "host").split(";")
    headers = "".join(f"{name}:{_header(environ, name)}\n" for name in names)
    pairs = sorted((quote(n, safe="-_.~"), quote(v, safe="-_.~")) for n, v in query.items() if n != "X-Amz-Signature")
    canonical = "\n".join(
        [
            environ["REQUEST_METHOD"],
            quote(path, safe="/-_.~"),
            "&".join(f"{n}={v}" for n, v in pairs),
            headers,
            ";".join(names),
            query.get("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD"),
        ]
    )
    scope = query.get("X-Amz-Credential", "").partition("/")[2]
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return _sign(scope, f"AWS4-HMAC-SHA256\n{query['X-Amz-Date']}\n{scope}\n{digest}")


def _header(environ: "WSGIEnvironment", name: str) -> str:
    key = name.upper().replace("-", "_")
    return str(environ.get(key if key.startswith("CONTENT_") else f"HTTP_{key}", "")).strip()


def _sign(scope: str, text: str) -> str:
    key = f"AWS4{SECRET_KEY}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def check_post(environ: "WSGIEnvironment") -> None:
    """Check a presigned POST: its policy's signature, expiry, conditions. Raises S3Refusal; the body stays readable."""
    body = environ["wsgi.input"].read(min(_FORM_LIMIT_BYTES, int(environ.get("CONTENT_LENGTH") or 0)))
    environ["wsgi.input"] = io.BytesIO(body)
    _, form, files = parse_form_data({**environ, "wsgi.input": io.BytesIO(body)})
    environ["wsgi.input"].seek(0)
    fields = {name.lower(): value for name, value in form.items()}
    environ["localcloud.form"] = fields
    policy = _policy(fields)
    if _moment(str(policy.get("expiration", ""))[:19], "%Y-%m-%dT%H:%M:%S") < time.time():
        raise S3Refusal(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
    upload = files.get("file")
    size = len(upload.read()) if upload else len(fields.get("file", "").encode())
    bucket = environ["PATH_INFO"].strip("/").partition("/")[0]
    for condition in policy.get("conditions", []):
        _check_condition(condition, {**fields, "bucket": bucket}, size)


def _policy(fields: dict[str, str]) -> dict[str, Any]:
    scope = fields.get("x-amz-credential", "").partition("/")[2]
    if not fields.get("policy") or not scope:
        raise S3Refusal(403, "AccessDenied", "Access Denied")
    if not hmac.compare_digest(_sign(scope, fields["policy"]), fields.get("x-amz-signature", "")):
        raise _mismatch()
    try:
        policy = json.loads(base64.b64decode(fields["policy"]))
    except (ValueError, binascii.Error) as error:
        raise S3Refusal(400, "InvalidPolicyDocument", "Invalid Policy") from error
    return dict(policy)


def _check_condition(condition: Any, fields: dict[str, str], size: int) -> None:
    for operator, name, value in _triples(condition):
        if operator == "content-length-range":
            if size < int(name):
                raise S3Refusal(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
            if size > int(value):
                raise S3Refusal(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
            continue
        actual = fields.get(str(name).lstrip("$").lower(), "")
        if not (actual.startswith(value) if operator == "starts-with" else actual == value):
            text = f'Invalid according to Policy: Policy Condition failed: ["{operator}", "{name}", "{value}"]'
            raise S3Refusal(403, "AccessDenied", text)


def _triples(condition: Any) -> Iterable[tuple[str, Any, Any]]:
    if isinstance(condition, dict):
        return [("eq", f"${name}", value) for name, value in condition.items()]
    return [(condition[0], condition[1], condition[2])]
