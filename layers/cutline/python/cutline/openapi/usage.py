"""The operation of the usage report: its parameters, its rows, and every answer that its own code gives."""

from datetime import date, timedelta
from typing import Any

from cutline.contracts import usage
from cutline.contracts.apis import APIS
from cutline.contracts.usage import UsageQuery, UsageRow
from cutline.errors import AccessRefused, InputRefused, MattingError, Reason, ServiceFault
from cutline.openapi import examples, native
from cutline.openapi.operation import query
from cutline.openapi.schema import Schema, closed, integer, ref, text

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


def paths() -> dict[str, Any]:
    """`GET /usage`."""
    return {"/usage": {"get": _get()}}


def components() -> dict[str, dict[str, Any]]:
    """The report and its refusals."""
    refusal = native.refusal_schema(map(usage.refuse, _ERRORS))
    return {"schemas": {"UsageReport": _schema(), "UsageError": refusal}}


def _schema() -> Schema:
    day = {"type": "string", "format": "date"}
    amount = text("In the operator's currency.", pattern="^[0-9]+\\.[0-9]{6}$")
    counts = {
        "calls": integer("Calls that were served.", minimum=0),
        "charge": amount,
        "refused": integer("Calls that rate or quota refused, or that failed.", minimum=0),
    }
    api = text("Its short name; `lapsed` are calls that died.", enum=[*APIS, "lapsed"])
    row = closed({"day": day, "api": api, "route": text("Empty for `lapsed`."), **counts})
    report = {"account": text("Whose credential asked."), "from": day, "to": day}
    rows = {"type": "array", "items": row}
    return closed({**report, "rows": rows, "total": closed(counts)})


def _get() -> dict[str, Any]:
    day = {"type": "string", "format": "date"}
    parameters = [
        query("from", f"First day, UTC; {usage.DEFAULT_DAYS} days with the last one unless said.", day),
        query("to", f"Last day; today unless said. At most {usage.MAX_DAYS} days at once.", day),
        query("format", "csv is a download.", {"enum": list(usage.FORMATS), "default": usage.FORMATS[0]}),
    ]
    return {
        "operationId": "usage",
        "tags": [native.TAG],
        "summary": "What an account was served, charged and refused",
        "description": "Per UTC day and API, with any credential of the account. Costs neither rate nor quota.",
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
