"""`make trust`: one table of what hostile files and calls cost, how many callers are borne, what each fault comes to.

    make trust TRUST="--minutes 10"        the soak's length; 0 leaves it out

Ends with 1 where something is not as promised; the last column says what.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tools.load.soak import measured as soak_measured
from tools.load.soak import memory_of, percentiles
from tools.trust.bombs import CPU_LIMIT_S, PEAK_LIMIT_MIB
from tools.trust.bombs import measured as bombs_measured
from tools.trust.disks import means
from tools.trust.entrances import CPU_LIMIT_S as ENTRANCE_LIMIT_S
from tools.trust.entrances import measured as entrances_measured
from tools.trust.faults import DISK_FAULTS, NAMES, trials


class Line(NamedTuple):
    """One line of the table; `wrong` is empty where everything is as promised."""

    what: str
    case: str
    outcome: str
    numbers: str
    wrong: str = ""


_HEAD = Line("what", "case", "outcome", "measured", "not as promised")


def bombs() -> Iterator[Line]:
    """What each small file that asks for much costs the decoder."""
    for row in bombs_measured():
        too_much = row["cpu_s"] > CPU_LIMIT_S or row["peak_mib"] > PEAK_LIMIT_MIB
        numbers = f"{row['bytes']} bytes: {row['cpu_s']:.2f} s CPU, {row['peak_mib']} MiB"
        yield Line("bomb", row["bomb"], row["outcome"], numbers, "costs too much" if too_much else "")


def entrances() -> Iterator[Line]:
    """What the largest input of each kind costs before rate and quota can bound it."""
    for entrance, seconds in entrances_measured():
        wrong = "costs too much" if seconds > ENTRANCE_LIMIT_S else ""
        yield Line(
            f"entrance: {entrance.reader}",
            entrance.hostile,
            "read",
            f"{entrance.size} bytes: {seconds:.3f} s CPU",
            wrong,
        )


def faults() -> Iterator[Line]:
    """What callers of each API meet when something breaks."""
    disks = {fault.name for fault in DISK_FAULTS}
    for row in trials():
        status, code = row.said
        served = row.reason == "ok"
        numbers = f"logged {row.reason}, charged {'once' if served else 'nothing'}, healed in place"
        outcome = f"HTTP {status}, {code!r}" + (" (served)" if served else "")
        numbers += f" ({means()})" if row.fault in disks else ""
        wrong = "; ".join(row.wrong)
        yield Line(f"fault: {row.fault}", NAMES[row.api], outcome, "" if wrong else numbers, wrong)


def soak(minutes: float) -> Iterator[Line]:
    """How long each route's answers took, and how memory went."""
    seen = soak_measured(minutes)
    for name, seconds in sorted(seen.seconds.items()):
        p50, p95, p99 = percentiles(seconds)
        outcome = f"{len(seconds)} calls, {seen.throttled[name]} throttled"
        wrong = "; ".join(story for story in seen.wrong if story.startswith(f"{name}: "))
        yield Line("soak: 1 to 32 callers", name, outcome, f"p50 {p50:.3f} s, p95 {p95:.3f} s, p99 {p99:.3f} s", wrong)
    yield Line(f"soak: {minutes:g} min", "memory", f"{sum(seen.wrong.values())} wrong answers", memory_of(seen))


def printed(lines: Sequence[Line]) -> str:
    """The table."""
    rows = [_HEAD, *lines]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def main() -> int:
    """0 if everything is as promised."""
    parser = argparse.ArgumentParser(prog="make trust", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1, help="of soak")
    minutes = parser.parse_args().minutes
    lines = [*bombs(), *entrances(), *(soak(minutes) if minutes > 0 else ()), *faults()]
    print(printed(lines))
    return 1 if any(line.wrong for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
