"""Runs `training.tune` in a process of its own: only there is PyTorch, and only there the networks' training code."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from cutline import resources
from cutline.pipeline.filters import U8, resize_u8

# The weights' way from the start to the end, in percent, largest first.
SHARES = (100, 75, 50, 25)
SIDE_PX = 416
PACKAGES = ("torch", "onnx")


class TuningFailed(Exception):
    """The last line that the process wrote."""


def is_installed() -> bool:
    """Return whether the packages are there that training needs."""
    return all(importlib.util.find_spec(name) for name in PACKAGES)


def squashed(plane_u8: U8) -> U8:
    """Return a picture (H, W, 3) or alpha (H, W) as the network's training keeps it, SIDE_PX square."""
    return resize_u8(plane_u8, SIDE_PX, SIDE_PX, Image.Resampling.BILINEAR)


def write_pictures(folder: Path, accepted: Sequence[tuple[U8, U8]], others: Sequence[U8]) -> None:
    """Write what `training.tune` reads: squashed pictures with their alphas, and pictures without. Raises OSError."""
    np.save(folder / "pictures.npy", np.stack([*(rgb for rgb, _ in accepted), *others]))
    np.save(folder / "alphas.npy", np.stack([alpha for _, alpha in accepted]))


def read_sheet(folder: Path) -> tuple[U8, U8]:
    """Return the drawn pictures (N, S, S, 3) and their alphas (N, 2, S, S) that it wrote."""
    with np.load(folder / "sheet.npz") as sheet:
        return sheet["pictures"], sheet["alphas"]


def tune(folder: Path, start: Path, minutes: float, threads: int) -> Iterator[float]:
    """Tune the network `start` on the folder's pictures; yield the progress in [0, 1]. Raises TuningFailed."""
    command = [sys.executable, "-m", "training.tune", str(folder), "--start", str(start)]
    command += ["--minutes", str(minutes), "--threads", str(threads), "--shares", *map(str, SHARES)]
    paths = [str(resources.models_dir()), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    log = folder / "stderr.txt"
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.startswith("progress "):
                    yield float(line.split()[1])
            status = process.wait()
        finally:
            process.kill()
    if status:
        lines = log.read_text("utf-8", "replace").strip().splitlines()
        raise TuningFailed(lines[-1] if lines else f"status {status}")
