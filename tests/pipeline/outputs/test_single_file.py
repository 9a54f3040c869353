"""Removals: sizes, regions, backgrounds, frames and files, with a network that is known beforehand."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from cutline.contracts.wire import Job, Source
from cutline.errors import InputRefused, Reason, ServiceFault
from cutline.limits import MIB, PictureLimits
from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.filters import F32, U8
from cutline.pipeline.finish.options import BackgroundPicture
from cutline.pipeline.layout.framing import Box, Framing, Length, Region
from cutline.pipeline.options import MEGAPIXEL, SingleFileFormat, SingleFileOptions, reduced
from cutline.pipeline.outputs.single_file import SingleFile, encode_single_file, make_single_file
from cutline.pipeline.timing import StageTimer
from cutline.serving import processors

RED, GREY = (200, 40, 30), (230, 232, 235)
LIMITS = PictureLimits(frozenset({"PNG"}), MIB)


class RedIsTheSubject:
    """A network that takes everything red for a person."""

    view_size, calibration = (64, 64), None

    def predict(self, rgb_u8: U8, alpha_u8: U8 | None = None) -> dict[str, F32]:
        red = (rgb_u8[..., 0].astype(np.int16) - rgb_u8[..., 1] > 60).astype(np.float32)
        return {"foreground": red, "person": red}


def picture(width: int = 400, height: int = 300, box: tuple[int, int, int, int] = (100, 75, 300, 225)) -> Picture:
    rgb_u8 = np.full((height, width, 3), GREY, np.uint8)
    left, top, right, bottom = box
    rgb_u8[top:bottom, left:right] = RED
    return Picture(rgb_u8, None, "PNG")


def removed(options: SingleFileOptions, backdrop: Picture | None = None, source: Picture | None = None) -> SingleFile:
    return make_single_file(source or picture(), options, backdrop, RedIsTheSubject(), StageTimer())


def file_of(options: SingleFileOptions) -> tuple[Image.Image, str]:
    data, name = encode_single_file(removed(options), options)
    return Image.open(io.BytesIO(data)), name


def test_a_picture_is_reduced_in_proportion_and_never_enlarged() -> None:
    assert reduced(600, 400, MEGAPIXEL) == (600, 400)
    assert reduced(6250, 4000, MEGAPIXEL // 4) == (625, 400)
    assert reduced(100_000, 1, 10) == (1000, 1)
    single = removed(SingleFileOptions(max_px=30_000))
    assert (single.width, single.height) == (200, 150)
    assert single.max_size == (400, 300)
    assert single.person


def test_the_box_is_where_the_subject_is() -> None:
    box = removed(SingleFileOptions()).box
    assert np.abs(np.subtract((box.left, box.top, box.right, box.bottom), (100, 75, 300, 225))).max() <= 4


@pytest.mark.parametrize(
    ("region", "visible"),
    [(Region(Length(0), Length(0), Length(200), Length(300)), 200),
     (Region(Length(0), Length(0), Length(0.5, True), Length(1, True)), 200)],
)  # fmt: skip
def test_outside_a_region_all_is_transparent(region: Region, visible: int) -> None:
    alpha_u8 = removed(SingleFileOptions(region=region)).alpha_u8
    assert alpha_u8[:, visible:].max() == 0
    assert alpha_u8[150, visible - 20] > 240
    smaller = removed(SingleFileOptions(region=region, max_px=30_000)).alpha_u8
    assert smaller[:, visible // 2 :].max() == 0


@pytest.mark.parametrize(
    ("ends", "reason"),
    [((0, 0, 401, 10), Reason.REGION_OUTSIDE), ((0, 0, 10, 301), Reason.REGION_OUTSIDE),
     ((10, 0, 10, 10), Reason.REGION_EMPTY), ((20, 20, 10, 10), Reason.REGION_EMPTY)],
)  # fmt: skip
def test_a_region_has_to_lie_in_the_picture(ends: tuple[int, ...], reason: Reason) -> None:
    left, top, right, bottom = map(Length, ends)
    with pytest.raises(InputRefused) as refused:
        removed(SingleFileOptions(region=Region(left, top, right, bottom)))
    assert refused.value.reason is reason


def test_without_a_subject_there_is_no_result() -> None:
    with pytest.raises(InputRefused) as refused:
        removed(SingleFileOptions(), source=picture(box=(0, 0, 0, 0)))
    assert refused.value.reason is Reason.NO_SUBJECT


def test_backgrounds_are_colours_of_any_opacity_and_pictures() -> None:
    assert removed(SingleFileOptions()).pixels_u8.shape[-1] == 4
    solid = removed(SingleFileOptions(background=(1, 2, 3, 255))).pixels_u8
    assert solid.shape[-1] == 3
    assert (tuple(solid[5, 5]), tuple(solid[150, 200])) == ((1, 2, 3), RED)
    veil = removed(SingleFileOptions(background=(1, 2, 3, 128))).pixels_u8
    assert tuple(veil[5, 5]) == (1, 2, 3, 128)
    assert tuple(veil[150, 200]) == (*RED, 255)


def test_a_backdrop_fills_the_canvas_from_its_middle() -> None:
    """Twice as wide as the canvas: of its thirds, red, blue and red, the middle and a bit of both others show."""
    wide = np.zeros((30, 90, 3), np.uint8)
    wide[:, 30:60] = (0, 0, 255)
    shown = removed(SingleFileOptions(background=BackgroundPicture()), Picture(wide, None, "PNG")).pixels_u8
    assert shown.shape == (300, 400, 3)
    assert tuple(shown[10, 200]) == (0, 0, 255)
    assert tuple(shown[10, 10]) == (0, 0, 0)
    clear = Picture(np.zeros((3, 4, 3), np.uint8), np.zeros((3, 4), np.uint8), "PNG")
    assert tuple(removed(SingleFileOptions(background=BackgroundPicture()), clear).pixels_u8[5, 5]) == (255, 255, 255)


def test_margins_grow_the_canvas_within_the_size() -> None:
    share = Length(0.5, True)
    framing = Framing((share, share, share, share))
    free = removed(SingleFileOptions(crop=True, framing=framing))
    assert np.abs(np.subtract((free.width, free.height), (400, 300))).max() <= 8
    filling = picture(box=(0, 0, 400, 300))
    held = removed(SingleFileOptions(crop=True, framing=framing, max_px=120_000), source=filling)
    assert held.width * held.height <= 120_000


@pytest.mark.parametrize(
    ("options", "name", "mode"),
    [
        (SingleFileOptions(), "png", "RGBA"),
        (SingleFileOptions(background=(1, 2, 3, 255)), "jpg", "RGB"),
        (SingleFileOptions(mask=True), "png", "L"),
        (SingleFileOptions(mask=True, background=(1, 2, 3, 255)), "png", "L"),
        (SingleFileOptions(file_format="jpg"), "jpg", "RGB"),
        (SingleFileOptions(file_format="jpg", mask=True), "jpg", "L"),
        (SingleFileOptions(file_format="webp"), "webp", "RGBA"),
        (SingleFileOptions(file_format="avif"), "avif", "RGBA"),
        (SingleFileOptions(file_format="png", background=(1, 2, 3, 255)), "png", "RGB"),
    ],
)
def test_files(options: SingleFileOptions, name: str, mode: str) -> None:
    image, format_name = file_of(options)
    assert (format_name, image.mode, image.size) == (name, mode, (400, 300))


def test_a_jpeg_without_background_is_on_white() -> None:
    image, _ = file_of(SingleFileOptions(file_format="jpg"))
    assert min(np.asarray(image)[5, 5]) > 250


def test_a_zip_keeps_the_picture_around_the_subject_in_its_colours() -> None:
    options = SingleFileOptions(file_format="zip")
    data, name = encode_single_file(removed(options), options)
    assert name == "zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        colour = np.asarray(Image.open(io.BytesIO(archive.read("color.jpg"))))
        alpha = np.asarray(Image.open(io.BytesIO(archive.read("alpha.png"))))
    assert np.abs(colour[5, 5].astype(int) - GREY).max() < 4
    assert (alpha[5, 5], alpha[150, 200]) == (0, 255)


def no_time(*_: object) -> bytes:
    raise ServiceFault(Reason.TIMED_OUT)


@pytest.mark.parametrize(
    ("name", "max_bytes", "hurried", "detail"),
    [
        ("png", 20_000, False, "format=webp takes"),
        ("webp", 500, False, "and an answer carries 0.0 MB; webp fits up to"),
        ("png", 20_000, True, "and an answer carries 0.0 MB; png fits up to"),
    ],
)
def test_what_is_too_large_for_an_answer_says_what_fits_if_there_is_time(
    monkeypatch: pytest.MonkeyPatch, name: SingleFileFormat, max_bytes: int, hurried: bool, detail: str
) -> None:
    if hurried:
        monkeypatch.setattr(processors, "encode_as", no_time)
    rng = np.random.default_rng(3)
    noisy = picture()
    noisy.rgb_u8[75:225, 100:300, 2] = rng.integers(0, 60, (150, 200))
    file = io.BytesIO()
    Image.fromarray(noisy.rgb_u8).save(file, "PNG")
    options = SingleFileOptions(file_format=name)
    job = Job(Source(data=file.getvalue()), LIMITS, options=options)
    monkeypatch.setattr(processors, "MAX_INLINE_BYTES", max_bytes)
    with pytest.raises(InputRefused) as refused:
        processors.single_file_answer(file.getvalue(), job, options, RedIsTheSubject(), StageTimer())
    assert refused.value.reason is Reason.RESOLUTION_TOO_HIGH
    assert detail in refused.value.detail


def test_a_thin_region_of_a_reduced_picture_is_still_a_pixel() -> None:
    region = Region(Length(399), Length(0), Length(400), Length(300))
    with pytest.raises(InputRefused) as refused:
        removed(SingleFileOptions(region=region, max_px=100))
    assert refused.value.reason is Reason.NO_SUBJECT
    assert Box(0, 0, 1, 1).width == 1
