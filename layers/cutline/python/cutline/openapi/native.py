"""The parts that Cutline's own routes share: any credential, one shape of errors, API Gateway's responses."""

import json
from collections.abc import Iterable
from typing import Any

from cutline.contracts.apis import APIS
from cutline.contracts.wire import Response
from cutline.openapi import examples
from cutline.openapi.operation import security_name
from cutline.openapi.schema import ID, Schema, always, closed, integer, ref, text

TAG = "Cutline"


def security() -> list[dict[str, Any]]:
    """Return security requirements of which any one is enough."""
    return [{name: []} for name in dict.fromkeys(map(security_name, APIS.values()))]


def get(name: str, summary: str, responses: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the path item of a GET route without a credential."""
    operation = {"operationId": name, "tags": [TAG], "summary": summary, "security": [], "responses": responses}
    return {"get": operation | ({"parameters": list(parameters)} if parameters else {})}


def not_found() -> dict[str, Any]:
    """Return the response for an unknown name."""
    message = closed({"message": text("What is wrong.")})
    return {"description": "Unknown or expired.", "content": {"application/json": {"schema": message}}}


def refusal_schema(answers: Iterable[Response]) -> Schema:
    """Return the schema of exactly these errors."""
    codes = dict.fromkeys((answer.status, json.loads(answer.body)["code"]) for answer in answers)
    return {
        "oneOf": [
            closed({"status": always(status), "code": always(code), "message": text("What is wrong.")})
            for status, code in codes
        ]
    }


def refusals(answers: Iterable[Response], schema: str) -> dict[str, Any]:
    """Return the errors as OpenAPI responses with the named schema."""
    found = {}
    for answer in answers:
        body = json.loads(answer.body)
        content = {"schema": ref(schema), "examples": examples.examples({body["code"]: body})}
        found[str(answer.status)] = {"description": body["message"] + ".", "content": {"application/json": content}}
    return {**found, "default": ref("GatewayRefusal", "responses")}


def components() -> dict[str, dict[str, Any]]:
    """Return API Gateway's own response, which any call may get in place of the API's."""
    example = {
        "status": 413,
        "message": "Request Entity Too Large",
        "error_code": 413,
        "error_code_str": "ERROR_REQUEST_BODY_TOO_LARGE",
        "error_msg": "Request body size exceeds limit.",
        "error_detail": {
            "status_code": 413,
            "code": "ERROR_REQUEST_BODY_TOO_LARGE",
            "code_message": "Request body size exceeds limit.",
            "message": "Request Entity Too Large",
        },
        "error": {"code": 413, "status": "OUT_OF_RANGE", "message": "Request Entity Too Large"},
        "code": "REQUEST_TOO_LARGE",
        "msg": "Request Entity Too Large",
        "result": None,
        "charge": False,
        "remain": -1,
        "resCode": 700,
        "resMessage": "invalid input",
        "success": False,
        "data": None,
        "requestId": examples.REQUEST_ID,
        "request_id": examples.REQUEST_ID,
        "detail": "Request Entity Too Large",
        "errors": [{"title": "Request Entity Too Large", "code": "REQUEST_TOO_LARGE"}],
    }
    response = {
        "description": "Sent by API Gateway itself, with a body that the clients of all APIs can parse.",
        "content": {"application/json": {"schema": ref("GatewayRefusal"), "example": example}},
    }
    return {"schemas": {"GatewayRefusal": _gateway_shape()}, "responses": {"GatewayRefusal": response}}


def _gateway_shape() -> Schema:
    """Return the union of every API's fields: the gateway does not know which API was called."""
    status, wrong, word = integer("The HTTP status."), text("What is wrong."), text("The status as a word.")
    fault = closed({"title": wrong, "code": text("API Gateway's error code.")})
    return closed(
        {
            "status": status,
            "message": wrong,
            "error_code": status,
            "error_code_str": word,
            "error_msg": wrong,
            "error_detail": closed({"status_code": status, "code": word, "code_message": wrong, "message": wrong}),
            "error": closed({"code": status, "status": word, "message": wrong}),
            "code": text("API Gateway's error code."),
            "msg": wrong,
            "result": always(None),
            "charge": always(False),
            "remain": always(-1),
            "resCode": integer("The error as a number."),
            "resMessage": wrong,
            "success": always(False),
            "data": always(None),
            "requestId": ID,
            "request_id": ID,
            "detail": wrong,
            "errors": {"type": "array", "items": fault, "minItems": 1, "maxItems": 1},
        }
    )
