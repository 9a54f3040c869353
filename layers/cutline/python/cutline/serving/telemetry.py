"""The metrics in CloudWatch: few, with few dimensions, because each combination that occurs is billed.

service, api, reason     Requests, TotalMs, ChargeMicros
service, step, reason    FailedSteps
service                  Faults, Refusals (only of steps), which alarms watch: an alarm cannot search for reasons
                         ColdStarts, LostMessages, SmokePassed

Where a call's time goes is in its log line, which the dashboard reads: as metrics, every stage of every function would
be billed each month.
"""

import itertools

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

_calls = itertools.count()


def count_request(metrics: Metrics, api: str, reason: str, total_ms: int, charge_micros: int) -> None:
    """Count one call of an API and its price."""
    _dimensions(metrics, api=api, reason=reason)
    metrics.add_metric("Requests", MetricUnit.Count, 1)
    metrics.add_metric("TotalMs", MetricUnit.Milliseconds, total_ms)
    if charge_micros:
        metrics.add_metric("ChargeMicros", MetricUnit.NoUnit, charge_micros)
    metrics.flush_metrics()


def count_fault(metrics: Metrics) -> None:
    """Count one fault of the service, at any status: some APIs answer faults with HTTP 200."""
    metrics.add_metric("Faults", MetricUnit.Count, 1)
    metrics.flush_metrics()


def count_refusal(metrics: Metrics) -> None:
    """Count one step that failed by the caller's picture or address; Lambda counts it as an error of the function."""
    metrics.add_metric("Refusals", MetricUnit.Count, 1)
    metrics.flush_metrics()


def count_lost_message(metrics: Metrics) -> None:
    """Count one task whose message to the workers has vanished."""
    metrics.add_metric("LostMessages", MetricUnit.Count, 1)
    metrics.flush_metrics()


def count_charge(metrics: Metrics, api: str, charge_micros: int) -> None:
    """Count the price of a finished task, whose call was counted before."""
    if charge_micros:
        _dimensions(metrics, api=api, reason="ok")
        metrics.add_metric("ChargeMicros", MetricUnit.NoUnit, charge_micros)
        metrics.flush_metrics()


def count_failed_step(metrics: Metrics, step: str, reason: str) -> None:
    """Count one failed try of a step. Finished tasks are counted with their calls and in Step Functions' metrics."""
    _dimensions(metrics, step=step, reason=reason)
    metrics.add_metric("FailedSteps", MetricUnit.Count, 1)
    metrics.flush_metrics()


def count_smoke(metrics: Metrics, *, passed: bool) -> None:
    """Note whether the scheduled smoke passed: 1 or 0, so that its absence differs from both."""
    metrics.add_metric("SmokePassed", MetricUnit.Count, int(passed))
    metrics.flush_metrics()


def is_cold_start() -> bool:
    """Return whether this is the first call of the sandbox; to be called once per call."""
    return next(_calls) == 0


def count_cold_start(metrics: Metrics) -> None:
    """Count one sandbox's first call."""
    metrics.add_metric("ColdStarts", MetricUnit.Count, 1)
    metrics.flush_metrics()


def _dimensions(metrics: Metrics, **named: str) -> None:
    for name, value in named.items():
        metrics.add_dimension(name, value)
