"""A local cloud whose AWS calls fail on demand."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cutline.accounts.shards import Shard, shards_for
from devkit.patience import scaled
from devkit.running import RunningCloud

SERVICE_QPS = 1000
# Longer than any limit of `faulty_parameters`; the SDK gives up after twice five seconds.
SLOW_S = 9.5


def faulty_parameters() -> dict[str, str]:
    """Return the template's parameters for a cloud in which a call's time is short."""
    limit_ms = round(scaled(6, most=9) * 1000)
    return {"TimeLimitMs": str(limit_ms), "ServiceQps": str(SERVICE_QPS), "FetchAllowed": "127.0.0.1/32"}


@dataclass(frozen=True)
class FaultyCloud:
    """A second local cloud whose AWS calls fail on demand; private pictures may be fetched from 127.0.0.1."""

    running: RunningCloud
    faults: Path

    @property
    def url(self) -> str:
        return self.running.url

    @contextmanager
    def busy_service(self) -> Iterator[None]:
        """As if other accounts had used up the rate of the whole service for a minute to come."""
        day, count = f"{datetime.now(UTC):%Y-%m-%d}", shards_for(float(SERVICE_QPS), None)
        shards = [Shard("*service*", day, index, count) for index in range(count)]
        keys = [{name: {"S": value} for name, value in shard.key.items()} for shard in shards]
        dynamodb, table = self.running.client("dynamodb"), self.running.resources["MeterTable"]
        arrival = {":t": {"N": str(int((time.time() + 60) * 1e6))}}
        for key in keys:
            dynamodb.update_item(
                TableName=table, Key=key, UpdateExpression="SET tat_us = :t", ExpressionAttributeValues=arrival
            )
        try:
            yield
        finally:
            for key in keys:
                dynamodb.delete_item(TableName=table, Key=key)

    @contextmanager
    def fault(self, operation: str, **fault: Any) -> Iterator[None]:
        self.faults.write_text(json.dumps({operation: fault}))
        try:
            yield
        finally:
            self.faults.unlink()
