"""One entry of models.toml: the input that a network expects and the meaning of its planes."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cutline.errors import Reason, ServiceFault

MODELS_FILE = "models.toml"
# The largest subject that gets a crop has half the picture's width and height; at twice the size it fills the input.
_CROP_FACTOR = 2


@dataclass(frozen=True)
class ModelEntry:
    """The description of one network; the fields are explained at the head of models.toml.

    channels: the output's planes in order; white: the value of byte 255 before (x - mean) / std.
    """

    name: str
    path: Path
    input: str
    output: str
    channels: tuple[str, ...]
    height: int
    width: int
    letterbox: bool
    white: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    rescale: bool
    flip: bool
    crop: bool
    patches: bool

    @property
    def view_height(self) -> int:
        """The largest height of use to the network: its own, or twice that if it crops."""
        return self.height * (_CROP_FACTOR if self.crop else 1)

    @property
    def view_width(self) -> int:
        """The largest width of use to the network."""
        return self.width * (_CROP_FACTOR if self.crop else 1)


def read_entry(models_dir: Path, name: str) -> ModelEntry:
    """The entry `name` of the folder's models.toml.

    Raises:
        ServiceFault: if the file or the entry is missing or invalid.
    """
    try:
        with (models_dir / MODELS_FILE).open("rb") as file:
            entry = tomllib.load(file)[name]
        return _to_entry(models_dir, name, entry)
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise ServiceFault(Reason.MODEL_FAILED, f"{MODELS_FILE} has no sound entry for {name!r}: {error}") from error


def _to_entry(models_dir: Path, name: str, entry: dict[str, Any]) -> ModelEntry:
    height, width = (int(side) for side in entry["size"])
    if entry["fit"] not in ("squash", "letterbox"):
        raise ValueError("fit is squash or letterbox")
    return ModelEntry(
        name=name,
        path=models_dir / entry["file"],
        input=entry["input"],
        output=entry["output"],
        channels=tuple(entry["channels"]),
        height=height,
        width=width,
        letterbox=entry["fit"] == "letterbox",
        white=float(entry["white"]),
        mean=_triple(entry["mean"]),
        std=_triple(entry["std"]),
        rescale=bool(entry["rescale"]),
        flip=bool(entry["flip"]),
        crop=bool(entry["crop"]),
        patches=bool(entry["patches"]),
    )


def _triple(values: list[float]) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
