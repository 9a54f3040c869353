"""The permissions that a call to an AWS service needs: action, resource and the values for conditions."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, unquote
from xml.etree import ElementTree

from localcloud.aws_account import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_CREDENTIAL = re.compile(r"Credential=([^/,]+)/")
_ENDPOINT = re.compile(r"/endpoints/([^/]+)/(async-)?invocations")
_INVOKE = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
_S3_ACTIONS = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject", "DELETE": "s3:DeleteObject"}
_KEY_ID_BYTES = 36  # moto's ciphertexts begin with their key's id


@dataclass(frozen=True)
class Need:
    """One needed permission; `resource` is "" if the call does not name one, such as the machine of a task token."""

    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def caller_of(environ: "WSGIEnvironment") -> str:
    """The access key that signed a call, from its header, URL or form; "" without one."""
    header = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    if header:
        return header[1]
    query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
    form: Mapping[str, str] = environ.get("localcloud.form", {})
    credential = query.get("X-Amz-Credential") or form.get("x-amz-credential", "")
    return query.get("AWSAccessKeyId", "") or credential.partition("/")[0]


def needs_of(environ: "WSGIEnvironment", body: bytes) -> list[Need]:
    """The permissions that a call needs. Raises LookupError for a call that is not listed here."""
    endpoint = _ENDPOINT.fullmatch(environ["PATH_INFO"])
    if endpoint:
        action = "InvokeEndpointAsync" if endpoint[2] else "InvokeEndpoint"
        return [Need(f"sagemaker:{action}", _arn("sagemaker", f"endpoint/{unquote(endpoint[1])}"))]
    invoked = _INVOKE.fullmatch(environ["PATH_INFO"])
    if invoked:
        name = unquote(invoked[1])
        return [Need("lambda:InvokeFunction", name if name.startswith("arn:") else _arn("lambda", f"function:{name}"))]
    version, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
    if not operation:
        return _s3(environ, body)
    return _NAMED[version.partition("_")[0]](operation, json.loads(body or b"{}"))


def absence_of(need: Need) -> Need:
    """The permission that S3 needs to answer 404 for a missing object; without it S3 answers 403."""
    bucket, _, key = need.resource.partition("/")
    return Need("s3:ListBucket", bucket, {"s3:prefix": (key,)})


def _s3(environ: "WSGIEnvironment", body: bytes) -> list[Need]:
    bucket, _, key = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace").lstrip("/").partition("/")
    method, query = environ["REQUEST_METHOD"], environ.get("QUERY_STRING", "")
    form: Mapping[str, str] = environ.get("localcloud.form", {})
    whole = f"arn:aws:s3:::{bucket}"
    if "delete" in parse_qs(query, keep_blank_values=True):
        keys = [node.text or "" for node in ElementTree.fromstring(body).iter() if node.tag.endswith("}Key")]
        return [Need("s3:DeleteObject", f"{whole}/{name}") for name in keys]
    if not key and form:
        return [Need("s3:PutObject", f"{whole}/{form.get('key', '')}")]
    if not key and method == "GET":
        return [Need("s3:ListBucket", whole, {"s3:prefix": tuple(parse_qs(query).get("prefix", [""]))})]
    return [Need(_S3_ACTIONS[method], f"{whole}/{key}")]


def _dynamodb(operation: str, document: dict[str, Any]) -> list[Need]:
    if operation == "TransactWriteItems":
        parts = [part for item in document["TransactItems"] for part in item.items()]
        return [need for name, part in parts for need in _dynamodb(f"{name}Item", part)]
    table = document["TableName"]
    leading = document.get("Key") or document.get("Item") or document.get("ExpressionAttributeValues", {})
    value = leading.get("pk") or leading.get(":pk") or {}
    keys = tuple(str(text) for text in value.values())
    return [Need(f"dynamodb:{operation}", _arn("dynamodb", f"table/{table}"), {"dynamodb:LeadingKeys": keys})]


def _kms(operation: str, document: dict[str, Any]) -> list[Need]:
    key = document.get("KeyId", "")
    if not key:
        try:
            key = base64.b64decode(document["CiphertextBlob"])[:_KEY_ID_BYTES].decode("ascii", "replace")
        except binascii.Error:
            key = ""
    return [Need(f"kms:{operation}", key if key.startswith("arn:") else _arn("kms", f"key/{key}"))]


def _queue(operation: str, document: dict[str, Any]) -> list[Need]:
    name = document["QueueUrl"].rpartition("/")[2]
    action = operation.replace("MessageBatch", "Message")
    return [Need(f"sqs:{action}", f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{name}")]


def _states(operation: str, document: dict[str, Any]) -> list[Need]:
    return [Need(f"states:{operation}", document.get("stateMachineArn", ""))]


def _secret(operation: str, document: dict[str, Any]) -> list[Need]:
    return [Need(f"secretsmanager:{operation}", document.get("SecretId", ""))]


_NAMED = {
    "DynamoDB": _dynamodb,
    "TrentService": _kms,
    "AmazonSQS": _queue,
    "AWSStepFunctions": _states,
    "secretsmanager": _secret,
}


def _arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT_ID}:{rest}"
