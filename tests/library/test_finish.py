"""Shadow and background through the library and the command line."""

import argparse
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cutline import Cutter
from cutline.batch.report import read_report
from cutline.commands import cut
from cutline.errors import InputRefused
from devkit.shadowed import contact_density, jar, photograph, studio

SIDE = 320
RED = Image.new("RGB", (20, 20), (255, 0, 0))


def photo() -> bytes:
    alpha = jar(SIDE, SIDE)
    subject = np.broadcast_to(np.array([0.1, 0.3, 0.6], np.float32), (SIDE, SIDE, 3))
    made = photograph(alpha, subject, studio(SIDE, SIDE), contact_density(alpha, 0.3))
    file = io.BytesIO()
    Image.fromarray(made.rgb_u8).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def cutter() -> Cutter:
    return Cutter(threads=1)


@pytest.mark.parametrize("kind", ["image", "array", "bytes", "path", "text"])
def test_the_library_takes_a_picture_in_any_form(cutter: Cutter, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "red.png"
    RED.save(path)
    given: dict[str, Any] = {
        "image": RED,
        "array": np.asarray(RED),
        "bytes": path.read_bytes(),
        "path": path,
        "text": str(path),
    }
    found = cutter.cut(photo(), background=given[kind], shadow="drop")
    assert found.shadow == "drop"
    with Image.open(io.BytesIO(found.image)) as image:
        assert (image.mode, image.size, image.getpixel((1, 1))) == ("RGB", (SIDE, SIDE), (255, 0, 0))


def test_an_address_that_must_not_be_fetched_and_unknown_words_are_refused(cutter: Cutter) -> None:
    with pytest.raises(InputRefused, match="the background"):
        cutter.cut(photo(), background="https://127.0.0.1/red.png")
    for options, named in (({"shadow": "soft"}, "none, keep, drop, auto"), ({"background": "red.png"}, "or a file")):
        with pytest.raises(ValueError, match=named):
            cutter.cut(photo(), **options)  # type: ignore[call-overload]


def test_the_command_takes_the_same_words(tmp_path: Path) -> None:
    source, target = tmp_path / "photo.png", tmp_path / "out.png"
    source.write_bytes(photo())
    RED.save(tmp_path / "red.png")
    parser = argparse.ArgumentParser()
    cut.add_to(parser.add_subparsers())
    words = [
        "cut",
        str(source),
        "--shadow",
        "drop 70%",
        "--background",
        str(tmp_path / "red.png"),
        "--out",
        str(target),
    ]
    arguments = parser.parse_args([*words, "--report", str(tmp_path / "report.csv")])
    arguments.run(arguments)
    with Image.open(target) as image:
        assert image.getpixel((1, 1)) == (255, 0, 0)
    (line,) = read_report((tmp_path / "report.csv").read_bytes()).values()
    assert line.shadow == "drop"
