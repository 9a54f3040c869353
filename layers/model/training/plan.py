"""A training run's numbers, from the command line, and which rows each network learns from and is checked on."""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

from training.manifest import Row
from training.network import ARCHITECTURES

OUTPUTS = {"matte": 2, "costume": 9}
# Only `matte` must weigh objects of a whole scene against each other.
CONTEXT_BLOCKS = {"matte": 2, "costume": 0}
# Smallest and largest share of a side that a crop shows. The data of `costume` has full figures only; in use there are
# half ones too.
EARLY_ZOOM = {"matte": (0.6, 1.0), "costume": (0.35, 1.0)}
FINAL_ZOOM = {"matte": (0.75, 1.0), "costume": (0.45, 1.0)}
MATTE_FOLDERS = ("objects", "unlabelled", "person", "costume")
MAX_THINGS = 900


@dataclass(frozen=True)
class Plan:
    """One run's numbers. Sizes in pixels."""

    job: str
    minutes: float
    out: Path
    seed: int = 7
    batch: int = 16
    stored: int = 416
    early_size: int = 256
    middle_size: int = 0
    final_size: int = 384
    final_share: float = 0.4
    encoder: str = "lite0"
    rate: float = 1.0e-3
    encoder_rate_share: float = 0.4
    check_minutes: float = 12.0
    threads: int = 2
    frozen: int = 0
    device: str = "cpu"
    only_masks: bool = False

    def stage(self, progress: float) -> tuple[int, tuple[float, float]]:
        """Return picture size and zoom once the share `progress` of the time has passed.

        With a `middle_size` the time before the last part is halved between it and `early_size`.
        """
        if self.middle_size and (1 - self.final_share) / 2 <= progress < 1 - self.final_share:
            return self.middle_size, EARLY_ZOOM[self.job]
        if progress < 1 - self.final_share:
            return self.early_size, EARLY_ZOOM[self.job]
        return self.final_size, FINAL_ZOOM[self.job]

    def rate_at(self, progress: float) -> float:
        """Return the learning rate factor in (0, 1]: a short rise, then half a cosine down to 1 %."""
        rise = min(1.0, progress / 0.02 + 0.05)
        return rise * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))


def training_rows(job: str, rows: list[Row], only_masks: bool = False) -> list[Row]:
    """Return the rows to train on, with `only_masks` none whose truth is a teacher's alpha.

    `costume` gets at most about MAX_THINGS things, spread evenly.
    """
    if job == "matte":
        return [row for row in rows if row.folder in MATTE_FOLDERS and (row.mask or row.labels or not only_masks)]
    things = [row for row in rows if row.costume_group == "thing"]
    return [row for row in rows if row.costume_group not in ("", "thing")] + things[:: -(-len(things) // MAX_THINGS)]


def validation_rows(job: str, rows: list[Row]) -> list[Row]:
    """Return for matte every second object and every person picture; costume: every fourth thing; checks stay short."""
    if job == "costume":
        things = [row for row in rows if row.costume_group == "thing"]
        return [row for row in rows if row.costume_group not in ("", "thing")] + things[::4]
    objects = [row for row in rows if row.folder == "objects"][::2]
    return objects + [row for row in rows if row.folder == "person"]


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="training.train", description="Trains one network for a given time.")
    parser.add_argument("job", choices=sorted(OUTPUTS))
    parser.add_argument("--data", action="append", help="folder with manifest.csv (repeatable; default: $CUTLINE_DATA)")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="weights to begin with (default: ImageNet encoder)")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--rate", type=float, default=Plan.rate)
    parser.add_argument("--batch", type=int, default=Plan.batch, help="smaller gives a short run more steps")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--final-share", type=float, default=Plan.final_share, help="of the time, at the full size")
    parser.add_argument(
        "--check-minutes", type=float, default=Plan.check_minutes, help="between checks; 0: only last.pt is written"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="pictures live there too")
    parser.add_argument("--frozen", type=int, default=0, help="blocks of the encoder that are not trained")
    parser.add_argument("--early-size", type=int, default=Plan.early_size, help="px, before the last part")
    parser.add_argument("--middle-size", type=int, default=0, help="px, of the second half before the last part")
    parser.add_argument("--encoder", choices=sorted(ARCHITECTURES), default=Plan.encoder)
    parser.add_argument("--threads", type=int, default=Plan.threads, help="each takes its share of a batch")
    parser.add_argument("--only-masks", action="store_true", help="leave out rows whose truth is a teacher's alpha")
    parser.add_argument("--tier", action="append", help="only rows of this tier (repeatable; default: all)")
    return parser.parse_args()
