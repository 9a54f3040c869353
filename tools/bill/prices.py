"""What AWS charges: list prices of us-east-1 in US dollars, without free tiers. Check them before you plan.

No price comes from AWS's price list itself: each names the page that it was read in, and the date which that page gives
for its numbers, or "undated".
"""

import math
from dataclasses import dataclass

REGION = "us-east-1"
_MILLION = 1e6
_ALL = math.inf


@dataclass(frozen=True)
class Price:
    """What a unit costs. `steps`: up to how many units a month, and dollars for each of these; the last has no end."""

    unit: str
    steps: tuple[tuple[float, float], ...]
    source: str
    dated: str

    def of(self, units: float) -> float:
        """Dollars for `units` in one month."""
        dollars, below = 0.0, 0.0
        for upto, each in self.steps:
            dollars += max(0.0, min(units, upto) - below) * each
            below = upto
        return dollars


def _flat(unit: str, each: float, source: str, dated: str) -> Price:
    return Price(unit, ((_ALL, each),), source, dated)


_LAMBDA = "https://cloudchipr.com/blog/aws-lambda-pricing"
_LAMBDA_PAGE = "https://aws.amazon.com/lambda/pricing/"
_STEPS = "https://aws.amazon.com/step-functions/pricing/"
_DYNAMODB = "https://airbyte.com/data-engineering-resources/dynamodb-pricing"
_S3 = "https://devnotes.tech/understanding-aws-s3-pricing-a-complete-cost-breakdown-with-examples"
_CLOUDFRONT = "https://aws.amazon.com/cloudfront/pricing"
_ALARMS = "https://c3x.dev/resources/aws/aws_cloudwatch_metric_alarm"
_DASHBOARDS = "https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/"
_METRICS = "https://signoz.io/guides/cloudwatch-pricing"

PRICES = {
    "lambda x86_64": Price(
        "GB-second", ((6e9, 0.0000166667), (15e9, 0.000015), (_ALL, 0.000013334)), _LAMBDA, "2024, the same May 2026"
    ),
    "lambda arm64": Price(
        "GB-second",
        ((7.5e9, 0.0000133334), (18.75e9, 0.0000120001), (_ALL, 0.0000106667)),
        _LAMBDA,
        "2024, the same May 2026",
    ),
    # In addition to the runs, which then cost less.
    "provisioned x86_64": _flat("GB-second", 0.0000041667, _LAMBDA_PAGE, "September 2026"),
    "provisioned arm64": _flat("GB-second", 0.0000033334, _LAMBDA_PAGE, "September 2026"),
    # Python's; three hours at least for each version.
    "snapshot": _flat("GB-second", 0.0000015046, _LAMBDA_PAGE, "September 2026"),
    "restore": _flat("GB restored", 0.0001397998, _LAMBDA_PAGE, "September 2026"),
    "lambda requests": _flat("request", 0.20 / _MILLION, _LAMBDA, "2024, the same May 2026"),
    "gateway": Price(
        "request (REST)",
        ((333e6, 3.50 / _MILLION), (1e9, 2.80 / _MILLION), (20e9, 2.38 / _MILLION), (_ALL, 1.51 / _MILLION)),
        "https://docs.aws.amazon.com/whitepapers/latest/best-practices-api-gateway-private-apis-integration/"
        "cost-optimization.html",
        "undated",
    ),
    "dynamodb writes": _flat("write unit, on demand", 0.625 / _MILLION, _DYNAMODB, "July 2025"),
    "dynamodb reads": _flat("read unit, on demand", 0.125 / _MILLION, _DYNAMODB, "July 2025"),
    "s3 puts": _flat("PUT, COPY, POST, LIST", 5.0 / _MILLION, _S3, "undated"),
    "s3 gets": _flat("GET, HEAD", 0.4 / _MILLION, _S3, "undated"),
    "s3 storage": _flat("GB-month", 0.023, _S3, "undated"),
    "transitions": _flat("state transition, Standard", 0.025 / 1000, _STEPS, "undated"),
    "sqs": _flat("request of 64 KB", 0.40 / _MILLION, "https://cloudburn.io/blog/amazon-sqs-pricing", "March 2026"),
    # Lambda's own logs have steps since May 2025; other logs cost the first step throughout.
    "logs": Price(
        "GB taken in",
        ((10e3, 0.50), (30e3, 0.25), (50e3, 0.10), (_ALL, 0.05)),
        "https://www.duckbillgroup.com/?p=9080",
        "May 2025",
    ),
    "traces": _flat("trace recorded", 5.0 / _MILLION, "https://aws.amazon.com/xray/pricing/", "undated"),
    "kms": _flat("request", 0.03 / 10_000, "https://cloudburn.io/blog/aws-kms-pricing", "March 2026"),
    "egress": Price(
        "GB to the internet",
        ((10e3, 0.09), (50e3, 0.085), (150e3, 0.07), (_ALL, 0.05)),
        "https://wring.co/blog/aws-data-transfer-pricing-guide",
        "2026",
    ),
    # Fetching from a bucket costs CloudFront nothing. 1 TB and 10 million requests a month are free.
    "cloudfront egress": Price(
        "GB, Europe and North America",
        ((10e3, 0.085), (50e3, 0.08), (150e3, 0.06), (500e3, 0.04), (1024e3, 0.03), (5120e3, 0.025), (_ALL, 0.02)),
        _CLOUDFRONT,
        "undated",
    ),
    "cloudfront requests": _flat(
        "HTTPS request", 0.01 / 10_000, "https://wring.co/blog/aws-cloudfront-pricing-guide", "March 2026"
    ),
    # Each month, for what is there.
    "key": _flat("KMS key", 1.0, "https://aws.amazon.com/kms/pricing/", "undated"),
    "secret": _flat(
        "secret",
        0.40,
        "https://hivebook.wiki/wiki/aws-secrets-manager-rotated-secrets-dynamic-db-credentials-kms",
        "undated",
    ),
    "alarms": _flat("metric that an alarm looks at", 0.10, _ALARMS, "undated"),
    "dashboard": _flat("dashboard", 3.0, _DASHBOARDS, "June 2026"),
    "metrics": _flat("custom metric", 0.30, _METRICS, "February 2026"),
}
