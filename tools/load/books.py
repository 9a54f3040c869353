"""Every API, and mends, in a storm of faults: the same pixels on every wire, and usage is what was answered.

Each call has an Idempotency-Key and is sent until it is served. Afterwards the rows of `GET /usage` must have one call
and one price for each key, however often it was sent.
"""

import argparse
import random
import tempfile
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from skimage import data

from cutline.contracts.usage import amount
from cutline.pipeline.filters import U8
from devkit.accounts import accounts_of
from devkit.clients import encoded, send
from devkit.running import RunningCloud, running_cloud
from tools.load.chaos import PRICE_MICROS, parameters, settle_down
from tools.load.trouble import Trouble
from tools.load.wires import MENDED, WIRES, Caller, expected_pixels, served, visible_pixels

ACCOUNT = "books"
BOOKED = {**WIRES, **MENDED}
_TRIES = 60
_PICTURES = {
    "portrait": encoded(data.astronaut()[:300, 60:380], "PNG"),
    "strip": encoded(np.tile(data.astronaut()[:200, 60:380], (1, 2, 1)), "JPEG"),
}


@dataclass
class Sent:
    """A call: its wire and picture, how often it was sent, and the pixels that came back; None if none did."""

    wire: str
    picture: str
    tries: int = 0
    pixels_u8: U8 | None = None


@dataclass(frozen=True)
class Outcome:
    """A run: what was sent, and what usage says of each API: calls and charge."""

    sent: list[Sent]
    usage: dict[str, tuple[int, str]]
    trouble: dict[str, int]

    def faults(self) -> list[str]:
        """Return what is not as it must be."""
        expected = {
            (wire, picture): expected_pixels(BOOKED[wire], _PICTURES[picture])
            for wire, picture in {(one.wire, one.picture) for one in self.sent}
        }
        found = [f"{one.wire}: {one.picture} was not served" for one in self.sent if one.pixels_u8 is None]
        found += [
            f"{one.wire}: {one.picture} has other pixels"
            for one in self.sent
            if one.pixels_u8 is not None and not np.array_equal(one.pixels_u8, expected[one.wire, one.picture])
        ]
        keys = Counter(api for one in self.sent for api in BOOKED[one.wire].apis)
        books = {api: (count, amount(count * PRICE_MICROS)) for api, count in keys.items()}
        differing = {api for api in books.keys() | self.usage.keys() if books.get(api) != self.usage.get(api)}
        return found + [
            f"usage of {api}: {self.usage.get(api)} instead of {books.get(api)}" for api in sorted(differing)
        ]


def run(cloud: RunningCloud, count: int, seed: int, concurrency: int = 4, *, calm: bool = False) -> Outcome:
    """Send `count` calls, each wire at least once if there are as many, and read the usage."""
    accounts_of(cloud).create(ACCOUNT, qps=1000, price_micros={"*": PRICE_MICROS, "mnd": PRICE_MICROS})
    draw, caller = random.Random(seed), Caller(cloud.url, ACCOUNT)
    wires = [*BOOKED, *draw.choices([*BOOKED], k=max(0, count - len(BOOKED)))][:count]
    sent = [Sent(wire, draw.choice([*_PICTURES])) for wire in wires]
    draw.shuffle(sent)
    trouble = Trouble(cloud.state_dir / "faults.json", cloud.process.pid, seed, (1.5, 4.0))
    with nullcontext() if calm else trouble.in_progress(), ThreadPoolExecutor(concurrency) as pool:
        list(pool.map(lambda one: _send(caller, one), sent))
    settle_down(cloud, ACCOUNT)
    rows = send("GET", f"{cloud.url}/usage", headers={"X-API-KEY": caller.key}).json["rows"]
    return Outcome(sent, {row["api"]: (row["calls"], row["charge"]) for row in rows}, dict(trouble.done))


def _send(caller: Caller, one: Sent) -> None:
    key = str(uuid.uuid4())
    while one.pixels_u8 is None and one.tries < _TRIES:
        one.tries += 1
        file = served(BOOKED[one.wire], caller, _PICTURES[one.picture], key)
        if file is None:
            time.sleep(random.uniform(0.2, 1.0))
        else:
            one.pixels_u8 = visible_pixels(file)


def table(outcome: Outcome) -> str:
    """Return the run by wire, and the trouble."""
    lines = [f"{'wire':<20}{'served':>8}{'tries':>8}"]
    for wire in BOOKED:
        these = [one for one in outcome.sent if one.wire == wire]
        served_count = sum(one.pixels_u8 is not None for one in these)
        lines.append(f"{wire:<20}{served_count:>8}{sum(one.tries for one in these):>8}")
    return "\n".join([*lines, "", *(f"{name:<28}{times:>5} times" for name, times in sorted(outcome.trouble.items()))])


def main(given: argparse.Namespace) -> list[str]:
    """Print the seed, then the table of the run. Return what was lost, differed or was charged wrongly."""
    print(f"seed {given.seed}, {given.calls} calls, {given.concurrency} at once", flush=True)
    with tempfile.TemporaryDirectory() as folder, running_cloud(Path(folder), *parameters()) as cloud:
        outcome = run(cloud, given.calls, given.seed, given.concurrency, calm=given.calm)
    print(table(outcome))
    return outcome.faults()
