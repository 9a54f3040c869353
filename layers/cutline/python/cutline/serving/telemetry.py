"""The metrics in CloudWatch: few, with few dimensions, because each combination that occurs is billed.

service, api, reason     Requests, TotalMs, ChargeMicros
service, step, reason    Steps, StepMs
service                  Faults, Refusals (of steps alone), which alarms look at: an alarm cannot search for reasons
                         ColdStarts, and of the picture functions one <Stage>Ms for each stage
"""

import itertools
from collections.abc import Mapping

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

_calls = itertools.count()


def count_request(metrics: Metrics, api: str, reason: str, total_ms: int, charge_micros: int) -> None:
    """One call of an API, and what it earned."""
    _dimensions(metrics, api=api, reason=reason)
    metrics.add_metric("Requests", MetricUnit.Count, 1)
    metrics.add_metric("TotalMs", MetricUnit.Milliseconds, total_ms)
    if charge_micros:
        metrics.add_metric("ChargeMicros", MetricUnit.NoUnit, charge_micros)
    metrics.flush_metrics()


def count_fault(metrics: Metrics) -> None:
    """One fault of ours, whatever the answer's status: some APIs tell faults with HTTP 200."""
    metrics.add_metric("Faults", MetricUnit.Count, 1)
    metrics.flush_metrics()


def count_refusal(metrics: Metrics) -> None:
    """One step that the caller's picture or address failed; Lambda counts it as an error of the function."""
    metrics.add_metric("Refusals", MetricUnit.Count, 1)
    metrics.flush_metrics()


def count_charge(metrics: Metrics, api: str, charge_micros: int) -> None:
    """What a task earned, long after its call was counted."""
    if charge_micros:
        _dimensions(metrics, api=api, reason="ok")
        metrics.add_metric("ChargeMicros", MetricUnit.NoUnit, charge_micros)
        metrics.flush_metrics()


def count_step(metrics: Metrics, step: str, reason: str, total_ms: int) -> None:
    """One try of a step of the flow."""
    _dimensions(metrics, step=step, reason=reason)
    metrics.add_metric("Steps", MetricUnit.Count, 1)
    metrics.add_metric("StepMs", MetricUnit.Milliseconds, total_ms)
    metrics.flush_metrics()


def is_cold_start() -> bool:
    """Whether this is the first call of the sandbox; to be asked once per call."""
    return next(_calls) == 0


def time_stages(metrics: Metrics, stages_ms: Mapping[str, float], *, cold_start: bool) -> None:
    """Each stage's time, and a cold start if this is the sandbox's first call."""
    if cold_start:
        metrics.add_metric("ColdStarts", MetricUnit.Count, 1)
    for name, ms in stages_ms.items():
        metrics.add_metric(f"{name.capitalize()}Ms", MetricUnit.Milliseconds, round(ms, 1))
    metrics.flush_metrics()


def _dimensions(metrics: Metrics, **named: str) -> None:
    for name, value in named.items():
        metrics.add_dimension(name, value)
