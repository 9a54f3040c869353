"""Predictions survive the file at 8 bits, and any other file is a fault."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from cutline.errors import Reason, ServiceFault
from cutline.pipeline.inference.prediction_file import KnownPredictions, decode_predictions, encode_predictions


def predictions(*names: str) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(7)
    return {name: generator.random((20, 30), np.float32) for name in names}


@pytest.mark.parametrize("names", [("foreground",), ("foreground", "person"), ("person", "foreground")])
def test_predictions_come_back_by_name_within_half_a_level(names: tuple[str, ...]) -> None:
    given = predictions(*names)
    read = decode_predictions(encode_predictions(KnownPredictions(given, None))).planes
    assert set(read) == set(names)
    for name in names:
        assert read[name].dtype == np.float32
        assert np.abs(read[name] - given[name]).max() <= 0.5 / 255 + 1e-6


def test_what_the_pictures_own_alpha_hides_is_no_subject() -> None:
    given = KnownPredictions(predictions("foreground", "person"), None)
    alpha = np.full((40, 60), 255, np.uint8)
    alpha[:, :30] = 0
    alpha[:, 45:] = 1
    found = given.predict(np.zeros((40, 60, 3), np.uint8), alpha)
    for name, plane in given.planes.items():
        middle = plane.shape[1] // 2
        assert plane[:, : middle - 1].any()
        assert not found[name][:, : middle - 1].any()
        assert np.array_equal(found[name][:, middle + 1 :], plane[:, middle + 1 :])


def test_the_whole_range_is_kept() -> None:
    plane = np.linspace(0, 1, 256, dtype=np.float32)[None]
    planes = KnownPredictions({"foreground": plane}, None)
    assert np.array_equal(decode_predictions(encode_predictions(planes)).planes["foreground"], plane)


@pytest.mark.parametrize("calibration", [None, (7.082, 2.897), (-1e-9, 1e9)])
def test_the_fit_of_the_confidence_comes_back(calibration: tuple[float, float] | None) -> None:
    given = KnownPredictions(predictions("foreground", "person"), calibration)
    assert decode_predictions(encode_predictions(given)).calibration == calibration


def _with_fit(text: str) -> bytes:
    file, notes = io.BytesIO(), PngImagePlugin.PngInfo()
    notes.add_text("confidence", text)
    Image.new("L", (4, 4)).save(file, "PNG", pnginfo=notes)
    return file.getvalue()


def _encoded(mode: str, kind: str) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (4, 4)).save(file, kind)
    return file.getvalue()


def _claiming(side: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = (
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in (header, b"IDAT")
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        _encoded("RGB", "PNG"),
        _encoded("L", "JPEG"),
        _encoded("L", "PNG")[:45],
        _claiming(10**4),
        _claiming(10**5),
        _with_fit(""),
        _with_fit("7.0"),
        _with_fit("seven two"),
    ],
)
def test_anything_else_is_a_fault_of_the_model(data: bytes) -> None:
    with pytest.raises(ServiceFault) as fault:
        decode_predictions(data)
    assert fault.value.reason is Reason.MODEL_FAILED


def test_damage_that_the_reader_tolerates_is_no_warning() -> None:
    """Found by `make fuzz`: an animation's chunk without frames."""
    chunk = b"acTL" + bytes(8)
    framed = struct.pack(">I", 8) + chunk + struct.pack(">I", zlib.crc32(chunk))
    data = _encoded("L", "PNG")
    assert set(decode_predictions(data[:33] + framed + data[33:]).planes) == {"foreground"}
