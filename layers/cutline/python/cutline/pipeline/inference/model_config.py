"""One entry of models.toml: the input that a network expects and the meaning of its planes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from cutline.errors import Reason, ServiceFault
from cutline.local_file import read_toml
from cutline.pipeline.inference.crop import MAX_SIDE

MODELS_FILE = "models.toml"
Activation = Literal["none", "sigmoid", "minmax"]
# Offset and slope of the confidence (cutline.pipeline.inference.confidence).
Calibration = tuple[float, float]
# The largest subject that gets a crop has half the picture's width and height; at twice the size it fills the input.
_CROP_FACTOR = 2


@dataclass(frozen=True)
class ModelEntry:
    """The description of one network; the fields are explained at the head of models.toml.

    channels: the output's planes in order; white: the value of byte 255 before (x - mean) / std; activation: what makes
    the output a probability; confidence: its fit, or None if there is none.
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
    activation: Activation
    flip: bool
    crop: bool
    patches: bool
    confidence: Calibration | None
    licence: str

    @property
    def view_height(self) -> int:
        """The largest height of use to the network: its own, twice that if it crops, or that of its patches' plane."""
        return self._largest(self.height)

    @property
    def view_width(self) -> int:
        """The largest width of use to the network."""
        return self._largest(self.width)

    def _largest(self, side: int) -> int:
        return max(side * (_CROP_FACTOR if self.crop else 1), MAX_SIDE if self.patches else 0)


def read_entry(models_dir: Path, name: str) -> ModelEntry:
    """Read the entry `name` of the folder's models.toml.

    Raises:
        ServiceFault: if the file or the entry is missing or invalid.
    """
    entries = _read(models_dir)
    if name not in entries:
        raise ServiceFault(Reason.MODEL_FAILED, f"{MODELS_FILE} has no entry {name!r}; it has {', '.join(entries)}")
    try:
        return _to_entry(models_dir, name, entries[name])
    except (KeyError, ValueError, TypeError) as error:
        raise ServiceFault(Reason.MODEL_FAILED, f"the entry {name!r} of {MODELS_FILE} is invalid: {error}") from error


def names_with(models_dir: Path, channel: str = "foreground") -> tuple[str, ...]:
    """Return the names of the entries that have a channel, in the file's order. Raises ServiceFault."""
    return tuple(name for name, entry in _read(models_dir).items() if channel in entry.get("channels", ()))


def first_with(models_dir: Path, channel: str) -> str:
    """Return the name of the first entry that has a channel. Raises ServiceFault if none has."""
    for name in names_with(models_dir, channel):
        return name
    raise ServiceFault(Reason.MODEL_FAILED, f"{MODELS_FILE} has no entry with the channel {channel!r}")


def _read(models_dir: Path) -> dict[str, dict[str, Any]]:
    try:
        entries = read_toml(models_dir / MODELS_FILE)
    except (OSError, ValueError) as error:
        raise ServiceFault(Reason.MODEL_FAILED, f"{MODELS_FILE} cannot be read: {error}") from error
    for name, entry in entries.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("channels", []), list):
            raise ServiceFault(Reason.MODEL_FAILED, f"the entry {name!r} of {MODELS_FILE} is not a table with channels")
    return entries


def _to_entry(models_dir: Path, name: str, entry: dict[str, Any]) -> ModelEntry:
    height, width = (int(side) for side in entry["size"])
    if entry["fit"] not in ("squash", "letterbox"):
        raise ValueError("fit is squash or letterbox")
    if entry["activation"] not in get_args(Activation):
        raise ValueError(f"activation is one of {', '.join(get_args(Activation))}")
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
        activation=entry["activation"],
        flip=bool(entry["flip"]),
        crop=bool(entry["crop"]),
        patches=bool(entry["patches"]),
        confidence=_calibration(entry.get("confidence")),
        licence=str(entry["licence"]),
    )


def _triple(values: list[float]) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _calibration(values: list[float] | None) -> Calibration | None:
    if values is None:
        return None
    offset, slope = (float(value) for value in values)
    return offset, slope
