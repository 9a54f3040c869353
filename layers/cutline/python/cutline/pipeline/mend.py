"""A finished cut-out mended by strokes: its new alpha, and the colours that go with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.cutout import Matte, ResolvedSubject, estimate_colours_of, on_white, with_file_parts
from cutline.pipeline.filters import U8
from cutline.pipeline.layout.compose import crop
from cutline.pipeline.layout.framing import Region
from cutline.pipeline.matting.roi import roi_crop
from cutline.pipeline.matting.stamp import extract_stamp
from cutline.pipeline.matting.strokes import mend_alpha
from cutline.pipeline.stroke import Stroke


@dataclass(frozen=True)
class Mendable:
    """What mending a cut-out needs besides its picture.

    first_u8, alpha_u8: (H, W), the alpha that the network and its refinement gave, and the one of now; strokes: those
    that led from the first to the second; subject, confidence: as of `Matte`, before any stroke.
    """

    subject: ResolvedSubject
    confidence: float | None
    first_u8: U8
    alpha_u8: U8
    strokes: tuple[Stroke, ...] = ()

    @classmethod
    def of(cls, matte: Matte) -> Mendable:
        """Return a finished matte's."""
        return cls(matte.subject, matte.confidence, matte.alpha_u8, matte.alpha_u8)


def mend(picture: Picture, cut: Mendable, strokes: Sequence[Stroke]) -> Mendable:
    """Return the cut-out after more strokes. Nothing is opaque that the picture itself shows transparent."""
    alpha_u8 = mend_alpha(picture.rgb_u8, cut.alpha_u8, strokes, cut.strokes)
    if picture.alpha_u8 is not None:
        # It may be below the picture's alpha already, so only what a stroke raised is bounded.
        alpha_u8 = np.where(alpha_u8 > cut.alpha_u8, np.minimum(alpha_u8, picture.alpha_u8), alpha_u8)
    return replace(cut, alpha_u8=alpha_u8, strokes=(*cut.strokes, *strokes))


def mended_matte(picture: Picture, cut: Mendable, roi: Region | None = None) -> Matte:
    """Return the matte of a mended cut-out; `roi`: the region that the first one was made of.

    The colours are the first cut-out's where alpha is the first one's, so that a mend changes no pixel elsewhere.
    """
    rgb_u8 = _first_colours(picture, cut, roi)
    changed = cut.alpha_u8 != cut.first_u8
    if changed.any():
        rgb_u8[changed] = estimate_colours_of(picture, cut.alpha_u8)[changed]
    return with_file_parts(Matte(rgb_u8, cut.alpha_u8, cut.subject, cut.confidence), picture)


def changed_share(before: Mendable, after: Mendable) -> float:
    """Return the share of the pixels whose alpha differs."""
    return float((before.alpha_u8 != after.alpha_u8).mean())


def _first_colours(picture: Picture, cut: Mendable, roi: Region | None) -> U8:
    """Return the colours (H, W, 3) of the cut-out before any stroke, as `matte_picture` gave them."""
    view = None if roi is None else roi_crop(roi, picture.width, picture.height)
    if view is not None:
        rgb_u8 = picture.rgb_u8.copy()
        part = replace(cut, first_u8=np.ascontiguousarray(crop(cut.first_u8, view.box)))
        crop(rgb_u8, view.box)[:] = _first_colours(view.cut(picture), part, None)
        return rgb_u8
    inked = extract_stamp(on_white(picture)) if cut.subject == "stamp" else None
    return estimate_colours_of(picture, cut.first_u8) if inked is None else inked[0]
