"""Every bound that a load meets: the template's parameters, and AWS's quotas as its documents give them."""

from collections.abc import Mapping
from dataclasses import dataclass

from cutline.accounts.meter import max_in_flight
from tools.scale.load import Load

# AWS's default quotas per account and region. Sources: docs.aws.amazon.com, apigateway limits.html; lambda
# scaling-behavior.html; amazondynamodb on-demand capacity, Limits.html; kms requests-per-second.html (its smallest
# regions); general cwl_region.html; AmazonS3 optimizing-performance.html.
GATEWAY_RPS = 10_000
SANDBOXES_PER_10_S = 1000
PARTITION_UNITS = 1000
NEW_TABLE_UNITS = 4000
TABLE_UNITS = 40_000
KMS_RPS = 10_000
LOG_PUTS = 5000
S3_PUTS, S3_GETS = 3500, 5500
SANDBOX_RPS = 10


@dataclass(frozen=True)
class Region:
    """Step Functions' quotas, a second, of the last copy of its guide that AWS kept on GitHub (limits-overview)."""

    starts: int
    transitions: int
    answers: int


REGIONS = {
    # us-east-1, us-west-2, eu-west-1
    "large": Region(starts=300, transitions=1500, answers=500),
    "other": Region(starts=150, transitions=500, answers=300),
}


@dataclass(frozen=True)
class Limit:
    """What the load asks of something, the most that it gives, and how to get more."""

    what: str
    load: float
    bound: float
    remedy: str

    @property
    def share(self) -> float:
        """The part that is used; 1 if all of it."""
        return self.load / self.bound


@dataclass(frozen=True)
class Quotas:
    """parameters: of the template. concurrency: Lambda's, of the whole AWS account."""

    parameters: Mapping[str, float]
    concurrency: int = 1000
    region: Region = REGIONS["other"]
    table_is_new: bool = True

    @property
    def table_units(self) -> int:
        """What a table on demand takes; it grows by itself, to twice its last peak within half an hour."""
        return NEW_TABLE_UNITS if self.table_is_new else TABLE_UNITS

    def max_in_flight(self, qps: float) -> int:
        """The most calls of one account in flight."""
        return max_in_flight(qps, int(self.parameters["AccountConcurrency"]))


def limits_of(load: Load, quotas: Quotas) -> list[Limit]:
    """All of them, the fullest first."""
    found = [*_of_all(load, quotas), *(_of_tasks(load, quotas) if load.tasks else _of_calls(load, quotas))]
    return sorted(found, key=lambda limit: -limit.share)


def _of_all(load: Load, quotas: Quotas) -> list[Limit]:
    requests = load.rate * (1 + load.habits.fetched + (load.habits.questions if load.tasks else 0))
    results = 1 if load.tasks else load.work.results
    # The links have a method of their own, and so have the questions.
    per_method = load.rate * max(1.0, load.habits.fetched * results, load.habits.questions if load.tasks else 0)
    units, hottest = load.meter
    nonces = 0 if load.tasks else load.work.operations["dynamodb:PutItem"]
    return [
        Limit("requests of one method", per_method, quotas.parameters["ApiRateLimit"], "ApiRateLimit"),
        Limit("API Gateway's requests", requests, GATEWAY_RPS, "quota"),
        Limit("sandboxes at work", load.sandboxes, quotas.concurrency, "quota of concurrent executions"),
        Limit(
            "runs", load.rate * (len(load.work.runs) + load.habits.fetched), quotas.concurrency * SANDBOX_RPS, "quota"
        ),
        Limit("busiest item or key of the meter, units", hottest, PARTITION_UNITS, "more accounts"),
        Limit(
            "the meter's table, units",
            load.rate * (units + nonces),
            quotas.table_units,
            "warm throughput, or half an hour",
        ),
        Limit("log batches, one a second and sandbox", load.sandboxes, LOG_PUTS, "quota of PutLogEvents"),
        Limit("results of one account stored", load.account_rate * results, S3_PUTS, "S3 divides prefixes by itself"),
        Limit("results of one account fetched", load.account_rate * results * load.habits.fetched, S3_GETS, "the same"),
    ]


def _of_calls(load: Load, quotas: Quotas) -> list[Limit]:
    found = [
        Limit(
            "calls of one account in flight",
            load.account_rate * load.call_s,
            quotas.max_in_flight(load.qps),
            "AccountConcurrency, 0 for none",
        ),
        Limit("nonces of one access key", load.account_rate, PARTITION_UNITS, "a second key, or DynamoDB's own split"),
        Limit("decryptions", load.decryptions, KMS_RPS, "quota"),
        # Until the first are warm, every call needs one of its own.
        Limit(
            "sandboxes started, from nothing", load.rate * load.cold_s, SANDBOXES_PER_10_S, "provisioned concurrency"
        ),
    ]
    reserved = quotas.parameters["SyncConcurrency"]
    if reserved:
        found.append(Limit("sandboxes of the function", load.rate * load.call_s, reserved, "SyncConcurrency"))
    if quotas.parameters["ServiceQps"]:
        found.append(Limit("the whole service's rate", load.rate, quotas.parameters["ServiceQps"], "ServiceQps"))
        found.append(Limit("the whole service's item, units", load.rate, PARTITION_UNITS, "ServiceQps 0"))
    return found


def _of_tasks(load: Load, quotas: Quotas) -> list[Limit]:
    region = quotas.region
    working = load.rate * load.run_s("WorkerFunction")
    return [
        Limit("workers", working, quotas.parameters["WorkerConcurrency"], "WorkerConcurrency"),
        Limit("StartExecution", load.rate, region.starts, "quota, or a larger region"),
        Limit("state transitions", load.rate * load.work.transitions, region.transitions, "quota, or a larger region"),
        Limit("SendTaskSuccess", load.rate, region.answers, "quota, or a larger region"),
        Limit("the tasks' table, units", load.rate * 4, quotas.table_units, "warm throughput, or half an hour"),
        Limit("working files of one account stored", load.account_rate * 3, S3_PUTS, "S3 divides prefixes by itself"),
    ]
