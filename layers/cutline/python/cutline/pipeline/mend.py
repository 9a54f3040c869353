"""A finished cut-out mended by strokes: its new alpha, and the colours that go with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.cutout import Matte, ResolvedSubject, estimate_colours_of, on_white, with_file_parts
from cutline.pipeline.filters import U8
from cutline.pipeline.layout.compose import crop
from cutline.pipeline.layout.framing import Box, Placement, Region
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


@dataclass(frozen=True)
class View:
    """Where a result shows its picture: `shown` of it is drawn into `drawn` of a canvas of width x height.

    picture_size: the picture's width and height, beyond which `shown` may reach.
    """

    width: int
    height: int
    drawn: Box
    shown: Box
    picture_size: tuple[int, int]

    @classmethod
    def of(cls, placement: Placement, shown: Box, picture_size: tuple[int, int]) -> View:
        """Return a composed cut-out's."""
        return cls(placement.width, placement.height, placement.drawn, shown, picture_size)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> View:
        """Return the view of which `to_document` made this."""
        boxes = {name: Box(**document[name]) for name in ("drawn", "shown")}
        return cls(**{**document, **boxes, "picture_size": tuple(document["picture_size"])})

    def to_document(self) -> dict[str, Any]:
        """Return it for storage."""
        return asdict(self)

    def on_picture(self, strokes: Sequence[Stroke]) -> tuple[Stroke, ...]:
        """Return strokes over the result as strokes over the picture, beyond which they may reach."""
        width, height = self.picture_size
        whole = Box(0, 0, width, height)
        if self.drawn == whole and self.shown == whole and (self.width, self.height) == (width, height):
            return tuple(strokes)
        across, down = self.shown.width / self.drawn.width, self.shown.height / self.drawn.height
        growth = max(self.width, self.height) * (across + down) / 2 / max(width, height)
        return tuple(
            replace(
                stroke,
                radius=stroke.radius * growth,
                points=tuple(
                    (
                        (self.shown.left + (x * self.width - self.drawn.left) * across) / width,
                        (self.shown.top + (y * self.height - self.drawn.top) * down) / height,
                    )
                    for x, y in stroke.points
                ),
            )
            for stroke in strokes
        )


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
