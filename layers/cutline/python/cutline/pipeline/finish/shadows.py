"""Which shadow a subject gets, and where it falls on the result's canvas."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from PIL import Image

from cutline.pipeline.filters import F32, U8, fit_within, resize_u8
from cutline.pipeline.finish.drop_shadow import SIDE_PX, draw_shadow, reach_of
from cutline.pipeline.finish.kept_shadow import keep_shadow
from cutline.pipeline.finish.options import Shadow, ShadowKind
from cutline.pipeline.layout.compose import crop, subject_box
from cutline.pipeline.layout.framing import Box, Placement

# The share of the shorter side over which a shadow fades out before an edge.
_EDGE = 0.08
_STANDS = 0.005


@dataclass(frozen=True)
class FoundShadow:
    """asked: as the options say; kind: which one the subject gets; kept_u8: the density (H, W) of a kept one."""

    asked: Shadow
    kind: ShadowKind
    kept_u8: U8 | None = None

    def box(self, alpha_u8: U8) -> Box | None:
        """Where it falls around a subject with this alpha (H, W); it may reach beyond the picture."""
        if self.kept_u8 is not None:
            return subject_box(self.kept_u8)
        box = subject_box(alpha_u8)
        if self.kind == "none" or box is None:
            return None
        return _drawn_box(crop(alpha_u8, box), box, self.asked)

    def on_canvas(self, alpha_u8: U8, placement: Placement, size: tuple[int, int]) -> U8 | None:
        """Its density on a canvas with this alpha; size: width and height of the picture."""
        if self.kind == "none":
            return None
        density_u8 = draw_shadow(alpha_u8, self.asked) if self.kept_u8 is None else self._placed(placement, size)
        return _faded(density_u8, (True,) * 4) if self.asked.inside else density_u8

    def _placed(self, placement: Placement, size: tuple[int, int]) -> U8:
        """The kept density where the placement puts the picture, faded out at those edges that the canvas shows."""
        assert self.kept_u8 is not None
        at, source = placement.drawn, placement.source
        if source == Box(0, 0, *size) and (placement.width, placement.height) == size == (at.width, at.height):
            return self.kept_u8
        across, down = at.width / source.width, at.height / source.height
        left, top = at.left - source.left * across, at.top - source.top * down
        right, bottom = left + size[0] * across, top + size[1] * down
        shows = top > 0, right < placement.width, bottom < placement.height, left > 0
        inner = Box(round(left), round(top), round(right), round(bottom)).within(placement.width, placement.height)
        density_u8 = np.zeros((placement.height, placement.width), np.uint8)
        if inner.width and inner.height:
            columns, rows = ((inner.left - left, inner.right - left), (inner.top - top, inner.bottom - top))
            x0, x1 = (min(max(0.0, at / across), size[0]) for at in columns)
            y0, y1 = (min(max(0.0, at / down), size[1]) for at in rows)
            faded = Image.fromarray(_faded(self.kept_u8, shows))
            part = faded.resize((inner.width, inner.height), Image.Resampling.BILINEAR, box=(x0, y0, x1, y1))
            density_u8[inner.top : inner.bottom, inner.left : inner.right] = np.asarray(part)
        return density_u8


def find_shadow(rgb_u8: U8, alpha_u8: U8, covered_u8: U8, asked: Shadow) -> FoundShadow:
    """The shadow of a subject in a photograph; arrays as of `keep_shadow`.

    "auto" draws one where none can be kept, for a subject that stands: one that the photograph's lower edge does not
    cut off.
    """
    kept_u8 = keep_shadow(rgb_u8, alpha_u8, covered_u8) if asked.kind in ("keep", "auto") else None
    if kept_u8 is not None:
        if asked.opacity is not None:
            kept_u8 = np.rint(kept_u8 * np.float32(asked.opacity)).astype(np.uint8)
        return FoundShadow(asked, "keep", kept_u8)
    box = subject_box(alpha_u8)
    stands = box is not None and box.bottom < len(alpha_u8) * (1 - _STANDS)
    draws = asked.kind == "drop" or (asked.kind == "auto" and stands)
    return FoundShadow(asked, "drop" if draws else "none")


def _drawn_box(alpha_u8: U8, box: Box, asked: Shadow) -> Box | None:
    """Where a drawn shadow of the subject in `box`, with this alpha, falls, by a copy of the drawing's size."""
    width, height = fit_within(box.width, box.height, SIDE_PX)
    around, aside = reach_of(width, height, asked)
    small_u8 = resize_u8(np.ascontiguousarray(alpha_u8), width, height, Image.Resampling.BOX)
    found = subject_box(draw_shadow(np.pad(small_u8, ((around, around), (aside, aside))), asked))
    if found is None:
        return None
    across, down = box.width / width, box.height / height
    left, right = floor((found.left - aside) * across), ceil((found.right - aside) * across)
    top, bottom = floor((found.top - around) * down), ceil((found.bottom - around) * down)
    return Box(left, top, right, bottom).moved(box.left, box.top)


def _faded(density_u8: U8, edges: tuple[bool, ...]) -> U8:
    """The density with the given edges (top, right, bottom, left) faded to 0 at their outermost pixels."""
    height, width = density_u8.shape
    length = max(1, round(_EDGE * min(height, width)))
    down, across = (_ramps(side, length, *ends) for side, ends in ((height, edges[::2]), (width, edges[3:0:-2])))
    faded_u8: U8 = np.rint(density_u8 * down[:, None] * across).astype(np.uint8)
    return faded_u8


def _ramps(side: int, length: int, first: bool, last: bool) -> F32:
    """(side,): 1, or from 0 at an end to 1 at `length` pixels from it."""
    ramp = np.minimum(np.arange(side, dtype=np.float32) / np.float32(length), np.float32(1))
    whole: F32 = np.ones_like(ramp)
    line: F32 = (ramp if first else whole) * (ramp[::-1] if last else whole)
    return line
