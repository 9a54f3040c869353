"""ONNX networks as functions from a picture to its maps, for scores and contact sheets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
from PIL import Image


@dataclass(frozen=True)
class Model:
    """A network to judge. run: RGB picture to (C, S, S) float32 in [0, 1]; maps: which of the C is which alpha.

    kind: what is scored, the same for another file: network, pipeline or isnet.
    """

    name: str
    size: int
    run: Callable[[Image.Image], np.ndarray]
    maps: dict[str, int]
    kind: str = "network"


def open_session(path: Path) -> ort.InferenceSession:
    """Open a CPU session of one thread: on shared cores several threads wait for each other and are slower."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def squashed(picture: Image.Image, size: int) -> np.ndarray:
    """The picture as (1, 3, size, size) float32 in 0..255, its sides scaled independently."""
    small = picture.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=3.0)
    return np.ascontiguousarray(np.asarray(small, np.float32).transpose(2, 0, 1)[None])


def open_isnet(path: Path, size: int) -> Model:
    """Open IS-Net general use, which takes (rgb - 128) / 256 and whose output is stretched to 0..1."""
    plain = open_onnx(path, {"foreground": 0}, size, 128.0, 1 / 256)

    def run(picture: Image.Image) -> np.ndarray:
        alphas = plain.run(picture)
        low, high = float(alphas.min()), float(alphas.max())
        return (alphas - low) / max(high - low, 1e-6)

    return replace(plain, run=run, kind="isnet")


def open_onnx(path: Path, maps: dict[str, int], size: int | None, shift: float = 0.0, scale: float = 1.0) -> Model:
    """Open a model from an ONNX file, fed with (rgb - shift) * scale; size: for files of dynamic shape."""
    session = open_session(path)
    given = session.get_inputs()[0]
    side = given.shape[2] if isinstance(given.shape[2], int) else int(size or 320)

    def run(picture: Image.Image) -> np.ndarray:
        output = session.run(None, {given.name: (squashed(picture, side) - shift) * scale})[0][0]
        return np.asarray(output, np.float32).clip(0, 1)

    return Model(f"{path.resolve().parent.name}/{path.name}", side, run, maps)


def open_pipeline(models_dir: Path, file: Path | None = None) -> Model:
    """Open `matte` with the pipeline's second pass on small subjects and wide pictures, haze and specks removed.

    file: another network, of any size, to run as the entry `matte` runs its own.
    """
    # The only needs of the layer's package, which the Makefile puts on PYTHONPATH.
    from cutline.pipeline.inference.model_config import read_entry  # noqa: PLC0415
    from cutline.pipeline.inference.network import Network  # noqa: PLC0415
    from cutline.pipeline.matting.cleanup import remove_haze  # noqa: PLC0415
    from cutline.pipeline.matting.components import remove_specks  # noqa: PLC0415

    entry = read_entry(models_dir, "matte")
    session = open_session(file or entry.path)
    sides = session.get_inputs()[0].shape[2:]
    if all(isinstance(side, int) for side in sides):
        entry = replace(entry, height=sides[0], width=sides[1])
    network = Network(entry, session)

    def run(picture: Image.Image) -> np.ndarray:
        predictions = network.predict(np.asarray(picture))
        return np.stack([remove_specks(remove_haze(predictions[name])) for name in network.channels])

    maps = {name: number for number, name in enumerate(network.channels)}
    return Model("pipeline", network.entry.width, run, maps, "pipeline")
