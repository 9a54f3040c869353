"""Which passes of a network a picture gets. The modules named here hold each rule's threshold and its measurement.

tiling   the picture is wide and the network knows persons: the whole and square tiles; nothing else then
flip     the pass before it is uncertain (`flip.UNCERTAIN`): the mirror image too
crop     the subject's box is small (`crop.MAX_SHARE`) and has enough pixels: its box too, each pass with its own flip
patches  the picture has more detail than the predictions: up to four patches of the subject's box
"""

from __future__ import annotations

from functools import partial

from cutline.pipeline.filters import F32, U8
from cutline.pipeline.inference.crop import Predict, predict_with_crop
from cutline.pipeline.inference.flip import predict_with_flip
from cutline.pipeline.inference.model_config import ModelEntry
from cutline.pipeline.inference.patches import sharpen_outline
from cutline.pipeline.inference.tiling import is_tiled, predict_tiled


def predict_in_passes(entry: ModelEntry, predict: Predict, rgb_u8: U8, alpha_u8: U8 | None) -> dict[str, F32]:
    """Predictions (h, w) in [0, 1] by channel name from the passes of `predict` that entry and picture call for."""
    if is_tiled(entry, rgb_u8):
        return predict_tiled(predict, rgb_u8, alpha_u8)
    one_pass = partial(predict_with_flip, predict) if entry.flip else predict
    with_crop = partial(predict_with_crop, one_pass) if entry.crop else one_pass
    predictions = with_crop(rgb_u8, alpha_u8)
    return sharpen_outline(predict, rgb_u8, alpha_u8, predictions) if entry.patches else predictions
