"""The OpenAPI 3.1 document of everything that the gateway routes (https://spec.openapis.org/oas/v3.1.1)."""

from functools import cache
from typing import Any

import cutline
from cutline.accounts import aidge_signature, jd_signature
from cutline.contracts import ailabtools
from cutline.contracts.wire import Scheme
from cutline.errors import Reason
from cutline.openapi import answers, examples, operations, upload_tickets, usage_report
from cutline.openapi.schema import closed, ref, text

_OURS = "Cutline"
_HTML = {"text/html": {"schema": {"type": "string"}}}


def document(base_url: str) -> dict[str, Any]:
    """The document as it is valid at `base_url`."""
    return {**_document(), "servers": [{"url": base_url}]}


@cache
def _document() -> dict[str, Any]:
    tags = [{"name": title} for title in operations.TITLES.values()] + [{"name": _OURS}]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Cutline",
            "version": cutline.__version__,
            "summary": "Background removal, wire-compatible with five commercial APIs.",
            "description": "Clients of the five APIs change a host name and a key. "
            "Examples of answers are made by the code that answers calls.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [],
        "tags": tags,
        "paths": {**operations.paths(), **_own_paths()},
        "components": {
            "schemas": {**answers.schemas(), **usage_report.schemas(), **upload_tickets.schemas()},
            "parameters": _parameters(),
            "headers": _headers(),
            "responses": {"GatewayRefusal": _gateway_refusal()},
            "securitySchemes": _security(),
        },
    }


def _parameters() -> dict[str, Any]:
    def query(name: str, description: str, **schema: Any) -> dict[str, Any]:
        shape = {"type": "string", **schema}
        return {"name": name, "in": "query", "required": False, "description": description, "schema": shape}

    return {
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "Any text of your own. A call repeated with it gets the first answer and is charged once, "
            "unless the account retains nothing.",
            "schema": {"type": "string", "maxLength": 255},
        },
        "AppKey": query("app_key", "The account's app key."),
        "Timestamp": query("timestamp", "Milliseconds since 1970, which the signature covers.", pattern="^[0-9]{13}$"),
        "SignVersion": query("sign_ver", "v2, or absent for the classic signature over all parameters.", enum=["v2"]),
    }


def _headers() -> dict[str, Any]:
    def header(description: str, **schema: Any) -> dict[str, Any]:
        return {"description": description, "schema": {"type": "string", **schema}}

    return {
        "ServerTiming": header("Milliseconds per stage of the call."),
        "ChargeMicros": header("What the call cost, in millionths of the operator's currency.", pattern="^[0-9]+$"),
        "RequestId": header("Id of the call."),
        "TaskId": header("The task's id, where the answer is the file itself."),
        "RetryAfter": header("Seconds to wait, with 429.", pattern="^[0-9]+$"),
    }


def _security() -> dict[str, Any]:
    jd_minutes, aidge_minutes = jd_signature.WINDOW_S // 60, aidge_signature.WINDOW_S // 60

    def key(name: str, place: str, description: str) -> dict[str, Any]:
        return {"type": "apiKey", "name": name, "in": place, "description": description}

    return {
        "jd": key(
            "Authorization",
            "header",
            "JDCLOUD2-HMAC-SHA256 or JDCLOUD3-HMAC-SHA256 as JD Cloud's SDKs sign: over method, path, signed headers "
            f"and the body's SHA-256. `x-jdcloud-date` holds for {jd_minutes} minutes, `x-jdcloud-nonce` once.",
        ),
        "picwish": key("X-API-KEY", "header", "The account's API key."),
        "aidge": key(
            "sign",
            "query",
            "HMAC-SHA256 with the app secret over secret + timestamp (`sign_ver=v2`), or over the API's name and all "
            f"parameters, as upper-case hexadecimal. Holds for {aidge_minutes} minutes.",
        ),
        "ailab": key(Scheme.AILAB.value, "header", "The account's API key."),
    }


def _gateway_refusal() -> dict[str, Any]:
    row = ailabtools.ERRORS[Reason.BODY_TOO_LARGE]
    example = {
        "status": 413,
        "message": "Request Entity Too Large",
        "error_code": 413,
        "error_code_str": row.code,
        "error_msg": row.message,
        "error_detail": {
            "status_code": 413,
            "code": row.code,
            "code_message": row.message,
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
    }
    content = {"application/json": {"schema": ref("GatewayRefusal"), "example": example}}
    return {
        "description": "API Gateway itself, in a body that the clients of all five APIs can read.",
        "content": content,
    }


def _own_paths() -> dict[str, Any]:
    health = closed({"status": {"const": "ok"}, "version": text("Of the service.")})
    message = closed({"message": text("What is wrong.")})
    lost = {"description": "Unknown or expired.", "content": {"application/json": {"schema": message}}}
    nothing = {"description": "Unknown or expired."}
    moved = {"description": "To the file.", "headers": {"Location": {"schema": {"type": "string", "format": "uri"}}}}
    token = _path_parameter("token", "From a result's link.", "sample.png")
    name = _path_parameter("name", "A file of the playground.", "playground.js")
    own = {"application/json": {"schema": health, "example": {"status": "ok", "version": cutline.__version__}}}
    parts = {
        kind: {"schema": {"type": "string"}} for kind in ("text/javascript", "text/css", "image/jpeg", "image/svg+xml")
    }
    facts = {"application/json": {"schema": {"type": "object"}}}
    return {
        "/r/{token}": {
            **_get("followLink", "A result, by its link", {"302": moved, "404": lost}, token),
            "head": _get("lookBehindLink", "Its headers", {"302": moved, "404": nothing}, token)["get"],
        },
        "/usage": {"get": usage_report.operation(_OURS)},
        "/uploads": {"post": upload_tickets.operation(_OURS)},
        "/health": _get("health", "Whether the service answers", {"200": {"description": "It does.", "content": own}}),
        "/": _get("playground", "The playground, for people", {"200": {"description": "A page.", "content": _HTML}}),
        "/site/{name}": _get(
            "siteFile",
            "The playground's parts",
            {"200": {"description": "A file.", "content": parts | facts}, "404": lost},
            name,
        ),
        "/openapi.json": _get(
            "describe",
            "This document",
            {"200": {"description": "OpenAPI 3.1.", "content": {"application/json": {"schema": {"type": "object"}}}}},
        ),
        "/reference": _get(
            "reference", "This document, for people", {"200": {"description": "A page.", "content": _HTML}}
        ),
    }


def _path_parameter(name: str, description: str, example: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
        "example": example,
    }


def _get(name: str, summary: str, responses: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
    operation = {"operationId": name, "tags": [_OURS], "summary": summary, "security": [], "responses": responses}
    return {"get": operation | ({"parameters": list(parameters)} if parameters else {})}
