"""The OpenAPI document as tests use it: its operations, its schemas, and calls made from them."""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from jsonschema import Draft202012Validator

from cutline.openapi import examples
from cutline.openapi.document import document
from cutline.openapi.reference_page import operations, resolved
from devkit.running import Answer, RunningCloud
from localcloud.sign import aidge_url, jd_headers

DOCUMENT = document("https://cutout.example.com/v1")


@dataclass(frozen=True)
class Operation:
    """One method of one path, with one kind of body ("" for none)."""

    path: str
    method: str
    kind: str
    spec: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path} {self.kind}".strip()

    @property
    def schema(self) -> dict[str, Any]:
        """The body's schema."""
        found: dict[str, Any] = self.spec["requestBody"]["content"][self.kind]["schema"]
        return found

    @property
    def example(self) -> Any:
        """The body's example."""
        return self.spec["requestBody"]["content"][self.kind]["example"]

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """Its parameters, references followed."""
        return [resolved(DOCUMENT, parameter) for parameter in self.spec.get("parameters", [])]

    @property
    def required_query(self) -> dict[str, Any]:
        """Its required query parameters, by their examples."""
        needed = [one for one in self.parameters if one["in"] == "query" and one["required"] and "example" in one]
        return {one["name"]: one["example"] for one in needed}


def all_operations() -> Iterator[Operation]:
    """Every operation once per kind of body."""
    for path, method, spec in operations(DOCUMENT):
        for kind in spec.get("requestBody", {}).get("content", {"": None}):
            yield Operation(path, method, kind, spec)


def is_file(schema: Mapping[str, Any]) -> bool:
    return "contentMediaType" in schema


def faults(schema: Mapping[str, Any], value: Any) -> list[str]:
    """What is wrong with a value, in words."""
    validator = Draft202012Validator({**schema, "components": DOCUMENT["components"]})
    return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(value)]


def judge(operation: Operation, answer: Answer) -> None:
    """Fails unless the document foresees exactly this answer."""
    responses = operation.spec["responses"]
    assert str(answer.status) in responses, (str(operation), answer.status, answer.body[:300])
    response = resolved(DOCUMENT, responses[str(answer.status)])
    content = response.get("content", {})
    if not content:
        return
    kind = answer.headers["Content-Type"].partition(";")[0]
    assert kind in content, (str(operation), kind)
    if kind == "application/json":
        assert faults(content[kind]["schema"], answer.json()) == [], (str(operation), answer.body[:500])


def encode(operation: Operation, fields: Any) -> tuple[bytes, str]:
    """The body and its content type; every file is the document's own picture."""
    if is_file(operation.schema):
        return examples.picture(), operation.kind
    if operation.kind == "application/json":
        return json.dumps(fields).encode(), operation.kind
    if operation.kind == "application/x-www-form-urlencoded":
        return urlencode(fields).encode(), operation.kind
    boundary = uuid.uuid4().hex
    parts = []
    for name, value in fields.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
        if is_file(operation.schema["properties"].get(name, {})):
            parts.append(f'{head}; filename="photo"\r\n\r\n'.encode() + examples.picture() + b"\r\n")
        else:
            parts.append(f"{head}\r\n\r\n{value}\r\n".encode())
    return b"".join([*parts, f"--{boundary}--\r\n".encode()]), f"{operation.kind}; boundary={boundary}"


def call(
    cloud: RunningCloud, operation: Operation, fields: Any = None, query: Mapping[str, Any] | None = None
) -> Answer:
    """A call of the running service, signed with the demo account as the operation's security says."""
    path = operation.path
    for parameter in operation.parameters:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", parameter["example"])
    url = cloud.url + path + (f"?{urlencode(query)}" if query else "")
    body, kind = encode(operation, fields) if operation.kind else (None, "")
    headers = {"Content-Type": kind} if kind else {}
    for scheme in (name for requirement in operation.spec["security"] for name in requirement):
        if scheme == "jd":
            headers = jd_headers(url, body or b"", kind)
        elif scheme == "aidge":
            url = aidge_url(url)
        else:
            headers[DOCUMENT["components"]["securitySchemes"][scheme]["name"]] = "demo-key"
    return cloud.call(operation.method.upper(), url, body, headers)
