"""A region that a caller chose: the network is shown only this part, and the subject that is mostly in it counts.

With a second subject near the intended one, the network may choose both, or the other. Measured on 15
pictures of two cut-outs each, with regions 0, 5 and 20 % larger than the subject: this view has a mean IoU of .96 to
.97, and the worst is .84. The matte of the whole picture, cut to the region, has .82 to .87 and loses (IoU < .8) 10 to
25 % of the subjects. A view without margin, at 5 %, has .88 and loses 17 %: what ends at its edge passes for
background.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.filters import F32, grow
from cutline.pipeline.layout.compose import crop
from cutline.pipeline.layout.framing import Box, Region
from cutline.pipeline.matting.components import label_components

# What the network sees around the region, as a share of the region's longer side.
_MARGIN = 0.1
_HALF = 0.5
# How far the soft edge of a subject that is not meant reaches, in pixels of the network's plane.
_EDGE_PX = 4


@dataclass(frozen=True)
class RoiCrop:
    """The part of a picture that the network is shown: `box`; `region`, in pixels of that box, holds the subject."""

    box: Box
    region: Box

    def cut(self, picture: Picture) -> Picture:
        """Return the part of the picture that the network is shown."""
        alpha_u8 = picture.alpha_u8
        return Picture(
            np.ascontiguousarray(crop(picture.rgb_u8, self.box)),
            None if alpha_u8 is None else np.ascontiguousarray(crop(alpha_u8, self.box)),
            picture.format,
        )

    def choose(self, alpha_f32: F32) -> F32:
        """Alpha (h, w) of the view without subjects of which less than half lies in the region.

        If no subject has half of itself there, such as a part of one that was chosen, all stay.
        """
        labels, areas = label_components(alpha_f32 > _HALF)
        height, width = alpha_f32.shape
        across, down = width / self.box.width, height / self.box.height
        rows = slice(round(self.region.top * down), round(self.region.bottom * down))
        columns = slice(round(self.region.left * across), round(self.region.right * across))
        inside = np.bincount(labels[rows, columns].ravel(), minlength=len(areas) + 1)[1:]
        meant = inside >= _HALF * areas
        if meant.all() or not meant.any():
            return alpha_f32
        others = np.concatenate(([False], ~meant))[labels]
        # If two subjects nearly touch, the one that is meant keeps its own edge.
        mine = np.concatenate(([False], meant))[labels]
        return np.where(grow(others, _EDGE_PX) & ~mine, np.float32(0), alpha_f32)


def roi_crop(roi: Region, width: int, height: int) -> RoiCrop | None:
    """Return the crop of a picture of this size, or None where no pixel of the region is in it."""
    region = roi.box_in(width, height).within(width, height)
    if region.width < 1 or region.height < 1:
        return None
    margin = round(_MARGIN * max(region.width, region.height))
    box = Box(region.left - margin, region.top - margin, region.right + margin, region.bottom + margin)
    box = box.within(width, height)
    return RoiCrop(box, region.moved(-box.left, -box.top))


def crop_to_roi(picture: Picture, roi: Region | None) -> Picture:
    """Return the part of a picture that a network is shown for `roi`, which is None for the whole."""
    view = None if roi is None else roi_crop(roi, picture.width, picture.height)
    return picture if view is None else view.cut(picture)
