"""How fast the deployed decoder and encoders are, against the bounds that they are started under.

The picture is the smoke test's figure under noise, which encoders find hard. An answer's `Server-Timing` header has the
milliseconds of each stage; the cut-out's functions have a whole CPU, so wall time is close to CPU time.
"""

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from cutline.pipeline.codecs.encode import WORST_S_PER_PX
from devkit.clients import Answer, RemoveBg
from tools.smoke.calls import PICTURE, Failed, Keys

# What the template's CpuSlowdown is by default.
SLOWDOWN = 1.7
_TRIES = 3
_NOISE = 60
_OK = 200
# The decoder's bound is one on CPU time, for a picture of 4096 x 4096.
_DECODER_S_PER_PX = 10 / 4096**2


@dataclass(frozen=True)
class Speed:
    """A stage's seconds per pixel: the best of some calls, and the bound of the machine that measured the bounds."""

    name: str
    s_per_px: float
    bound_s_per_px: float

    @property
    def needed(self) -> float:
        """The least CpuSlowdown with which the bound holds."""
        return self.s_per_px / self.bound_s_per_px

    def line(self, slowdown: float) -> str:
        """A line of the table."""
        verdict = "holds" if self.needed <= slowdown else "DOES NOT HOLD"
        allowed = self.bound_s_per_px * slowdown
        return f"{self.name:16}{self.s_per_px * 1e6:10.3f}{allowed * 1e6:10.3f}   {verdict}"


def measure(url: str, keys: Keys) -> list[Speed]:
    """Measure with a few calls of remove.bg's route. Raises Failed."""
    picture, pixels = noisy_picture()
    found: dict[str, list[float]] = {"decoder": [], "WEBP": [], "JPEG": []}
    for _ in range(_TRIES):
        for name, fields in (("WEBP", {"format": "webp"}), ("JPEG", {"format": "jpg", "bg_color": "fff"})):
            stages = stages_ms(RemoveBg(url, keys.api_key).remove(picture, size="auto", **fields))
            found[name].append(stages["encode"])
            found["decoder"].append(stages["decode"])
    bounds = {"decoder": _DECODER_S_PER_PX, **WORST_S_PER_PX}
    return [Speed(name, min(times) / 1000 / pixels, bounds[name]) for name, times in found.items()]


def stages_ms(answer: Answer) -> dict[str, float]:
    """Return the milliseconds of each stage of a served call. Raises Failed."""
    timing = {
        name: float(ms) for name, ms in re.findall(r"(\w+);dur=([\d.]+)", answer.headers.get("server-timing", ""))
    }
    if answer.status != _OK or not {"decode", "encode"} <= timing.keys():
        raise Failed(f"HTTP {answer.status} without the times of its stages: {answer.body[:200]!r}")
    return timing


def noisy_picture() -> tuple[bytes, int]:
    """Return the figure under noise as a PNG, and its pixels."""
    rgb = np.asarray(Image.open(io.BytesIO(PICTURE)).convert("RGB")).astype(np.int16)
    noise = np.random.default_rng(1).integers(-_NOISE, _NOISE + 1, rgb.shape, np.int16)
    file = io.BytesIO()
    Image.fromarray(np.clip(rgb + noise, 0, 255).astype(np.uint8)).save(file, "PNG")
    return file.getvalue(), rgb.shape[0] * rgb.shape[1]


def table(speeds: Iterable[Speed], slowdown: float = SLOWDOWN) -> list[str]:
    """Return the lines to print, and what to do where a bound does not hold."""
    speeds = list(speeds)
    needed = max(speed.needed for speed in speeds)
    lines = [f"{'s per megapixel':16}{'measured':>10}{'bound':>10}", *(speed.line(slowdown) for speed in speeds)]
    if needed > slowdown:
        lines.append(f"set CpuSlowdown to {needed * 1.2:.1f} and deploy")
    return lines
