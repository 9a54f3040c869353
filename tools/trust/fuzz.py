"""`make fuzz FUZZ="--minutes 10"`: every way in, fuzzed with fresh seeds for as long as asked.

Prints each round's seed; a finding ends the run with the example and the seed that found it. So does memory: the peak
may rise by what a small file may cost the decoder, and a leak would add up to it.
"""

import argparse
import random
import resource
import sys
import time
import warnings

from hypothesis import HealthCheck, Phase, given, seed, settings

from tools.trust.target import Target
from tools.trust.targets import TARGETS

_EXAMPLES = 300
_GROWTH_LIMIT_KIB = 400 * 1024


def run(target: Target, examples: int, chosen: int | None = None) -> None:
    """One round; without a seed always the same examples. Raises what the target raises."""
    limits = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=chosen is None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
    )
    fuzz = limits(given(**target.strategies)(target.check))
    (fuzz if chosen is None else seed(chosen)(fuzz))()


def main() -> int:
    """Return 0 if the time passed without a finding."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32), help="of the first round")
    parser.add_argument("--target", choices=[target.name for target in TARGETS], help="only this one")
    arguments = parser.parse_args()
    targets = [target for target in TARGETS if arguments.target in (None, target.name)]
    warnings.simplefilter("error")
    end, chosen, rounds = time.monotonic() + arguments.minutes * 60, arguments.seed, 0
    before, growth = _peak_kib(), 0
    while time.monotonic() < end:
        for target in targets:
            print(f"round {rounds} {target.name}: --seed {chosen} --target {target.name}", flush=True)
            run(target, _EXAMPLES, chosen)
            growth = _peak_kib() - before
            if growth >= _GROWTH_LIMIT_KIB:
                print(f"peak memory grew {growth // 1024} MiB")
                return 1
        chosen, rounds = chosen + 1, rounds + 1
    print(f"{rounds} rounds of {_EXAMPLES} examples for {len(targets)} targets; peak memory grew {growth // 1024} MiB")
    return 0


def _peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    sys.exit(main())
