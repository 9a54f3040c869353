"""A function's settings from its environment: read once and checked at INIT. An error names the variable."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cutline.adapters.fetch import IpNetwork
from cutline.environment import SettingsError, choice, number

# What Lambda's processors are expected to take at most is 2.5 times what was measured, and the bounds on decoder and
# encoders have a margin of 1.5 over that; `make smoke` measures the true factor.
_LAMBDA_SLOWDOWN = 1.7
# Lambda gives a function one CPU's time per this number of MB.
_VCPU_MB = 1769


@dataclass(frozen=True)
class Settings:
    """Documented defaults and ranges of every variable that the functions read.

    accounts_table, meter_table, output_bucket, link_secret, accounts_key: names from the template (required).
    tasks_table, input_bucket, flow_arn, callback_queue: of the functions that deal with tasks and uploads.
    ticket_s: seconds that an upload ticket is good for, 60..43200. Default 3600.
    endpoint_kind: "none", "realtime" or "async": where tasks are matted. endpoint_name: the SageMaker endpoint's name.
    models_dir: where the model layer lies. Default /opt/models.
    model: name of the cut-out's model in models.toml. Default "matte".
    threads: intra-op threads of the network, 1..16. Default: the CPUs that the sandbox's memory pays for.
    time_limit_ms: what a synchronous call may take before it is answered as timed out, 1..900000. Default 25000.
    service_qps: calls per second over all accounts, 0 (unlimited) .. 100000. Default 0.
    account_concurrency: calls that one account may have in flight, 0 (what its rate allows) .. 10000. Default 0.
    public_url: scheme and host of the links in answers. Default: the address that the caller used.
    api_url: scheme and host of the deployed API, and smoke_key: the secret with an API key, of the scheduled smoke.
    results_cdn: the CloudFront distribution before the results, as "URL SECRET ID=KEY ID=KEY". Default: none.
    fetch_allowed: comma list of networks that may be fetched from although they are private. Default none.
    cpu_slowdown: how much longer decoder and encoders may take than their bounds, 1..20. Default 1.7 on Lambda, else 1.
    mending: "yes" keeps photographs next to their results, so that these can be mended. Default no.
    cpu_share: of one CPU, by the function's memory.
    jd_body_hash: "strict" or "lenient" (contracts.md 1.7). Default strict.
    """

    accounts_table: str
    meter_table: str
    accounts_key: str
    tasks_table: str
    input_bucket: str
    output_bucket: str
    flow_arn: str
    callback_queue: str
    ticket_s: int
    link_secret: str
    endpoint_kind: str
    endpoint_name: str
    models_dir: Path
    model: str
    threads: int
    cpu_slowdown: float
    cpu_share: float
    time_limit_ms: int
    service_qps: float
    account_concurrency: int
    public_url: str
    api_url: str
    smoke_key: str
    results_cdn: str
    mending: bool
    fetch_allowed: tuple[IpNetwork, ...]
    lenient_body_hash: bool

    @classmethod
    def from_environment(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Raises SettingsError."""
        return cls(
            accounts_table=env.get("ACCOUNTS_TABLE", ""),
            meter_table=env.get("METER_TABLE", ""),
            accounts_key=env.get("ACCOUNTS_KEY", ""),
            tasks_table=env.get("TASKS_TABLE", ""),
            input_bucket=env.get("INPUT_BUCKET", ""),
            flow_arn=env.get("FLOW_ARN", ""),
            callback_queue=env.get("CALLBACK_QUEUE", ""),
            ticket_s=number(env, "TICKET_S", int, 60, 43_200, 3600),
            output_bucket=env.get("OUTPUT_BUCKET", ""),
            link_secret=env.get("LINK_SECRET", ""),
            endpoint_kind=choice(env, "GPU_ENDPOINT", ("none", "realtime", "async")),
            endpoint_name=env.get("ENDPOINT_NAME", ""),
            models_dir=Path(env.get("MODELS_DIR", "/opt/models")),
            model=env.get("MODEL", "matte"),
            threads=number(env, "THREADS", int, 1, 16, _cpus(env)),
            cpu_slowdown=number(env, "CPU_SLOWDOWN", float, 1.0, 20.0, _LAMBDA_SLOWDOWN if _memory_mb(env) else 1.0),
            cpu_share=min(1.0, _memory_mb(env) / _VCPU_MB) or 1.0,
            time_limit_ms=number(env, "TIME_LIMIT_MS", int, 1, 900_000, 25_000),
            service_qps=number(env, "SERVICE_QPS", float, 0.0, 100_000.0, 0.0),
            account_concurrency=number(env, "ACCOUNT_CONCURRENCY", int, 0, 10_000, 0),
            public_url=env.get("PUBLIC_URL", "").rstrip("/"),
            api_url=env.get("API_URL", ""),
            smoke_key=env.get("SMOKE_KEY", ""),
            results_cdn=env.get("RESULTS_CDN", ""),
            mending=choice(env, "MENDING", ("no", "yes")) == "yes",
            fetch_allowed=_networks(env, "FETCH_ALLOWED"),
            lenient_body_hash=choice(env, "JD_BODY_HASH", ("strict", "lenient")) == "lenient",
        )

    def require(self, *names: str) -> None:
        """Raises SettingsError for the first of `names` that the environment left empty."""
        for name in names:
            if not getattr(self, name):
                raise SettingsError(f"environment variable {name.upper()} is missing")


def _cpus(env: Mapping[str, str]) -> int:
    """The CPUs in sight, on Lambda no more than the function may use: it shows two even for the quota of one."""
    seen = len(os.sched_getaffinity(0))
    memory_mb = _memory_mb(env)
    return min(seen, max(1, round(memory_mb / _VCPU_MB))) if memory_mb else seen


def _memory_mb(env: Mapping[str, str]) -> int:
    """Return the function's memory, or 0 elsewhere than on Lambda."""
    return number(env, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", int, 1, 1 << 20, 0)


def _networks(env: Mapping[str, str], name: str) -> tuple[IpNetwork, ...]:
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in env.get(name, "").split(",") if part.strip())
    except ValueError as error:
        raise SettingsError(f"environment variable {name} must be a comma list of networks") from error
