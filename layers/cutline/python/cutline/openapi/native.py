"""What the operations of our own APIs share: any credential, and refusals of one shape."""

import json
from collections.abc import Iterable
from typing import Any

from cutline.contracts.wire import Response
from cutline.openapi import examples, operations
from cutline.openapi.schema import Schema, always, closed, ref, text


def security() -> list[dict[str, Any]]:
    """Any one of the schemes."""
    return [{name: []} for name in dict.fromkeys(operations.SECURITY.values())]


def refusal_schema(answers: Iterable[Response]) -> Schema:
    """Exactly the refusals among `answers`."""
    codes = dict.fromkeys((answer.status, json.loads(answer.body)["code"]) for answer in answers)
    return {
        "oneOf": [
            closed({"status": always(status), "code": always(code), "message": text("What is wrong.")})
            for status, code in codes
        ]
    }


def refusals(answers: Iterable[Response], schema: str) -> dict[str, Any]:
    """The OpenAPI responses, with the named schema."""
    found = {}
    for answer in answers:
        body = json.loads(answer.body)
        content = {"schema": ref(schema), "examples": examples.examples({body["code"]: body})}
        found[str(answer.status)] = {"description": body["message"] + ".", "content": {"application/json": content}}
    return {**found, "default": ref("GatewayRefusal", "responses")}
