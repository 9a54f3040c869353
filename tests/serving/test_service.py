"""A synchronous call as one service handles it, with stand-ins for its parts."""

import json

from aws_lambda_powertools import Logger, Metrics
from botocore.exceptions import ReadTimeoutError

from cutline.accounts.account import Account
from cutline.contracts import jd_matting
from cutline.serving.service import Service
from tests.support import calls


class Silent:
    """A gate behind which DynamoDB does not answer."""

    def authenticate(self, *_: object) -> Account:
        raise ReadTimeoutError(endpoint_url="https://dynamodb")


def test_a_service_that_does_not_answer_in_time_is_too_busy() -> None:
    logger, metrics = Logger(service="test"), Metrics(namespace="test", service="test")
    service = Service(
        gate=Silent(),  # type: ignore[arg-type]
        idempotency=None,  # type: ignore[arg-type]
        results=None,
        processor=None,  # type: ignore[arg-type]
        sources=None,  # type: ignore[arg-type]
        logger=logger,
        metrics=metrics,
        time_limit_ms=5000,
    )
    answer = service.handle(jd_matting, calls.call(b"x"))
    assert (answer.status, json.loads(answer.body)["code"]) == (503, 10020)
