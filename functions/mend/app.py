"""The mend function: `POST /r/{token}/mend` changes a stored result by strokes (contracts.md 6.5)."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.bootstrap import Bootstrap
from cutline.contracts import mend
from cutline.pipeline.codecs.decoder_process import start_decoder
from cutline.pipeline.codecs.memory import keep_freed_memory
from cutline.serving.proxy_event import to_proxy, to_request
from cutline.settings import Settings

logger = Logger(service="mend")
metrics = Metrics(namespace="Cutline", service="mend")
settings = Settings.from_environment()
service = Bootstrap(settings).mending(logger, metrics)
start_decoder()
keep_freed_memory()


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One REST proxy event in, one answer out."""
    return to_proxy(service.handle(mend, to_request(event, settings.public_url)))
