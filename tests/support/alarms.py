"""Evaluates the template's alarms over metrics that the local cloud wrote, as CloudWatch would over one period.

A trouble is taken to last, so every period of an alarm is like the one that was observed. A metric counts for an alarm
only where namespace, name and all dimensions are the same: CloudWatch keeps each combination for itself.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.template import ALARM, Resources, of_type

Names = Callable[[Any], str]
_STATISTICS: Mapping[str, Callable[[Iterable[float]], float]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
}
_MATH = {"SUM": _STATISTICS["Sum"], "MAX": _STATISTICS["Maximum"]}
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, limit: value > limit,
    "GreaterThanOrEqualToThreshold": lambda value, limit: value >= limit,
    "LessThanThreshold": lambda value, limit: value < limit,
}


@dataclass(frozen=True)
class Datum:
    """One value of a metric."""

    namespace: str
    metric: str
    dimensions: frozenset[tuple[str, str]]
    value: float


def emitted(folder: Path, functions: Mapping[str, str]) -> list[Datum]:
    """Read the functions' logs: their own metrics (EMF), and Lambda's errors. `functions`: names by logical id."""
    found: list[Datum] = []
    for log in sorted(folder.glob("*Function.log")):
        for line in log.read_text("utf-8", "replace").rpartition("\n")[0].splitlines():
            if '"_aws"' in line:
                found += _of_emf(json.loads(line[line.index("{") :]))
            elif line.startswith("ERROR RequestId:"):
                name = frozenset({("FunctionName", functions[log.stem])})
                found.append(Datum("AWS/Lambda", "Errors", name, 1))
    return found


def _of_emf(document: Mapping[str, Any]) -> Iterable[Datum]:
    for directive in document["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = frozenset((name, str(document[name])) for name in names)
            for metric in directive["Metrics"]:
                values = document[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    yield Datum(directive["Namespace"], metric["Name"], dimensions, float(value))


def ringing(resources: Resources, data: Iterable[Datum], name_of: Names) -> set[str]:
    """Return the alarms that `data` would set off. `name_of` resolves references of the template."""
    data = list(data)
    return {name for name, alarm in of_type(resources, ALARM).items() if _rings(alarm, data, name_of)}


def _rings(alarm: Mapping[str, Any], data: list[Datum], name_of: Names) -> bool:
    value = _value(alarm, data, name_of)
    if value is None:
        return alarm["TreatMissingData"] == "breaching"
    return _COMPARE[alarm["ComparisonOperator"]](value, float(alarm["Threshold"]))


def _value(alarm: Mapping[str, Any], data: list[Datum], name_of: Names) -> float | None:
    if "Metrics" not in alarm:
        return _statistic(alarm, alarm.get("Statistic") or alarm["ExtendedStatistic"], data, name_of)
    series = {
        query["Id"]: _statistic(query["MetricStat"]["Metric"], query["MetricStat"]["Stat"], data, name_of)
        for query in alarm["Metrics"]
        if "MetricStat" in query
    }
    expressions = {query["Id"]: query for query in alarm["Metrics"] if "Expression" in query}
    inner = {name: query for name, query in expressions.items() if not query.get("ReturnData", True)}
    for name, query in inner.items():
        series[name] = _expression(query["Expression"], series, name_of)
    (reported,) = [query for name, query in expressions.items() if name not in inner]
    return _expression(reported["Expression"], series, name_of)


def _statistic(metric: Mapping[str, Any], statistic: str, data: list[Datum], name_of: Names) -> float | None:
    wanted = frozenset((item["Name"], name_of(item["Value"])) for item in metric.get("Dimensions", []))
    values = sorted(
        datum.value
        for datum in data
        if (datum.namespace, datum.metric, datum.dimensions) == (metric["Namespace"], metric["MetricName"], wanted)
    )
    if not values:
        return None
    if statistic.startswith("p"):
        return values[math.ceil(float(statistic[1:]) / 100 * len(values)) - 1]
    return _STATISTICS[statistic](values)


def _expression(expression: Any, series: Mapping[str, float | None], name_of: Names) -> float | None:
    """Compute the metric math that the template uses. Raises ValueError for other math."""
    text = name_of(expression) if isinstance(expression, dict) else str(expression)
    if match := re.fullmatch(r"(SUM|MAX)\((?:METRICS\(\)|\[([\w, ]+)\])\)", text):
        named = re.split(r",\s*", match[2]) if match[2] else list(series)
        present = [value for value in (series[name] for name in named) if value is not None]
        return _MATH[match[1]](present) if present else None
    if match := re.fullmatch(r"(\d+) ([-*]) (\w+)(?: / (\d+))?", text):
        value = series[match[3]]
        if value is None:
            return None
        return (int(match[1]) - value if match[2] == "-" else int(match[1]) * value) / int(match[4] or 1)
    if match := re.fullmatch(r"IF\((\w+) >= (\d+), (\w+), 0\)", text):
        left = series[match[1]]
        return None if left is None else (series[match[3]] if left >= int(match[2]) else 0.0)
    raise ValueError(f"{text} is not evaluated")
