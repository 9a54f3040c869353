"""Cutline's own routes that only read: the usage report, the links to results, and the pages of the site function."""

from datetime import date, timedelta
from typing import Any

import cutline
from cutline.contracts import mend, usage, variants
from cutline.contracts.apis import APIS, CALLS
from cutline.contracts.usage import UsageQuery, UsageRow
from cutline.errors import AccessRefused, InputRefused, MattingError, Reason, ServiceFault
from cutline.openapi import examples, native
from cutline.openapi.operation import path_parameter, query
from cutline.openapi.schema import Schema, closed, integer, ref, text
from cutline.pipeline.finish.options import FITS
from cutline.pipeline.options import CONTENT_TYPES, FORMATS
from cutline.pipeline.outputs.profiles import read_profiles

_HTML = {"text/html": {"schema": {"type": "string"}}}
_LAST = date(2026, 1, 31)
_QUERY = UsageQuery(_LAST - timedelta(days=1), _LAST)
_ONE, _OTHER, *_ = tuple(APIS)
_ROWS = [UsageRow("2026-01-30", _ONE, 120, 240_000, 3), UsageRow("2026-01-31", _OTHER, 8, 16_000, 0)]
_ERRORS: tuple[MattingError, ...] = (
    InputRefused(Reason.PARAMETER_INVALID, "from must not be after to"),
    AccessRefused(Reason.KEY_UNKNOWN),
    ServiceFault(Reason.INTERNAL),
    ServiceFault(Reason.OVERLOADED),
)
_VARIANT_ERRORS: tuple[MattingError, ...] = (
    InputRefused(Reason.NO_SUBJECT),
    InputRefused(Reason.PARAMETER_INVALID, "w: must be 1 to 3000 pixels"),
    AccessRefused(Reason.RATE_EXCEEDED),
    ServiceFault(Reason.INTERNAL),
    ServiceFault(Reason.OVERLOADED),
)


def paths() -> dict[str, Any]:
    """Return `/usage`, the links to results, and what the site function serves."""
    return {"/usage": {"get": _get()}, **_links(), **_site()}


def components() -> dict[str, dict[str, Any]]:
    """Return the schemas of the report and of its errors."""
    refusal = native.refusal_schema(map(usage.refuse, _ERRORS))
    variant = native.refusal_schema(map(variants.refuse, _VARIANT_ERRORS))
    return {"schemas": {"UsageReport": _schema(), "UsageError": refusal, "VariantError": variant}}


def _schema() -> Schema:
    day = {"type": "string", "format": "date"}
    amount = text("In the operator's currency.", pattern="^[0-9]+\\.[0-9]{6}$")
    counts = {
        "calls": integer("Calls served.", minimum=0),
        "charge": amount,
        "refused": integer("Calls refused by rate or quota, or failed.", minimum=0),
    }
    api = text("The API's short name; `lapsed` counts calls that never ended.", enum=[*CALLS, "lapsed"])
    row = closed({"day": day, "api": api, "route": text("Empty for `lapsed`."), **counts})
    report = {"account": text("The account of the credential."), "from": day, "to": day}
    rows = {"type": "array", "items": row}
    return closed({**report, "rows": rows, "total": closed(counts)})


def _get() -> dict[str, Any]:
    day = {"type": "string", "format": "date"}
    parameters = [
        query("from", f"First day, UTC; {usage.DEFAULT_DAYS} days up to `to` by default.", day),
        query("to", f"Last day; today by default. A report covers at most {usage.MAX_DAYS} days.", day),
        query("format", "csv is sent as a download.", {"enum": list(usage.FORMATS), "default": usage.FORMATS[0]}),
    ]
    return {
        "operationId": "usage",
        "tags": [native.TAG],
        "summary": "Get the calls served, charged and refused",
        "description": "Per UTC day and API, with any credential of the account. Does not count against rate or quota.",
        "security": native.security(),
        "parameters": parameters,
        "responses": {
            "200": _report(),
            **native.refusals(map(usage.refuse, _ERRORS), "UsageError"),
        },
    }


def _report() -> dict[str, Any]:
    example = usage.report(_QUERY, "shop", _ROWS)
    content = {
        "application/json": {"schema": ref("UsageReport"), "examples": examples.examples({"report": example})},
        "text/csv": {"schema": {"type": "string"}, "example": usage.to_csv(_ROWS)},
    }
    return {"description": "The report.", "content": content}


def _links() -> dict[str, Any]:
    moved = {
        "description": "Redirects to the file, to a WebP version of a PNG if `Accept` names image/webp, or to a "
        "variant that is too large for an answer.",
        "headers": {"Location": {"schema": {"type": "string", "format": "uri"}}},
    }
    token = path_parameter("token", "The token in a result's link.", "sample.png")
    binary = {"schema": {"type": "string", "format": "binary"}}
    headers = {name: {"schema": {"type": "string"}} for name in ("ETag", "Cache-Control")}
    variant = {"description": "The variant that the parameters ask for.", "headers": headers}
    cached = {"description": "The variant of `If-None-Match` is the present one."}
    refusals = native.refusals(map(variants.refuse, _VARIANT_ERRORS), "VariantError")
    found = {"302": moved, "304": cached, "404": native.not_found(), **refusals}
    file = variant | {"content": dict.fromkeys(CONTENT_TYPES.values(), binary)}
    bodiless = {status: {"description": str(answer.get("description", "Refused."))} for status, answer in found.items()}
    earlier = "An earlier version of a mended result, 1 the first; without other parameters."
    version = query(mend.VERSION, earlier, {"type": "integer", "minimum": 1, "maximum": 999})
    parameters = (token, *_variant_parameters(), version)
    return {
        "/r/{token}": {
            **native.get(
                "followLink", "Get a result, or a variant of it, by its link", {"200": file, **found}, *parameters
            ),
            "head": native.get(
                "lookBehindLink", "Get the headers of a result's link", {"200": variant, **bodiless}, *parameters
            )["get"],
        }
    }


def _variant_parameters() -> list[dict[str, Any]]:
    side = {"type": "integer", "minimum": 1, "maximum": variants.MAX_SIDE_PX}
    return [
        query("w", "Width in pixels; the height follows from the shape if there is no `h`.", side),
        query("h", "Height in pixels.", side),
        query(
            "fit",
            "With `w` and `h`: leave space around the picture, or cut it off.",
            {"enum": list(FITS), "default": "contain"},
        ),
        query(
            "bg",
            "Background: transparent, a colour such as ffffff, or a gradient such as ffffff,d0d0d0,90deg.",
            {"type": "string"},
        ),
        query("format", "Of the file; png, or the profile's, by default.", {"enum": list(FORMATS)}),
        query(
            "shadow",
            "none, or a drawn one: drop, or drop 60% 30% 20deg (opacity, softness, angle).",
            {"type": "string"},
        ),
        query(
            "profile",
            "A marketplace's profile: frames the subject and sets the background.",
            {"enum": list(read_profiles())},
        ),
    ]


def _site() -> dict[str, Any]:
    parts = {
        kind: {"schema": {"type": "string"}} for kind in ("text/javascript", "text/css", "image/jpeg", "image/svg+xml")
    }
    facts = {"application/json": {"schema": {"type": "object"}}}
    files = {"200": {"description": "A file.", "content": parts | facts}, "404": native.not_found()}
    name = path_parameter("name", "A file of the playground.", "playground.js")
    page = {"200": {"description": "A page.", "content": _HTML}}
    document = {"description": "OpenAPI 3.1.", "content": facts}
    return {
        "/health": native.get("health", "Health check", {"200": _health()}),
        "/": native.get("playground", "The playground", page),
        "/site/{name}": native.get("siteFile", "A file of the playground", files, name),
        "/openapi.json": native.get("describe", "This document", {"200": document}),
        "/reference": native.get("reference", "This document as a page", page),
    }


def _health() -> dict[str, Any]:
    schema = closed({"status": {"const": "ok"}, "version": text("The service's version.")})
    example = {"status": "ok", "version": cutline.__version__}
    return {
        "description": "The service answers.",
        "content": {"application/json": {"schema": schema, "example": example}},
    }
