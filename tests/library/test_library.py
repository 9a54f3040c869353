"""`from cutline import remove_background`: the kind that comes in comes out, and a cutter serves many threads."""

import errno
import io
import subprocess
import sys
import typing
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cutline import Cut, Cutter, remove_background
from cutline.errors import InputRefused, MattingError, Reason
from cutline.library import CutKeywords
from cutline.limits import LOCAL_LIMITS
from cutline.pipeline.codecs.decode import decode_image
from cutline.pipeline.codecs.encode import png_file
from devkit.patience import WAIT_S
from devkit.running import ROOT

PACKAGE = ROOT / "layers" / "cutline" / "python"
MUG = (ROOT / "functions" / "site" / "static" / "mug.jpg").read_bytes()
SIZE = (800, 640)


@pytest.fixture(scope="module")
def cutter() -> Cutter:
    return Cutter(threads=1)


def opened(file: bytes | Path) -> Image.Image:
    image = Image.open(io.BytesIO(file) if isinstance(file, bytes) else file)
    image.load()
    return image


def test_bytes_come_back_as_bytes() -> None:
    image = opened(remove_background(MUG))
    assert (image.format, image.mode, image.size) == ("PNG", "RGBA", SIZE)
    assert image.getpixel((5, 5)) == (0, 0, 0, 0)


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_comes_back_as_the_results_path(tmp_path: Path, kind: Any) -> None:
    photo = tmp_path / "mug.jpg"
    photo.write_bytes(MUG)
    assert remove_background(kind(photo)) == tmp_path / "mug.jpg.png"
    assert remove_background(kind(photo), out=kind(tmp_path / "shop.webp")) == tmp_path / "shop.webp"
    assert (opened(tmp_path / "mug.jpg.png").size, opened(tmp_path / "shop.webp").format) == (SIZE, "WEBP")
    assert photo.read_bytes() == MUG


def test_a_pil_image_comes_back_as_one_upright_and_the_one_given_stays(cutter: Cutter) -> None:
    given = Image.open(io.BytesIO(MUG)).transpose(Image.Transpose.ROTATE_90)
    given.getexif()[0x0112] = 6
    before = np.asarray(given).copy()
    result = cutter.remove_background(given)
    assert (result.mode, result.size) == ("RGBA", SIZE)
    assert np.array_equal(np.asarray(given), before)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_an_array_comes_back_as_an_array(cutter: Cutter, mode: str) -> None:
    given = np.asarray(Image.open(io.BytesIO(MUG)).convert(mode))
    result = cutter.remove_background(given)
    assert (result.shape, result.dtype) == ((640, 800, 4), np.uint8)
    assert result[320, 400, 3] == 255


def test_every_kind_holds_the_same_pixels(cutter: Cutter) -> None:
    image = Image.open(io.BytesIO(MUG))
    expected = np.asarray(opened(cutter.remove_background(MUG)))
    assert np.array_equal(np.asarray(cutter.remove_background(image)), expected)
    assert np.array_equal(cutter.remove_background(np.asarray(image)), expected)


def test_options_are_keywords(cutter: Cutter) -> None:
    white = np.asarray(opened(cutter.remove_background(MUG, background="white")))
    assert (white.shape, tuple(white[5, 5])) == ((640, 800, 3), (255, 255, 255))
    assert opened(cutter.remove_background(MUG, format="jpg", background=(1, 2, 3))).format == "JPEG"
    mask = cutter.remove_background(np.asarray(Image.open(io.BytesIO(MUG))), only_mask=True)
    assert (mask.shape, mask[320, 400], mask[5, 5]) == ((640, 800), 255, 0)
    square = opened(cutter.remove_background(MUG, crop=True, scale=0.5, ratio="1:1", min_size=1200))
    assert square.size == (1200, 1200)
    ratio: Any = np.float32(4 / 3)
    thirds = opened(cutter.remove_background(MUG, crop=True, scale=2 / 3, ratio=ratio, position=1 / 3))
    assert abs(thirds.width / thirds.height - 4 / 3) < 0.01
    person = (ROOT / "functions" / "site" / "static" / "person.jpg").read_bytes()
    assert cutter.cut(person, subject="person").subject == "person"


def test_what_is_known_of_a_cut_out_comes_with_it(cutter: Cutter) -> None:
    found: Cut[bytes] = cutter.cut(MUG, crop=True, margin="10px")
    assert found.subject == "object"
    assert 0 < found.coverage < 0.5 < found.confidence <= 1  # type: ignore[operator]
    assert (found.width, found.height) == (found.box.width + 20, found.box.height + 20)
    assert found.enlargement == 1
    assert opened(found.image).size == (found.width, found.height)


def test_a_picture_without_a_subject_is_an_error_and_not_an_empty_picture(cutter: Cutter) -> None:
    with pytest.raises(InputRefused, check=lambda error: error.reason == Reason.NO_SUBJECT):
        cutter.remove_background(np.zeros((64, 64, 4), np.uint8))


@pytest.mark.parametrize(
    ("image", "options", "error"),
    [
        (b"no picture", {}, InputRefused),
        (b"", {}, InputRefused),
        ("missing.jpg", {}, FileNotFoundError),
        (42, {}, TypeError),
        (np.zeros((4, 4), np.float32), {}, ValueError),
        (np.zeros((4, 4, 2), np.uint8), {}, ValueError),
        (np.zeros((0, 4, 3), np.uint8), {}, ValueError),
        (MUG, {"colour": "white"}, TypeError),
        (MUG, {"out": "x.png"}, TypeError),
        (MUG, {"background": "blue"}, ValueError),
        (MUG, {"format": "bmp"}, ValueError),
        (MUG, {"margin": "90%"}, ValueError),
        (MUG, {"scale": 2}, ValueError),
        (MUG, {"ratio": float("nan")}, ValueError),
        (MUG, {"roi": (0, 0, 1, 1)}, ValueError),
        (MUG, {"subject": "dog"}, ValueError),
        (MUG, {"background": (300, 0, 0)}, ValueError),
        (MUG, {"background": (1, 2)}, ValueError),
        (MUG, {"background": 7}, ValueError),
        (MUG, {"format": 5}, TypeError),
        (np.zeros((0, 0, 3), np.uint8), {}, ValueError),
        (Image.new("RGB", (0, 0)), {}, ValueError),
        (np.zeros((20, 16_385, 3), np.uint8), {}, InputRefused),
        (np.zeros((20_000, 30), np.uint8), {}, InputRefused),
        (Image.new("RGB", (30, 16_385)), {}, InputRefused),
    ],
)
def test_bad_input_raises_its_error(cutter: Cutter, image: Any, options: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        cutter.remove_background(image, **options)


def test_none_is_no_region_and_damaged_exif_is_no_orientation(cutter: Cutter) -> None:
    image = Image.open(io.BytesIO(MUG))
    expected = np.asarray(cutter.remove_background(image))
    for junk in (b"Exif\0\0junk", b"Exif\0\0II*\0\xff\xff\xff\xff", b"\0" * 9):
        image.info["exif"] = junk
        assert np.array_equal(np.asarray(cutter.remove_background(image, roi=None)), expected)


def test_a_result_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photo.jpg").write_bytes(MUG)
    (tmp_path / "behind.png").write_bytes(b"before")
    (tmp_path / "link.png").symlink_to("behind.png")
    whole = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        whole(self, data[:100])
        raise OSError(errno.ENOSPC, "no space")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="no space"):
            remove_background(tmp_path / "photo.jpg", out=tmp_path / "link.png")
    assert (tmp_path / "behind.png").read_bytes() == b"before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["behind.png", "link.png", "photo.jpg"]
    remove_background(tmp_path / "photo.jpg", out=tmp_path / "link.png")
    assert (tmp_path / "link.png").is_symlink()
    assert opened(tmp_path / "behind.png").mode == "RGBA"


def test_a_missing_network_is_reported(tmp_path: Path) -> None:
    with pytest.raises(MattingError, match=r"models\.toml cannot be read"):
        Cutter(models=tmp_path).remove_background(MUG)


def test_threads_share_a_cutter_and_it_opens_its_network_once(cutter: Cutter) -> None:
    fresh = Cutter(threads=1)
    with ThreadPoolExecutor(4) as pool:
        results = set(pool.map(fresh.remove_background, [MUG] * 4))
        networks = set(pool.map(fresh.network, ["matte"] * 4))
    assert results == {cutter.remove_background(MUG)}
    assert len(networks) == 1


def test_importing_the_package_imports_no_network_and_a_wrong_name_is_an_error() -> None:
    script = (
        "import sys, cutline; print(sorted({'numpy', 'onnxruntime', 'PIL', 'boto3'} & set(sys.modules)));"
        "print(hasattr(cutline, 'remove_foreground'), callable(cutline.remove_background))"
    )
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, env={"PYTHONPATH": str(PACKAGE)}, capture_output=True, timeout=WAIT_S, check=True)
    assert ended.stdout == b"[]\nFalse True\n"


def test_every_option_is_documented() -> None:
    page = (ROOT / "docs" / "library.md").read_text("utf-8")
    assert {name for name in typing.get_type_hints(CutKeywords) if f"`{name}`" not in page} == set()


LEFT_OF_THE_MUG = [{"do": "keep", "radius": 0.03, "points": [[0.06, 0.1], [0.06, 0.2]]}]


def test_a_mend_changes_what_a_stroke_says_and_no_pixel_far_from_it(cutter: Cutter) -> None:
    photo = np.asarray(Image.open(io.BytesIO(MUG)))
    cut = cutter.cut(photo)
    before = cut.image.copy()
    mended = cutter.mend(photo, cut, LEFT_OF_THE_MUG)
    assert (mended.image[70:120, 45:50, 3] == 255).all() and not before[70:120, 45:50, 3].any()
    assert (mended.image[70:120, 45:50, :3] == photo[70:120, 45:50]).all()
    changed = mended.mendable.alpha_u8 != cut.mendable.alpha_u8
    assert (mended.image[~changed] == before[~changed]).all()
    assert not changed[:, 700:].any()
    assert (cut.image == before).all() and mended.coverage > cut.coverage
    undone = cutter.mend(photo, mended, [{**LEFT_OF_THE_MUG[0], "do": "remove"}])
    assert not undone.image[70:120, 45:50].any()


def test_a_mended_file_replaces_the_result_in_its_own_form(cutter: Cutter, tmp_path: Path) -> None:
    photo = tmp_path / "mug.jpg"
    photo.write_bytes(MUG)
    cut = cutter.cut(photo, background="white", crop=True, margin="5%", out=tmp_path / "mug.webp")
    mended = cutter.mend(photo, cut, LEFT_OF_THE_MUG)
    assert mended.image == tmp_path / "mug.webp"
    assert (opened(mended.image).format, opened(mended.image).size) == ("WEBP", (mended.width, mended.height))
    assert mended.box.left < cut.box.left
    everything = [{"do": "remove", "box": [0, 0, 1, 1]}]
    with pytest.raises(InputRefused, match="No subject"):
        cutter.mend(photo, cut, everything)
    with pytest.raises(ValueError, match="its size differs"):
        cutter.mend(opened(MUG).resize((80, 64)), cut, LEFT_OF_THE_MUG)
    with pytest.raises(ValueError, match="keep or remove"):
        cutter.mend(photo, cut, [{"do": "paint"}])


def with_rights(name: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[0x8298] = "A shop"
    exif[0x0112] = 1
    file = io.BytesIO()
    Image.open(io.BytesIO(MUG)).convert("RGB").save(file, name, exif=exif, dpi=(300, 300))
    return file.getvalue()


@pytest.mark.parametrize("name", ["png", "jpg", "webp", "avif"])
def test_metadata_is_kept_only_where_asked_for(cutter: Cutter, name: str) -> None:
    cut = cutter.cut(with_rights(), format=name, metadata="keep")
    assert (opened(cut.image).getexif()[0x8298], cut.metadata) == ("A shop", "exif, dpi, srgb")
    bare = cutter.cut(with_rights(), format=name)
    assert (dict(opened(bare.image).getexif()), bare.metadata) == ({}, "")
    assert "exif" not in opened(cutter.cut(with_rights(), format=name, only_mask=True, metadata="keep").image).info
    mended = cutter.mend(with_rights(), cut, [{"do": "remove", "radius": 0.02, "points": [[0.5, 0.5]]}])
    assert opened(mended.image).getexif()[0x8298] == "A shop"


def test_metadata_of_what_is_no_file_or_no_word_is_refused(cutter: Cutter) -> None:
    with pytest.raises(ValueError, match="of files"):
        cutter.cut(np.zeros((8, 8, 3), np.uint8), metadata="keep")
    with pytest.raises(ValueError, match="none, keep, all"):
        cutter.cut(MUG, metadata=typing.cast("Any", "some"))


def test_sixteen_bits_come_back_as_sixteen_where_nothing_is_soft(cutter: Cutter, tmp_path: Path) -> None:
    eight = np.asarray(Image.open(io.BytesIO(MUG)).convert("RGB"))
    low = np.random.default_rng(1).integers(0, 256, eight.shape, dtype=np.uint16)
    photo, out = tmp_path / "mug.png", tmp_path / "deep.png"
    photo.write_bytes(png_file(eight.astype(np.uint16) * 256 + low))
    cut = cutter.cut(photo, depth=16, out=out)
    again = decode_image(out.read_bytes(), LOCAL_LIMITS, depth=16)
    alpha = opened(out).getchannel("A")
    solid = np.asarray(alpha) == 255
    assert again.rgb_u16 is not None and solid.mean() > 0.05
    assert np.array_equal(again.rgb_u16[solid], (eight.astype(np.uint16) * 256 + low)[solid])
    assert cut.image.read_bytes()[24] == 16
    promoted = cutter.cut(MUG, depth=16)
    assert promoted.image[24] == 16
    assert (cut.depth, promoted.depth, cutter.cut(MUG).depth) == ("16", "8 in 16", "")
    assert np.array_equal(np.asarray(opened(promoted.image)), np.asarray(opened(cutter.cut(MUG).image)))


@pytest.mark.parametrize("options", [{"depth": 12}, {"format": "webp"}, {"shadow": "drop"}, {"background": "white"}])
def test_sixteen_bits_of_what_has_eight_are_refused(cutter: Cutter, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="16"):
        cutter.cut(MUG, **{"depth": 16, **options})
    with pytest.raises(ValueError, match="of files"):
        cutter.cut(np.zeros((8, 8, 3), np.uint8), depth=16)
