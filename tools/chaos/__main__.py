"""`make chaos`: prints its seed, the table of the run, and fails where anything was lost or charged wrongly."""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from devkit.running import running_cloud
from tools.chaos.run import parameters, run, table


def main() -> int:
    """1 where something is not as it has to be."""
    parser = argparse.ArgumentParser(prog="python -m tools.chaos", description=__doc__)
    parser.add_argument("--tasks", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--calm", action="store_true", help="no trouble: throughput and latency of the flow")
    given = parser.parse_args()
    print(f"seed {given.seed}, {given.tasks} tasks, {given.concurrency} at once", flush=True)
    with tempfile.TemporaryDirectory() as folder, running_cloud(Path(folder), *parameters()) as cloud:
        outcome = run(cloud, given.tasks, given.seed, given.concurrency, calm=given.calm)
    print(table(outcome))
    for task in outcome.wrong:
        print(f"wrong: {task.kind.name} ended as {task.state} instead of {task.kind.state}: {task.story}")
    for fault in outcome.faults():
        print(f"FAULT {fault}")
    return 1 if outcome.faults() else 0


if __name__ == "__main__":
    sys.exit(main())
