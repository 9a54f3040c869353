"""Cutline and its peers on the same pictures, in turn: time, start-up, memory, bytes and scores.

    make compare COMPARE="--quick"

Every round hands one picture to each peer after the other, so that what else the machine does falls on all of them;
"x" is the median over the rounds of the peer's time through Cutline's, first by wall, then by CPU time. Peers run on as
many CPUs as they may use threads. Scores are those of `make eval` (layers/model/training/alpha_scores.py), of whole
results; "ours" is the share of pictures on which Cutline ties with the peer's IoU or beats it.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from tools.bench.bars import load_line
from tools.compare.peers import BUILD, NotRun, peers
from tools.compare.pictures import Truth, alpha_of, composites, photograph, validation
from tools.compare.process import Taken
from tools.compare.runner import Runner, running
from training.alpha_scores import COLUMNS, AlphaScore, score_alpha, summary

_FULL = {1024: 3, 2048: 2, 4096: 1}
_QUICK = {1024: 2}
# Of IoU: up to this much under the other's is a tie.
TIE = 0.005
_TIMES = ("median s", "CPU s", "x wall", "x CPU", "first s", "peak MiB", "PNG kB")


def main() -> None:
    """Prints a table per number of threads and one of scores."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="only 1 MP, one thread and few scores")
    parser.add_argument("--data", type=Path, help="folder with manifest.csv: score its validation pictures too")
    parser.add_argument("--count", type=int, default=20, help="validation pictures of each set")
    parser.add_argument("--limit", type=float, default=240, help="seconds until a peer that is silent is out")
    options = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    commands = _installed()
    print(load_line())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = photograph(512, folder)
        for threads in (1,) if options.quick else (1, 2):
            with running(commands, threads, options.limit, folder, first) as runner:
                _print_times(runner, _QUICK if options.quick else _FULL, threads)
        truths = composites(folder)[:: 4 if options.quick else 1]
        if options.data:
            truths += validation(options.data, 3 if options.quick else options.count)
        with running(commands, 2, options.limit, folder, first) as runner:
            _print_scores(runner, truths)


def _installed() -> dict[str, list[str]]:
    commands = {}
    for peer in peers():
        try:
            commands[peer.name] = peer.install()
        except NotRun as reason:
            print(f"{peer.name}: not run: {reason}")
    return commands


def _print_times(runner: Runner, rounds: dict[int, int], threads: int) -> None:
    for side, count in rounds.items():
        source = photograph(side, runner.folder)
        taken: dict[str, list[Taken]] = {}
        sizes: dict[str, int] = {}
        for _ in range(count):
            for name, time, result in runner.each(source):
                taken.setdefault(name, []).append(time)
                sizes[name] = result.stat().st_size
        print(f"\n{side * side / 1e6:.1f} MP, {threads} thread(s), {count} round(s)")
        print(" " * 20 + "".join(f"{name:>10}" for name in _TIMES))
        ours = next(iter(taken.values()))
        for name, times in taken.items():
            pairs = list(zip(times, ours, strict=False))
            cells = [
                statistics.median(time.wall_s for time in times),
                statistics.median(time.cpu_s for time in times),
                statistics.median(time.wall_s / our.wall_s for time, our in pairs),
                statistics.median(time.cpu_s / our.cpu_s for time, our in pairs),
                runner.starts_s[name],
            ]
            peak = runner.processes[name].peak_mib() if name in runner.processes else float("nan")
            print(f"{name:20}{''.join(f'{cell:10.2f}' for cell in cells)}{peak:10.0f}{sizes[name] / 1000:10.0f}")


def _print_scores(runner: Runner, truths: list[Truth]) -> None:
    found: dict[str, dict[str, dict[Path, AlphaScore]]] = {}
    for truth in truths:
        for name, _, result in runner.each(truth.file):
            alpha_u8 = alpha_of(result, truth.alpha_u8.shape[:2])
            found.setdefault(truth.kind, {}).setdefault(name, {})[truth.file] = score_alpha(alpha_u8, truth.alpha_u8)
    print(f"\n{'scores':34}{'pictures':>10}" + "".join(f"{name:>8}" for name in COLUMNS) + f"{'ours':>8}")
    cutline = peers()[0].name
    for kind, of_kind in sorted(found.items()):
        for name, theirs in of_kind.items():
            cells = (*summary(list(theirs.values())), ties_or_wins(of_kind.get(cutline, {}), theirs))
            print(f"{kind + ', ' + name:34}{len(theirs):10d}" + "".join(f"{cell:8.3f}" for cell in cells))


def ties_or_wins(ours: dict[Path, AlphaScore], theirs: dict[Path, AlphaScore]) -> float:
    """Share of the pictures that both have on which our IoU is no more than TIE under theirs."""
    both = ours.keys() & theirs.keys()
    return statistics.fmean(ours[file].iou > theirs[file].iou - TIE for file in both) if both else float("nan")


if __name__ == "__main__":
    main()
