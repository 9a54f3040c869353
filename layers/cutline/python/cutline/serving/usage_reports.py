"""Usage reports over HTTP: who has a credential of an account reads that account's counters, at no cost to them."""

from typing import Any

from aws_lambda_powertools import Logger

from cutline.accounts.identity import Authenticator
from cutline.accounts.usage_report import read_usage
from cutline.contracts import native, usage
from cutline.contracts.wire import Request, Response
from cutline.serving.boundary import answer


class UsageDesk:
    """Answers `GET /usage`. It only reads, so a JD nonce is not remembered: a replay shows what was shown before."""

    def __init__(self, authenticator: Authenticator, meters: Any, logger: Logger) -> None:
        self._authenticator = authenticator
        self._meters = meters
        self._logger = logger

    def handle(self, request: Request) -> Response:
        """The report, or why there is none. Credentials are looked at before parameters."""
        return answer(request, self._logger, self._serve, usage.refuse)

    def _serve(self, request: Request) -> Response:
        account = self._authenticator.prove(native.scheme_of(request), request).account
        query = usage.parse(request)
        rows = read_usage(self._meters, account.account_id, query.first, query.last)
        self._logger.info("usage", request_id=request.request_id, account_id=account.account_id, rows=len(rows))
        return usage.render(query, account.account_id, rows)
