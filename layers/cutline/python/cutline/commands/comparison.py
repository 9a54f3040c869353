"""One picture cut out here and put beside the result of another service."""

import time
from pathlib import Path

import numpy as np
from PIL import Image

from cutline.commands.comparison_page import Compared, Pair
from cutline.errors import InputRefused, Reason
from cutline.limits import LOCAL_LIMITS
from cutline.pipeline.agreement import agreement, difference_picture, same_shape
from cutline.pipeline.codecs.decode import decode_image
from cutline.pipeline.codecs.encode import encode_png
from cutline.pipeline.cutout import CutOptions, Predictor, matte_picture
from cutline.pipeline.layout.compose import merge_alpha
from cutline.pipeline.timing import StageTimer

_PREVIEW_PX = 480


def compare(pair: Pair, network: Predictor, out: Path, index: int) -> Compared:
    """The comparison, whose previews are written below `out`. Raises MattingError for what cannot be compared."""
    old = decode_image(pair.result.read_bytes(), LOCAL_LIMITS)
    if old.alpha_u8 is None:
        raise InputRefused(Reason.IMAGE_TYPE, f"{pair.result} is not transparent")
    begun = time.perf_counter()
    picture = decode_image(pair.picture.read_bytes(), LOCAL_LIMITS)
    if not same_shape(picture.width, picture.height, old.width, old.height):
        raise InputRefused(Reason.PARAMETER_INVALID, f"{pair.result} has another shape: it was cropped or framed")
    matte = matte_picture(picture, CutOptions(), network, StageTimer())
    ours_u8 = merge_alpha(matte.rgb_u8, matte.alpha_u8)
    file = encode_png(ours_u8)
    took_ms = (time.perf_counter() - begun) * 1000
    found = agreement(matte.alpha_u8, old.alpha_u8)
    previews = {
        "picture": picture.rgb_u8,
        "old": np.dstack([old.rgb_u8, old.alpha_u8]),
        "ours": ours_u8,
        "difference": difference_picture(matte.alpha_u8, old.alpha_u8),
    }
    for name, pixels_u8 in previews.items():
        image = Image.fromarray(np.ascontiguousarray(pixels_u8))
        image.thumbnail((_PREVIEW_PX, _PREVIEW_PX))
        image.save(out / f"{index:05d}-{name}.png")
    return Compared(
        name=pair.picture.name,
        previews={name: f"{index:05d}-{name}.png" for name in previews},
        overlap=found.overlap,
        difference=found.difference,
        old_bytes=pair.result.stat().st_size,
        our_bytes=len(file),
        took_ms=took_ms,
    )
