"""What a whole synchronous call takes in the local cloud: every stage over HTTP, and the accounts' share.

    python -m tools.bench.calls [--runs N]

Stages are the `Server-Timing` header of JD matting calls with the astronaut of scikit-image; "http" is the rest of
the time that the caller waited. Medians over the runs after one to warm up. The accounts' share is measured on small
pictures, and as many bare writes of the same kind from this process: what the stand-in for DynamoDB takes by itself.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
from PIL import Image

from devkit.clients import Answer, JdClient, encoded
from devkit.running import RunningCloud, running_cloud

SIDES = (1024, 2048)  # larger photographs do not pass through a synchronous call at this quality
_BEFORE = ("gate", "parse")
_PIPELINE = ("decode", "network", "refine", "foreground", "compose", "encode")
_ACCOUNT_RUNS = 30
_WRITES = 3
_BAR_MS = 25
_COLUMNS = (*_BEFORE, *_PIPELINE, "store", "settle", "http", "total")


def main() -> None:
    """Prints a row per picture size, and the accounts' share."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as state, running_cloud(Path(state)) as cloud:
        jd = JdClient(cloud.url)
        print(f"JD matting over HTTP in the local cloud, median of {runs} calls, ms")
        print(f"{'picture':>10}" + "".join(f"{name:>11}" for name in _COLUMNS))
        for side in SIDES:
            body = _photograph(side)
            rest = [_timed(jd, body) for _ in range(runs + 1)][1:]
            cells = "".join(f"{statistics.median(run.get(name, 0.0) for run in rest):11.1f}" for name in _COLUMNS)
            print(f"{side * side / 1e6:7.1f} MP{cells}")
        _print_accounts_share(cloud, jd)


def _print_accounts_share(cloud: RunningCloud, jd: JdClient) -> None:
    """Credentials, rate, quota and charge of a served call against the bar, and how much of it is not ours."""
    table, body = cloud.client("dynamodb"), encoded(np.full((48, 64, 3), 200, np.uint8), "PNG")
    shares, bare = [], []
    for run in range(_ACCOUNT_RUNS + 1):
        stages = _timed(jd, body)
        shares.append(stages["gate"] + stages["settle"])
        bare.append(_bare_writes_ms(table, cloud.resources["MeterTable"], run))
    share_ms, bare_ms = statistics.median(shares[1:]), statistics.median(bare[1:])
    verdict = "under" if share_ms < _BAR_MS else "OVER"
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs"
    print(f"accounts (gate + settle of a served JD call), median of {_ACCOUNT_RUNS}; {load}")
    print(f"  in the function       {share_ms:6.1f} ms, fastest {min(shares):5.1f}; {verdict} the bar of {_BAR_MS} ms")
    print(f"  its {_WRITES} writes by themselves{bare_ms:6.1f} ms, fastest {min(bare):5.1f}: the stand-in for DynamoDB")


def _bare_writes_ms(table: Any, name: str, run: int) -> float:
    """A JD call's writes without the product's code around them: its nonce, its reservation, its charge."""
    key = {"pk": {"S": "ACCOUNT#bench-bare"}, "sk": {"S": "DAY#2026-01-01"}}
    hold, one = {"#h": f"hold:{run}"}, {":one": {"N": "1"}}
    started = time.perf_counter()
    table.put_item(
        TableName=name,
        Item={"pk": {"S": "NONCE#bench-bare"}, "sk": {"S": str(run)}},
        ConditionExpression="attribute_not_exists(pk)",
    )
    for expression, condition in (
        ("SET #h = :one ADD taken :one", "attribute_not_exists(#h)"),
        ("REMOVE #h ADD calls :one", "attribute_exists(#h)"),
    ):
        table.update_item(
            TableName=name,
            Key=key,
            UpdateExpression=expression,
            ConditionExpression=condition,
            ExpressionAttributeNames=hold,
            ExpressionAttributeValues=one,
            ReturnValues="ALL_NEW",
        )
    return (time.perf_counter() - started) * 1000


def _timed(jd: JdClient, body: bytes) -> dict[str, float]:
    started = time.perf_counter()
    answer = jd.cutout(body)
    total_ms = (time.perf_counter() - started) * 1000
    assert answer.json["result"]["status"] == 0, answer
    stages = _server_timing(answer)
    return {**stages, "http": total_ms - sum(stages.values()), "total": total_ms}


def _server_timing(answer: Answer) -> dict[str, float]:
    entries = (entry.strip().split(";dur=") for entry in answer.headers["server-timing"].split(","))
    return {name: float(duration) for name, duration in entries}


def _photograph(side: int) -> bytes:
    image = Image.fromarray(skimage.data.astronaut()).resize((side, side), Image.Resampling.LANCZOS)
    return encoded(np.asarray(image), "JPEG", quality=92)


if __name__ == "__main__":
    main()
