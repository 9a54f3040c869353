"""Subject over shadow over background."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageChops

from cutline.pipeline.filters import U8

_OPAQUE = 255


def stack(rgba_u8: U8, density_u8: U8 | None, behind: Image.Image | None) -> U8:
    """The subject (H, W, 4) over a shadow (H, W) over a background (RGB): (H, W, 3), or (H, W, 4) without one.

    A shadow of density d leaves 1 - d of the light under it; where nothing is under it, it is black of the opacity d.
    """
    if behind is None:
        return rgba_u8 if density_u8 is None else _over_black(rgba_u8, density_u8)
    if density_u8 is not None:
        light = Image.fromarray(np.subtract(_OPAQUE, density_u8))
        behind = ImageChops.multiply(behind, Image.merge("RGB", (light, light, light)))
    subject, alpha = (Image.fromarray(np.ascontiguousarray(part)) for part in (rgba_u8[..., :3], rgba_u8[..., 3]))
    return np.array(Image.composite(subject, behind, alpha))


def _over_black(rgba_u8: U8, density_u8: U8) -> U8:
    """Porter and Duff's "over" on colours that are not premultiplied; black adds nothing to them."""
    stacked_u8 = rgba_u8.copy()
    at = np.nonzero((density_u8 > 0) & (rgba_u8[..., 3] < _OPAQUE))
    alpha, density = rgba_u8[..., 3][at].astype(np.uint32), density_u8[at].astype(np.uint32)
    opacity = alpha * _OPAQUE + density * (_OPAQUE - alpha)  # of 255 x 255
    colours = rgba_u8[at][:, :3].astype(np.uint32) * (alpha * _OPAQUE)[:, None]
    stacked_u8[..., :3][at] = (colours + opacity[:, None] // 2) // opacity[:, None]
    stacked_u8[..., 3][at] = (opacity + _OPAQUE // 2) // _OPAQUE
    return stacked_u8
