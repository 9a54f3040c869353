"""A stand-in for a network, for which whatever is white is in front."""

import numpy as np
from PIL import Image

SIDE = 64


class Sees:
    """A network of SIDE x SIDE pixels; keeps the sizes of what it was shown. From `blind_from` on it sees wrong."""

    def __init__(self) -> None:
        self.shown: list[tuple[int, int]] = []
        self.blind_from = 99

    def __call__(self, rgb_u8: np.ndarray) -> dict[str, np.ndarray]:
        self.shown.append(rgb_u8.shape[:2])
        small = Image.fromarray(rgb_u8[..., 0]).resize((SIDE, SIDE), Image.Resampling.BOX)
        plane = np.asarray(small, np.float32) / 255
        if len(self.shown) > self.blind_from:
            plane = np.roll(plane, SIDE // 2, 0)
        return {"foreground": plane, "person": plane / 2}


def error_of(plane: np.ndarray, picture: np.ndarray) -> float:
    """The sum of |alpha - truth| at the size of the picture (H, W, 3), which is white where the truth is 1."""
    full = Image.fromarray(plane).resize(picture.shape[1::-1], Image.Resampling.BICUBIC)
    return float(np.abs(np.asarray(full) - picture[..., 0] / 255).sum())
