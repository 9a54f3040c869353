"""How far an alpha and its colours are from a composite's truth, and what the simplest methods would give."""

import numpy as np
from PIL import Image

from cutline.pipeline.matting.foreground import OPAQUE_FROM
from devkit.composites import U8, Composite


def bicubic(case: Composite) -> U8:
    """The perfect network's map stretched: the baseline of refinement."""
    small = Image.fromarray(np.rint(case.map_of() * 255).astype(np.uint8))
    size = (case.rgb_u8.shape[1], case.rgb_u8.shape[0])
    return np.asarray(small.resize(size, Image.Resampling.BICUBIC))


def band_error(alpha_u8: U8, case: Composite) -> float:
    """Mean absolute error of alpha where it is soft, and around."""
    return float(np.abs(alpha_u8 / 255.0 - case.alpha_f32)[case.band].mean())


def colour_error(rgb_u8: U8, case: Composite) -> float:
    """Alpha-weighted mean squared error of the subject's colours in the soft band."""
    soft = (case.alpha_u8 > 2) & (case.alpha_u8 < OPAQUE_FROM)
    wrong = (rgb_u8[soft] / 255.0 - case.subject_f32[soft]) ** 2
    return float((case.alpha_f32[soft][:, None] * wrong).mean())
