"""Usage, Cutline's own API: `GET /usage?from=&to=&format=json|csv` returns one row per UTC day and API."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from cutline.contracts import native
from cutline.contracts.apis import CALLS
from cutline.contracts.forms import read_query
from cutline.contracts.wire import Request, Response, json_response
from cutline.errors import InputRefused, MattingError, Reason

DEFAULT_DAYS = 30
MAX_DAYS = 400
FORMATS = ("json", "csv")
COLUMNS = ("day", "api", "route", "calls", "charge", "refused")
_ERRORS: Mapping[Reason, native.ErrorRow] = {
    Reason.PARAMETER_INVALID: (400, "invalid_parameter", "A parameter is invalid"),
}


@dataclass(frozen=True)
class UsageQuery:
    """A validated query. Both days are included."""

    first: date
    last: date
    form: str = "json"


@dataclass(frozen=True)
class UsageRow:
    """Calls of one API that were served, charged and refused on one day."""

    day: str
    api: str
    calls: int = 0
    charge_micros: int = 0
    refused: int = 0

    def cells(self) -> dict[str, str | int]:
        """Return the row by column, in the order of COLUMNS; `route` is empty where a row covers several."""
        return {
            "day": self.day,
            "api": self.api,
            "route": CALLS.get(self.api, ""),
            "calls": self.calls,
            "charge": amount(self.charge_micros),
            "refused": self.refused,
        }


def parse(request: Request) -> UsageQuery:
    """The validated query. Raises InputRefused."""
    params = read_query(request)
    form = params.get("format", FORMATS[0])
    if form not in FORMATS:
        raise _invalid("format must be json or csv")
    today = datetime.fromtimestamp(request.received_at, UTC).date()
    first, last = parse_period(params.get("from", ""), params.get("to", ""), today)
    return UsageQuery(first, last, form)


def parse_period(first_text: str, last_text: str, today: date) -> tuple[date, date]:
    """The days from and to, both included; empty texts mean the last 30 days. Raises InputRefused."""
    last = _date("to", last_text) if last_text else today
    try:
        first = _date("from", first_text) if first_text else last - timedelta(days=DEFAULT_DAYS - 1)
    except OverflowError as error:
        raise _invalid("to is too early") from error
    if first > last:
        raise _invalid("from must not be after to")
    if (last - first).days >= MAX_DAYS:
        raise _invalid(f"at most {MAX_DAYS} days can be asked for at once")
    return first, last


def render(query: UsageQuery, account_id: str, rows: Sequence[UsageRow]) -> Response:
    """The report, as JSON with totals or as CSV with a header line."""
    if query.form == "csv":
        name = f"usage-{query.first}-{query.last}.csv"
        headers = {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": f'attachment; filename="{name}"'}
        return Response(200, headers, to_csv(rows).encode())
    return json_response(200, report(query, account_id, rows))


def report(query: UsageQuery, account_id: str, rows: Sequence[UsageRow]) -> dict[str, object]:
    """The JSON document of a report."""
    return {
        "account": account_id,
        "from": str(query.first),
        "to": str(query.last),
        "rows": [row.cells() for row in rows],
        "total": totals(rows),
    }


def totals(rows: Sequence[UsageRow]) -> dict[str, str | int]:
    """The sums over all rows."""
    return {
        "calls": sum(row.calls for row in rows),
        "charge": amount(sum(row.charge_micros for row in rows)),
        "refused": sum(row.refused for row in rows),
    }


def to_csv(rows: Iterable[UsageRow]) -> str:
    """The rows under a header line, as RFC 4180 wants them."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(row.cells() for row in rows)
    return text.getvalue()


def refuse(error: MattingError) -> Response:
    """The answer to a question that failed."""
    return native.refuse(error, _ERRORS)


def amount(micros: int) -> str:
    """Millionths of the operator's currency as a decimal number."""
    return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"


def _date(name: str, text: str) -> date:
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass  # the 30th of February: worded below like every other text that is no date
    raise _invalid(f"{name} must be a date such as 2026-01-31")


def _invalid(detail: str) -> InputRefused:
    return InputRefused(Reason.PARAMETER_INVALID, detail)
