"""The routes of Cutline's own: upload tickets, usage reports and result links; and what is left of an account's day.

They cost neither rate nor quota. Tickets, which reserve storage, have a rate of their own; the others are bounded
by API Gateway's throttle. Credentials are checked before parameters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.accounts.gate import Gate
from cutline.accounts.identity import Authenticator
from cutline.accounts.usage_report import read_usage
from cutline.adapters.result_store import ResultStore
from cutline.adapters.upload_tickets import UploadTickets
from cutline.contracts import mend, native, uploads, usage, variants
from cutline.contracts.content_negotiation import prefers_webp
from cutline.contracts.forms import read_header
from cutline.contracts.wire import CORS, BrowserContract, CreditContract, Request, Response, json_response
from cutline.errors import AccessRefused, InputRefused, MattingError, Reason, ServiceFault
from cutline.serving.boundary import answer
from cutline.serving.derived import Derivation, DerivedFiles
from cutline.serving.mend_store import key_of_version, version_of
from cutline.serving.variants import Variants
from cutline.storage_keys import ENDINGS, RESULTS

_PNG, _WEBP = ".png", "image/webp"
# How the keys of tasks' masks end, without the ending.
_MASK = "-mask"


@dataclass(frozen=True, kw_only=True)
class UploadService:
    """Answers `POST /uploads`."""

    gate: Gate
    tickets: UploadTickets
    logger: Logger
    metrics: Metrics

    def handle(self, request: Request) -> Response:
        """The ticket, or why there is none."""
        return answer(request, self._serve, uploads.refuse, self.logger, self.metrics)

    def _serve(self, request: Request) -> Response:
        account = self.gate.identify(native.scheme_of(request), request)
        self.gate.meter.throttle(account, "tickets")
        ticket = self.tickets.issue(account.account_id, uploads.parse(request), request.received_at)
        # Never the ticket itself: it is a permission, and its key an address.
        self.logger.info("ticket", request_id=request.request_id, account_id=account.account_id)
        return uploads.render(ticket)


@dataclass(frozen=True, kw_only=True)
class UsageService:
    """Answers `GET /usage`. It only reads, so a JD nonce is not remembered: a replay shows the same counters."""

    authenticator: Authenticator
    meters: Any
    logger: Logger
    metrics: Metrics

    def handle(self, request: Request) -> Response:
        """The report, or why there is none."""
        return answer(request, self._serve, usage.refuse, self.logger, self.metrics)

    def _serve(self, request: Request) -> Response:
        account = self.authenticator.prove(native.scheme_of(request), request).account
        query = usage.parse(request)
        rows = read_usage(self.meters, account.account_id, query.first, query.last)
        self.logger.info("usage", request_id=request.request_id, account_id=account.account_id, rows=len(rows))
        return usage.render(query, account.account_id, rows)


@dataclass(frozen=True, kw_only=True)
class CreditService:
    """Answers what is left of an account's day, for contracts with a route for that. It only reads."""

    authenticator: Authenticator
    meters: Any
    logger: Logger
    metrics: Metrics

    def handle(self, contract: CreditContract, request: Request) -> Response:
        """The calls left, or the contract's refusal."""
        if request.method == "OPTIONS" and isinstance(contract, BrowserContract):
            return contract.preflight(request)
        return answer(
            request,
            lambda request: self._serve(contract, request),
            lambda error: contract.refuse(request, error),
            self.logger,
            self.metrics,
        )

    def _serve(self, contract: CreditContract, request: Request) -> Response:
        if request.method != "GET":
            raise InputRefused(Reason.METHOD_NOT_ALLOWED)
        account = self.authenticator.prove(contract.SCHEME, request).account
        if account.apis is not None and contract.NAME not in account.apis:
            raise AccessRefused(Reason.API_NOT_ALLOWED)
        left = None
        if account.daily_quota is not None:
            today = datetime.fromtimestamp(request.received_at, UTC).date()
            served = sum(row.calls for row in read_usage(self.meters, account.account_id, today, today))
            left = max(0, account.daily_quota - served)
        self.logger.info("credits", request_id=request.request_id, account_id=account.account_id, api=contract.NAME)
        return contract.render_credits(request, left, account.daily_quota)


@dataclass(frozen=True, kw_only=True)
class LinkService:
    """Answers `GET` and `HEAD /r/{token}`.

    `as_webp` makes a WebP of a PNG, or None where the PNG is to stay. A link with parameters is for `variants`, but for
    `version`, which leads to an earlier version of a mended result.
    """

    results: ResultStore
    derived: DerivedFiles
    variants: Variants
    as_webp: Callable[[bytes], bytes | None]
    logger: Logger
    metrics: Metrics

    def handle(self, request: Request, token: str) -> Response:
        """302 to a fresh short-lived URL, or 404 for a forged or expired token. The token is never logged."""
        if any(name != mend.VERSION for name, _ in request.query):
            variant = partial(self.variants.answer, token=token)
            return answer(request, variant, variants.refuse, self.logger, self.metrics)
        return answer(request, lambda request: self._serve(request, token), _no_link, self.logger, self.metrics)

    def _serve(self, request: Request, token: str) -> Response:
        choose = self._webp_of if prefers_webp(read_header(request, "accept")) else str
        if request.query:
            version = mend.read_version(request)
            choose = lambda key: key_of_version(self.results, key, version)  # noqa: E731
        location = self.results.redirect(token, request.received_at, request.method, choose)
        return Response(302, {"Location": location, "Access-Control-Allow-Origin": "*", "Vary": "Accept"}, b"")

    def _webp_of(self, key: str) -> str:
        """The key of the result's WebP, made on first use, under the same name; the result's own if it has none.

        Only results behind links have one: a drop's folder gets no files that its owner did not ask for.
        """
        bare = key.removesuffix(_PNG)
        if bare == key or not key.startswith(RESULTS) or bare.endswith(_MASK):
            return key
        try:
            version = version_of(self.results.metadata(key)[1])
        except InputRefused:  # S3 answers for a result that is gone
            return key
        webp = Derivation(f"{bare}{f'-{version}' if version > 1 else ''}{ENDINGS[_WEBP]}", _WEBP, self.as_webp)
        return webp.key if self.derived.find_or_make(key, webp) else key


def _no_link(error: MattingError) -> Response:
    if isinstance(error, ServiceFault):
        response = native.refuse(error, {})
        return Response(response.status, {**response.headers, **CORS}, response.body)
    return json_response(404, {"message": "This link is unknown or has expired."}, CORS)
