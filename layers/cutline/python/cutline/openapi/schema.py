"""JSON Schema in few words: each function returns one schema as a plain dictionary."""

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]


def text(description: str, **more: Any) -> Schema:
    """A string."""
    return {"type": "string", "description": description, **more}


def integer(description: str, **more: Any) -> Schema:
    """A whole number."""
    return {"type": "integer", "description": description, **more}


def number(description: str, **more: Any) -> Schema:
    """A number."""
    return {"type": "number", "description": description, **more}


def boolean(description: str) -> Schema:
    """True or false."""
    return {"type": "boolean", "description": description}


def always(value: Any) -> Schema:
    """One value and no other."""
    return {"const": value}


def file(description: str) -> Schema:
    """Raw bytes."""
    return {"type": "string", "contentMediaType": "application/octet-stream", "description": description}


def base64(description: str, **more: Any) -> Schema:
    """Bytes as base64."""
    return {"type": "string", "contentEncoding": "base64", "description": description, **more}


def link(description: str) -> Schema:
    """An http(s) address."""
    return {"type": "string", "format": "uri", "pattern": "^https?://", "description": description}


def result(description: str) -> Schema:
    """A link to a result, or the result itself for an account that retains nothing."""
    return {**link(description), "pattern": "^(https?://|data:image/)"}


def source(description: str) -> Schema:
    """The address of a picture, or of an upload."""
    return {**link(description), "pattern": "^(https?://|upload:)"}


def one_of(*names: str) -> Schema:
    """Exactly one of the named components."""
    return {"oneOf": [ref(name) for name in names]}


def ref(name: str, kind: str = "schemas") -> Schema:
    """A component by name."""
    return {"$ref": f"#/components/{kind}/{name}"}


def closed(properties: Mapping[str, Schema], optional: Sequence[str] = (), **more: Any) -> Schema:
    """An object with these properties and no others."""
    required = [name for name in properties if name not in optional]
    return {
        "type": "object",
        "properties": dict(properties),
        "required": required,
        "additionalProperties": False,
        **more,
    }


def choice(description: str, values: Sequence[str | int], default: str | int | None = None) -> Schema:
    """One of `values`; forms carry numbers as text, so both are taken."""
    allowed = list(values) + [str(value) for value in values if isinstance(value, int)]
    return {"enum": allowed, "description": description, **({} if default is None else {"default": default})}


ID = text("Id of the call, also found in the service's log.")
ID_AGAIN = text("The same id again: the vendor's pages spell the field both ways.")
