"""The smoke function: on a schedule, a drawn picture through the deployed API; the metric says whether all works."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.bootstrap import Bootstrap
from cutline.serving.telemetry import count_smoke
from cutline.settings import Settings
from cutline.watch.smoke import read_key, run

logger = Logger(service="smoke")
metrics = Metrics(namespace="Cutline", service="smoke")
settings = Settings.from_environment()
bootstrap = Bootstrap(settings)
settings.require("api_url", "smoke_key")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Any event in, the report out, also if something does not work."""
    report = run(settings.public_url or settings.api_url, lambda: read_key(bootstrap.secret(settings.smoke_key)))
    (logger.error if report.faults else logger.info)("smoke", step_ms=report.ms, faults=report.faults)
    count_smoke(metrics, passed=not report.faults)
    return {"passed": not report.faults, "ms": report.ms, "faults": report.faults}
