"""Builders of JSON Schema: each function returns one schema as a plain dictionary."""

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]


def text(description: str, **more: Any) -> Schema:
    """Return the schema of a string."""
    return {"type": "string", "description": description, **more}


def integer(description: str, **more: Any) -> Schema:
    """Return the schema of an integer."""
    return {"type": "integer", "description": description, **more}


def number(description: str, **more: Any) -> Schema:
    """Return the schema of a number."""
    return {"type": "number", "description": description, **more}


def boolean(description: str) -> Schema:
    """Return the schema of a boolean."""
    return {"type": "boolean", "description": description}


def always(value: Any) -> Schema:
    """Return the schema of a constant."""
    return {"const": value}


def file(description: str) -> Schema:
    """Return the schema of raw bytes."""
    return {"type": "string", "contentMediaType": "application/octet-stream", "description": description}


def base64(description: str, **more: Any) -> Schema:
    """Return the schema of bytes as base64."""
    return {"type": "string", "contentEncoding": "base64", "description": description, **more}


def link(description: str) -> Schema:
    """Return the schema of an http(s) URL."""
    return {"type": "string", "format": "uri", "pattern": "^https?://", "description": description}


def result(description: str) -> Schema:
    """Return the schema of a result's URL, or a data URI of it for an account that stores nothing."""
    return {**link(description), "pattern": "^(https?://|data:image/)"}


def source(description: str) -> Schema:
    """Return the schema of the URL of a picture, or an upload's source."""
    return {**link(description), "pattern": "^(https?://|upload:)"}


def one_of(*names: str) -> Schema:
    """Return the schema of exactly one of the named components."""
    return {"oneOf": [ref(name) for name in names]}


def ref(name: str, kind: str = "schemas") -> Schema:
    """Return a reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def closed(properties: Mapping[str, Schema], optional: Sequence[str] = (), **more: Any) -> Schema:
    """Return the schema of an object with only these properties."""
    required = [name for name in properties if name not in optional]
    return {
        "type": "object",
        "properties": dict(properties),
        "required": required,
        "additionalProperties": False,
        **more,
    }


def choice(description: str, values: Sequence[str | int], default: str | int | None = None) -> Schema:
    """Return the schema of one of `values`; numbers are accepted as text too, as forms send them."""
    allowed = list(values) + [str(value) for value in values if isinstance(value, int)]
    return {"enum": allowed, "description": description, **({} if default is None else {"default": default})}


ID = text("Id of the call, also found in the service's log.")
ID_AGAIN = text("The same id: the vendor's pages spell the field both ways.")
