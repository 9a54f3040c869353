"""Upload tickets over HTTP: they cost neither rate nor quota, and API Gateway's throttle bounds them."""

from aws_lambda_powertools import Logger

from cutline.accounts.gate import Gate
from cutline.adapters.upload_tickets import TicketOffice
from cutline.contracts import native, uploads
from cutline.contracts.wire import Request, Response
from cutline.serving.boundary import answer


class UploadDesk:
    """Answers `POST /uploads`."""

    def __init__(self, gate: Gate, office: TicketOffice, logger: Logger) -> None:
        self._gate = gate
        self._office = office
        self._logger = logger

    def handle(self, request: Request) -> Response:
        """The ticket, or why there is none. Credentials are looked at before parameters."""
        return answer(request, self._logger, self._serve, uploads.refuse)

    def _serve(self, request: Request) -> Response:
        account = self._gate.identify(native.scheme_of(request), request)
        wish = uploads.parse(request)
        ticket = self._office.issue(account.account_id, wish, request.received_at)
        # The ticket itself is a permission, and its key an address: neither is for the log.
        self._logger.info("ticket", request_id=request.request_id, account_id=account.account_id)
        return uploads.render(ticket)
