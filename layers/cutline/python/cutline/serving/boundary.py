"""The boundary around every call: each exception becomes one reason, and each fault is logged and counted once."""

from collections.abc import Callable

from aws_lambda_powertools import Logger, Metrics
from botocore.exceptions import ClientError, HTTPClientError

from cutline.contracts.wire import Request, Response
from cutline.errors import MattingError, Reason, ServiceFault
from cutline.serving.telemetry import count_fault

_THROTTLES = frozenset(
    {"ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "SlowDown"}
)


def answer(
    request: Request,
    serve: Callable[[Request], Response],
    refuse: Callable[[MattingError], Response],
    logger: Logger,
    metrics: Metrics,
) -> Response:
    """Return what `serve` returns, or what `refuse` makes of its failure."""
    try:
        return serve(request)
    except Exception as error:
        failure = failure_of(error, request.request_id, logger, metrics)
        if not isinstance(failure, ServiceFault):
            logger.info("refused", request_id=request.request_id, reason=str(failure.reason))
        return refuse(failure)


def failure_of(error: Exception, request_id: str, logger: Logger, metrics: Metrics) -> MattingError:
    """Return the refusal or fault behind any exception. A fault is logged and counted here, a refusal by the caller."""
    failure = _as_matting_error(error)
    if isinstance(failure, ServiceFault):
        reason = str(failure.reason)
        logger.error("fault", request_id=request_id, reason=reason, detail=failure.detail, exc_info=error)
        count_fault(metrics)
    return failure


def _as_matting_error(error: Exception) -> MattingError:
    if isinstance(error, MattingError):
        return error
    if isinstance(error, ClientError) and error.response["Error"]["Code"] in _THROTTLES:
        return ServiceFault(Reason.OVERLOADED)
    if isinstance(error, HTTPClientError):  # no connection, or no answer in time
        return ServiceFault(Reason.OVERLOADED, type(error).__name__)
    return ServiceFault(Reason.INTERNAL, type(error).__name__)
