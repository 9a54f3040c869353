"""The boundary around calls to our own APIs: every failure is logged once and becomes an answer."""

from collections.abc import Callable

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from cutline.contracts.wire import Request, Response
from cutline.errors import MattingError, Reason, ServiceFault


def answer(
    request: Request,
    logger: Logger,
    serve: Callable[[Request], Response],
    refuse: Callable[[MattingError], Response],
) -> Response:
    """What `serve` answers, or the refusal."""
    try:
        return serve(request)
    except MattingError as error:
        logger.info("refused", request_id=request.request_id, reason=str(error.reason))
        return refuse(error)
    except (ClientError, BotoCoreError):
        logger.exception("fault", request_id=request.request_id)
        return refuse(ServiceFault(Reason.OVERLOADED))
