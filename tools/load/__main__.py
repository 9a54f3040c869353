"""`make load LOAD="flood | soak | chaos | books [options]"`: prints a table and each fault; ends with 1 on a fault."""

import argparse
import random
import sys
from collections.abc import Callable
from types import ModuleType

from tools.load import books, chaos, flood, soak


def main() -> int:
    """Run the chosen mode. Return 0 if nothing was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tools.load", description=__doc__)
    modes = parser.add_subparsers(required=True)

    def mode(module: ModuleType, run: Callable[[argparse.Namespace], list[str]]) -> argparse.ArgumentParser:
        assert module.__doc__
        name, summary = module.__name__.rpartition(".")[2], module.__doc__.split("\n", 1)[0]
        added = modes.add_parser(name, help=summary, description=summary)
        added.set_defaults(run=run)
        return added

    one = mode(flood, flood.main)
    one.add_argument("--seconds", type=float, default=13, help="of each of the eight phases")
    one.add_argument("--connections", type=int, default=40, help="of the flood")
    one.add_argument("--pause", type=float, default=3.0, help="seconds between two calls of a connection")
    one.add_argument("--parameter", action="append", default=[], help="of the template; AccountConcurrency=0 fails")
    mode(soak, soak.main).add_argument("--minutes", type=float, default=10)
    one = mode(chaos, chaos.main)
    one.add_argument("--tasks", type=int, default=300)
    one.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    one.add_argument("--concurrency", type=int, default=8)
    one.add_argument("--calm", action="store_true", help="no trouble: throughput and latency of the flow")
    one = mode(books, books.main)
    one.add_argument("--calls", type=int, default=200)
    one.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    one.add_argument("--concurrency", type=int, default=4)
    one.add_argument("--calm", action="store_true", help="no trouble")
    given = parser.parse_args()
    faults: list[str] = given.run(given)
    for fault in faults:
        print(f"FAULT {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
