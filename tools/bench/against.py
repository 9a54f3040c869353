"""What this tree takes, over what another commit takes: CPU time, memory and bytes, in turns on the same pictures.

    python -m tools.bench.bench --against COMMIT [--turns N] [--no-cloud]

Milliseconds of two machines, or of one machine at two times, do not compare; ratios of CPU time taken in turns do. The
commit is checked out in a git worktree and runs in the same environment with this tree's networks. "whole call" and
"cold start" are a JD matting call's in each tree's own local cloud: the sandbox's CPU time, its decoder's included.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
from PIL import Image

from devkit.running import ROOT
from tools.bench.against_cloud import Cloud
from tools.bench.bars import Bar, load_line

# Millions of pixels, and the runs of each picture in a turn.
_SIZES = {1.0: 4, 4.2: 2, 16.8: 1}
_PICTURES = ("astronaut", "coffee", "chelsea")
_WORKER = Path(__file__).with_name("against_worker.py")
_CALLS = 5


@dataclass(frozen=True)
class Tree:
    """A checked-out commit: its name in the table, and where it lies."""

    name: str
    root: Path

    def environment(self) -> dict[str, str]:
        """For its processes: its own code, one thread."""
        paths = os.pathsep.join([str(self.root / "layers" / "cutline" / "python"), str(self.root)])
        return {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "ORT_DISABLE_TELEMETRY": "1"}

    def measure(self, pictures: list[Path], runs: int) -> dict[str, Any]:
        """What against_worker.py prints."""
        command = [sys.executable, str(_WORKER), str(self.root), str(runs), *map(str, pictures)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=self.environment())
        return dict(json.loads(done.stdout))


Sample = Mapping[str, float]


def compare(commit: str, turns: int, *, with_cloud: bool) -> None:
    """Prints each row of the table: the old value, the new one, and the median of the turns' ratios."""
    with tempfile.TemporaryDirectory() as folder, _checked_out(commit, Path(folder) / "old") as old:
        pictures = {size: _draw(Path(folder), size) for size in _SIZES}
        trees = [Tree("old", old), Tree("new", ROOT)]
        samples: dict[str, list[Sample]] = {tree.name: [] for tree in trees}
        with ExitStack() as stack:
            clouds = {}
            if with_cloud:
                clouds = {
                    tree.name: stack.enter_context(Cloud.running(tree.root, tree.environment(), Path(folder)))
                    for tree in trees
                }
            for turn in range(turns):
                # The tree that runs first finds another cache and another clock rate, so the trees take turns.
                for tree in trees if turn % 2 == 0 else trees[::-1]:
                    sample = _sample(tree, pictures)
                    if clouds:
                        sample |= clouds[tree.name].sample(pictures[1.0][0].read_bytes(), _CALLS)
                    samples[tree.name].append(sample)
                print(f"turn {turn + 1} of {turns}: {load_line()}", file=sys.stderr)
    _print(commit, samples["old"], samples["new"])


def _sample(tree: Tree, pictures: Mapping[float, list[Path]]) -> dict[str, float]:
    """One turn of one tree: its columns by name."""
    sample = {}
    for size, runs in _SIZES.items():
        found = tree.measure(pictures[size], runs)
        stages = [one["stages"] for one in found["pictures"].values()]
        total, network = sum(sum(one.values()) for one in stages), sum(one["network"] for one in stages)
        sample[f"{size} MP, whole pipeline"] = total / len(stages)
        sample[f"{size} MP, all but the network"] = (total - network) / len(stages)
        if size == 1.0:
            for name in ("decode", "refine", "foreground", "compose", "encode"):
                sample[f"  {name}"] = sum(one[name] for one in stages) / len(stages)
            sample["png bytes"] = sum(one["png"] for one in found["pictures"].values()) / len(stages) / 1024
    single = tree.measure(pictures[max(_SIZES)][:1], 1)
    sample["16.8 MP, peak memory"] = single["peak_mib"]
    return sample


# The bars hold over one commit.
_BARS_OVER = "2db105b"
_BARS = {"1.0 MP, whole call": 0.7, "16.8 MP, whole pipeline": 0.6}
_ROWS = {
    "1.0 MP, all but the network": "ms",
    "  decode": "ms",
    "  refine": "ms",
    "  foreground": "ms",
    "  compose": "ms",
    "  encode": "ms",
    "1.0 MP, whole pipeline": "ms",
    "1.0 MP, whole call": "ms",
    "4.2 MP, whole pipeline": "ms",
    "16.8 MP, whole pipeline": "ms",
    "16.8 MP, peak memory": "MiB",
    "png bytes": "KiB",
    "cold start": "ms",
}


def _print(commit: str, old: list[Sample], new: list[Sample]) -> None:
    print(f"{'CPU time of one thread, medians':32}{commit[:10]:>12}{'this tree':>12}{'ratio':>8}  lowest to highest")
    verdicts = []
    for name, unit in _ROWS.items():
        if name not in old[0]:
            continue
        ratios = [n[name] / o[name] for o, n in zip(old, new, strict=True)]
        before, after = (statistics.median(one[name] for one in side) for side in (old, new))
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"{name:32}{before:8.1f} {unit:3}{after:8.1f} {unit:3}{statistics.median(ratios):8.3f}  {spread}")
        if name in _BARS:
            verdicts.append(Bar(name, _BARS[name], "x").verdict(statistics.median(ratios)))
    print(load_line())
    if commit.startswith(_BARS_OVER):
        print("\n".join(verdicts))


@contextmanager
def _checked_out(commit: str, folder: Path) -> Iterator[Path]:
    """A git worktree of the commit, with this tree's networks where it has ones of the same name."""
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(folder), commit], check=True)
    try:
        for network in (ROOT / "layers" / "model").glob("*.onnx"):
            if (folder / "layers" / "model" / network.name).is_file():
                shutil.copyfile(network, folder / "layers" / "model" / network.name)
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def _draw(folder: Path, megapixels: float) -> list[Path]:
    """The photographs of scikit-image at a size, as JPEG files."""
    files = []
    for name in _PICTURES:
        photo = Image.fromarray(np.asarray(getattr(skimage.data, name)()))
        scale = (megapixels * 1e6 / (photo.width * photo.height)) ** 0.5
        files.append(folder / f"{name}-{megapixels}.jpg")
        # A side of 4,096 is the most that every commit takes.
        sides = [min(4096, round(side * scale)) for side in photo.size]
        photo.resize((sides[0], sides[1]), Image.Resampling.LANCZOS).save(files[-1], quality=92)
    return files
