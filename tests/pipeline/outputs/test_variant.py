"""Variants of a stored cut-out: size, fit, background, shadow, profile, format, and what cannot be made."""

import io

import numpy as np
import pytest
from PIL import Image

from cutline.errors import InputRefused, Reason
from cutline.pipeline.codecs.encode import encode_png
from cutline.pipeline.finish.options import Gradient, Shadow
from cutline.pipeline.options import MAX_VARIANT_PX, MAX_WEBP_PX, VariantOptions
from cutline.pipeline.outputs.variant import render_variant

# A red square in the middle of 300 x 200 px, whose hidden pixels are black.
SQUARE = np.zeros((200, 300, 4), np.uint8)
SQUARE[50:150, 100:200] = (200, 30, 30, 255)
PNG = encode_png(SQUARE)


def rendered(options: VariantOptions, png: bytes = PNG) -> Image.Image:
    image = Image.open(io.BytesIO(render_variant(png, options)))
    image.load()
    return image


@pytest.mark.parametrize(
    ("options", "size", "box"),
    [
        (VariantOptions(), (300, 200), (100, 50, 200, 150)),
        (VariantOptions(width=150), (150, 100), (50, 25, 100, 75)),
        (VariantOptions(height=400), (600, 400), (200, 100, 400, 300)),
        (VariantOptions(width=150, height=150), (150, 150), (50, 50, 100, 100)),
        (VariantOptions(width=100, height=100, fit="cover"), (100, 100), (25, 25, 75, 75)),
    ],
)
def test_the_cut_out_stands_where_the_fit_says(
    options: VariantOptions, size: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    image = rendered(options)
    assert (image.mode, image.size) == ("RGBA", size)
    alpha = Image.fromarray((np.asarray(image)[..., 3] > 127).astype(np.uint8))
    assert alpha.getbbox() == pytest.approx(box, abs=1)
    # No hidden black comes into the edge.
    pixels = np.asarray(image).astype(int)
    edge = pixels[(pixels[..., 3] > 64) & (pixels[..., 3] < 240), :3]
    assert len(edge) == 0 or np.abs(edge.mean(axis=0) - (200, 30, 30)).max() < 10


def test_a_background_and_a_shadow_are_drawn_at_the_variants_size() -> None:
    plain = np.asarray(rendered(VariantOptions(width=150, background=(10, 200, 10)))).astype(int)
    assert plain.shape == (100, 150, 3)
    assert (plain[0, 0].tolist(), plain[50, 75].tolist()) == ([10, 200, 10], [200, 30, 30])
    shadowed = np.asarray(rendered(VariantOptions(width=150, background=(10, 200, 10), shadow=Shadow("drop"))))
    assert shadowed[75:85, 75, 1].min() < 160
    clear = np.asarray(rendered(VariantOptions(width=150, shadow=Shadow("drop"))))
    assert clear[75:85, 75, 3].max() > 50
    faded = np.asarray(rendered(VariantOptions(background=Gradient((0, 0, 0), (200, 200, 200)))))
    assert faded[199, 0, 0] - int(faded[0, 0, 0]) > 190


def test_formats() -> None:
    assert [rendered(VariantOptions(image_format=name)).format for name in ("png", "jpeg", "webp", "avif")] == [
        "PNG",
        "JPEG",
        "WEBP",
        "AVIF",
    ]
    assert np.asarray(rendered(VariantOptions(image_format="jpeg")))[0, 0].min() > 250


def test_a_profile_frames_the_subject_before_the_size() -> None:
    whole = rendered(VariantOptions(profile="amazon-main"))
    assert (whole.format, whole.width) == ("JPEG", whole.height)
    small = rendered(VariantOptions(profile="amazon-main", width=200, height=100, image_format="webp"))
    assert (small.format, small.size) == ("WEBP", (200, 100))
    pixels = np.asarray(small.convert("RGB")).astype(int)
    assert pixels[:, :45].min() > 250
    columns = [(np.asarray(image.convert("RGB")).min(axis=2) < 195).any(axis=0) for image in (small, whole)]
    assert columns[0].sum() / 100 == pytest.approx(columns[1].mean(), abs=0.03)


@pytest.mark.parametrize(
    ("options", "png", "reason"),
    [
        (VariantOptions(width=3000, height=3000), PNG, Reason.PARAMETER_INVALID),
        (VariantOptions(width=2000, height=1600, image_format="webp"), PNG, Reason.PARAMETER_INVALID),
        (VariantOptions(width=1600, height=1000, image_format="avif"), PNG, Reason.PARAMETER_INVALID),
        (VariantOptions(background=(0, 0, 0)), encode_png(SQUARE[..., :3]), Reason.PARAMETER_INVALID),
        (VariantOptions(shadow=Shadow("drop")), encode_png(SQUARE[..., :3]), Reason.PARAMETER_INVALID),
        (VariantOptions(profile="amazon-main"), encode_png(np.zeros((9, 9, 4), np.uint8)), Reason.NO_SUBJECT),
    ],
)
def test_what_cannot_be_made_is_refused(options: VariantOptions, png: bytes, reason: Reason) -> None:
    with pytest.raises(InputRefused) as caught:
        render_variant(png, options)
    assert caught.value.reason is reason
    assert (MAX_VARIANT_PX, MAX_WEBP_PX) == (4_000_000, 3_000_000)
