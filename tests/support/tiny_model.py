"""Networks of one convolution, written as ONNX by hand, so that a test chooses their interface."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

Means = tuple[float, float, float]
SIDE = 32
_FLOAT, _STRING_ATTRIBUTE = 1, 3
_ENTRY = """
[{name}]
file = "{name}.onnx"
licence = "none"
input = "image"
output = "alphas"
channels = {channels}
size = [{side}, {side}]
fit = "squash"
white = 1.0
mean = [0.5, 0.5, 0.5]
std = [1.0, 1.0, 1.0]
activation = "none"
flip = false
crop = false
patches = false
"""


def write_tiny_models(folder: Path) -> Path:
    """`matte` with a free batch axis, `isnet` with a batch of one and only the foreground; returns the folder."""
    folder.mkdir(exist_ok=True)
    models = (("matte", '["foreground", "person"]', 2, "batch"), ("isnet", '["foreground"]', 1, 1))
    for name, _, channels, batch in models:
        (folder / f"{name}.onnx").write_bytes(_model(channels, batch))
    entries = [_ENTRY.format(name=name, channels=text, side=SIDE) for name, text, _, _ in models]
    (folder / "models.toml").write_text("".join(entries), "utf-8")
    return folder


def brightness_model(activation: str, names: tuple[str, str], size: tuple[int, int], mean: Means, std: Means) -> bytes:
    """A network for which bright is in front: 20 (brightness - .5) of a picture normalised with mean and std.

    activation "sigmoid" leaves those logits unchanged, "none" makes them probabilities, "minmax" shifts them.
    """
    source, result = names
    gain = 20 / 3
    weights = np.asarray(std, np.float32).reshape(1, 3, 1, 1) * np.float32(gain)
    shift = gain * sum(mean) - 10 + (7 if activation == "minmax" else 0)
    last = "logits" if activation == "none" else result
    conv = b"".join(_text(1, name) for name in (source, "weights", "bias")) + _text(2, last) + _text(4, "Conv")
    nodes = _field(1, conv)
    if activation == "none":
        nodes += _field(1, _text(1, "logits") + _text(2, result) + _text(4, "Sigmoid"))
    bias = _tensor("bias", np.asarray([shift], np.float32))
    graph = nodes + _text(2, "tiny") + _field(5, _tensor("weights", weights)) + _field(5, bias)
    graph += _value(11, source, (1, 3, *size)) + _value(12, result, (1, 1, *size))
    return _number(1, 8) + _field(7, graph) + _field(8, _number(2, 17))


def _model(channels: int, batch: str | int) -> bytes:
    """Sigmoid(Conv3x3(image)); the field numbers are those of onnx.proto3."""
    weights = np.random.default_rng(1).normal(0, 1, (channels, 3, 3, 3)).astype(np.float32)
    same = _text(1, "auto_pad") + _text(4, "SAME_UPPER") + _number(20, _STRING_ATTRIBUTE)
    conv = _text(1, "image") + _text(1, "weights") + _text(2, "logits") + _text(4, "Conv") + _field(5, same)
    sigmoid = _text(1, "logits") + _text(2, "alphas") + _text(4, "Sigmoid")
    graph = _field(1, conv) + _field(1, sigmoid) + _text(2, "tiny") + _field(5, _tensor("weights", weights))
    graph += _value(11, "image", (batch, 3, SIDE, SIDE)) + _value(12, "alphas", (batch, channels, SIDE, SIDE))
    return _number(1, 8) + _field(7, graph) + _field(8, _number(2, 17))


def _tensor(name: str, values: np.ndarray) -> bytes:
    return _numbers(1, values.shape) + _number(2, _FLOAT) + _text(8, name) + _field(9, values.tobytes())


def _value(number: int, name: str, shape: Iterable[str | int]) -> bytes:
    dims = b"".join(_field(1, _text(2, side) if isinstance(side, str) else _number(1, side)) for side in shape)
    tensor = _number(1, _FLOAT) + _field(2, dims)
    return _field(number, _text(1, name) + _field(2, _field(1, tensor)))


def _numbers(number: int, values: Iterable[int]) -> bytes:
    return b"".join(_number(number, value) for value in values)


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _text(number: int, text: str) -> bytes:
    return _field(number, text.encode())


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
