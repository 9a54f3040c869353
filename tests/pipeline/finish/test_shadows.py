"""Shadows that are kept and drawn, against photographs whose shadow is known."""

import time
from dataclasses import replace

import numpy as np
import pytest

from cutline.pipeline.cutout import Cutout, Matte, compose
from cutline.pipeline.filters import U8
from cutline.pipeline.finish.drop_shadow import draw_shadow
from cutline.pipeline.finish.kept_shadow import keep_shadow
from cutline.pipeline.finish.options import Blur, Shadow, read_shadow
from cutline.pipeline.layout.framing_parser import read_framing
from cutline.pipeline.options import CutOptions
from devkit.shadowed import F32, Shadowed, cloth, contact_density, jar, photograph, studio

SIDE = 600
SUBJECT = np.array([0.25, 0.4, 0.35], np.float32)
STUDIOS = {
    "grey": (0.62, 0.62, 0.64),
    "white": (0.99, 0.99, 0.99),
    "beige": (0.93, 0.88, 0.82),
    "blue": (0.5, 0.65, 0.85),
}


def scene(background: F32, density: F32 | None = None, alpha: F32 | None = None) -> Shadowed:
    alpha = jar(SIDE, SIDE) if alpha is None else alpha
    density = contact_density(alpha) if density is None else density
    return photograph(alpha, np.broadcast_to(SUBJECT, background.shape), background, density)


def matte_of(made: Shadowed) -> Matte:
    return Matte(made.rgb_u8, made.alpha_u8, "object")


def error(found_u8: U8, made: Shadowed) -> float:
    """Mean absolute error of the density where the subject does not cover it and there is one, or one is found."""
    found = found_u8 / 255
    seen = (made.alpha_u8 < 8) & ((made.density > 0.02) | (found > 0.02))
    return float(np.abs(found - made.density)[seen].mean())


@pytest.mark.parametrize("name", STUDIOS)
@pytest.mark.parametrize("fall", [0.0, 0.25])
def test_a_known_shadow_comes_back(name: str, fall: float) -> None:
    made = scene(studio(SIDE, SIDE, STUDIOS[name], fall))
    kept_u8 = keep_shadow(made.rgb_u8, made.alpha_u8, made.alpha_u8)
    assert kept_u8 is not None
    drawn_u8 = draw_shadow(made.alpha_u8, Shadow("drop"))
    assert error(kept_u8, made) < 0.02
    assert error(kept_u8, made) < 0.2 * min(error(drawn_u8, made), error(np.zeros_like(drawn_u8), made))


def test_nothing_is_kept_where_there_is_no_shadow_or_no_plain_background() -> None:
    bare = scene(studio(SIDE, SIDE), density=np.zeros((SIDE, SIDE), np.float32))
    woven = scene(cloth(SIDE, SIDE))
    filled = scene(
        studio(SIDE, SIDE), alpha=np.ones((SIDE, SIDE), np.float32), density=np.zeros((SIDE, SIDE), np.float32)
    )
    empty = scene(
        studio(SIDE, SIDE), alpha=np.zeros((SIDE, SIDE), np.float32), density=np.zeros((SIDE, SIDE), np.float32)
    )
    for made in (bare, woven, filled, empty):
        assert keep_shadow(made.rgb_u8, made.alpha_u8, made.alpha_u8) is None


def composed(made: Shadowed, shadow: str, **options: object) -> Cutout:
    return compose(matte_of(made), replace(CutOptions(shadow=read_shadow(shadow)), **options))  # type: ignore[arg-type]


def test_a_kept_shadow_on_white_is_the_photograph_over_its_background() -> None:
    background = studio(SIDE, SIDE)
    made = scene(background)
    on_white = composed(made, "keep", background=(255, 255, 255))
    assert on_white.shadow == "keep"
    beyond = made.alpha_u8 == 0
    expected = 255 * (1 - made.density)
    assert np.abs(on_white.pixels_u8[..., 1].astype(float) - expected)[beyond].mean() < 1.5
    clear = composed(made, "keep")
    assert clear.pixels_u8.shape[-1] == 4
    assert (clear.pixels_u8[beyond][:, :3] == 0).all()
    assert np.abs(clear.pixels_u8[..., 3] / 255 - made.density)[beyond].mean() < 0.006
    # The mask stays the subject's.
    assert (clear.rgba_u8[..., 3] == made.alpha_u8).all()


@pytest.mark.parametrize(
    ("shadow", "background", "cut_off", "expected"),
    [
        ("keep", "studio", False, "keep"),
        ("keep", "cloth", False, "none"),
        ("auto", "studio", False, "keep"),
        ("auto", "cloth", False, "drop"),
        ("auto", "cloth", True, "none"),
        ("drop", "cloth", True, "drop"),
        ("drop", "studio", False, "drop"),
        ("none", "studio", False, "none"),
    ],
)
def test_which_shadow_a_subject_gets(shadow: str, background: str, cut_off: bool, expected: str) -> None:
    alpha = jar(SIDE, SIDE)
    if cut_off:
        alpha = np.roll(alpha, 150, axis=0)
    made = scene((studio if background == "studio" else cloth)(SIDE, SIDE), alpha=alpha)
    assert composed(made, shadow).shadow == expected


def test_a_drawn_shadow_lies_under_the_subject_and_follows_its_numbers() -> None:
    alpha_u8 = np.rint(jar(SIDE, SIDE) * 255).astype(np.uint8)
    floor = int(np.flatnonzero((alpha_u8 > 128).any(axis=1))[-1])
    plain, strong, sharp, leaning = (
        draw_shadow(alpha_u8, read_shadow(text)).astype(float)
        for text in ("drop", "drop 100%", "drop 55% 0%", "drop 55% 50% 40deg")
    )
    bare = alpha_u8 == 0
    rows = (plain * bare).sum(axis=1)
    assert abs(int(rows.argmax()) - floor) < 12
    assert rows[: floor - 150].sum() == 0
    assert strong.max() > 1.6 * plain.max()
    assert (sharp > 8).sum() < 0.7 * (plain > 8).sum()
    columns = np.arange(SIDE)
    middle = [(shade.sum(axis=0) * columns).sum() / shade.sum() for shade in (plain, leaning)]
    assert abs(middle[0] - SIDE / 2) < 3
    assert middle[1] - middle[0] > 10


def test_crop_holds_the_shadow_only_if_asked_to() -> None:
    made = scene(studio(SIDE, SIDE))
    for kind in ("keep", "drop"):
        tight, whole = composed(made, kind, crop=True), composed(made, f"{kind} whole", crop=True)
        assert (tight.placement.width, tight.placement.height) == (tight.box.width, tight.box.height)  # type: ignore[union-attr]
        assert whole.placement.width > tight.placement.width
        assert whole.box == tight.box
        edge = np.concatenate([whole.pixels_u8[-1, :, 3], whole.pixels_u8[:, -1, 3]])
        assert edge.max() <= 12
    # A subject at the photograph's edge: the canvas grows beyond it.
    low = np.roll(jar(SIDE, SIDE), 118, axis=0)
    grown = composed(scene(cloth(SIDE, SIDE), alpha=low), "drop whole", crop=True)
    assert grown.placement.source.bottom > SIDE


def test_the_whole_shadows_frame_is_the_subjects_wherever_it_stands_in_the_photograph() -> None:
    frames = []
    for side in (5, 300):
        alpha = np.pad(np.ones((400, 100), np.float32), side)
        made = Shadowed(np.zeros((*alpha.shape, 3), np.uint8), (255 * alpha).astype(np.uint8), alpha)
        frames.append(composed(made, "drop 90% 20% 60deg whole", crop=True))
        assert frames[-1].pixels_u8[:, -1, 3].max() <= 12
    assert frames[0].pixels_u8.shape == frames[1].pixels_u8.shape


def test_a_tiny_result_has_the_shadow_that_it_reports() -> None:
    made = composed(scene(cloth(SIDE, SIDE)), "drop", framing=read_framing({"most": "5"}))
    assert made.shadow == "drop"
    assert (made.pixels_u8[..., 3] > made.rgba_u8[..., 3]).any()


def test_a_shadow_follows_the_subject_on_its_canvas() -> None:
    made = scene(studio(SIDE, SIDE))
    plain = composed(made, "keep").pixels_u8
    framed = composed(made, "keep", crop=True, framing=read_framing({"margin": "20%", "most": "400"}))
    placement = framed.placement
    factor = placement.drawn.width / placement.source.width
    # The darkest shadow next to the subject's foot, in both.
    at = np.array([int(SIDE / 2 + 0.22 * SIDE), int(SIDE / 2 + 0.3 * SIDE)])
    moved = (at - (placement.source.left, placement.source.top)) * factor + (placement.drawn.left, placement.drawn.top)
    x, y = np.rint(moved).astype(int)
    assert abs(int(framed.pixels_u8[y, x, 3]) - int(plain[at[1], at[0], 3])) < 12
    assert plain[at[1], at[0], 3] > 40


def test_a_shadow_follows_a_subject_that_fills_a_canvas_of_the_photographs_size() -> None:
    y, x = np.indices((SIDE, SIDE)) - SIDE // 2
    made = scene(studio(SIDE, SIDE), alpha=(np.hypot(x, y) < SIDE // 4).astype(np.float32))
    same, larger = (
        composed(made, "keep", crop=True, framing=read_framing({"least": str(side)})) for side in (SIDE, SIDE + 2)
    )
    assert same.pixels_u8.shape == (SIDE, SIDE, 4)
    # The shadow between the round subject and the lower corners of its frame.
    shades = [int(frame.pixels_u8[-SIDE // 12 :, : SIDE // 3, 3].mean()) for frame in (same, larger)]
    assert shades[1] > 10
    assert abs(shades[0] - shades[1]) <= 2


def test_the_blurred_background_has_the_shadow_once() -> None:
    background = studio(SIDE, SIDE)
    made = scene(background)
    blurred = composed(made, "keep", background=Blur()).pixels_u8.astype(float)
    beyond = (made.alpha_u8 == 0) & (made.density > 0.1)
    expected = 255 * background * (1 - made.density)[..., None]
    assert np.abs(blurred - expected)[beyond].mean() < 6


def test_keeping_a_shadow_costs_little() -> None:
    made = scene(studio(SIDE * 2, SIDE * 2), alpha=jar(SIDE * 2, SIDE * 2))
    keep_shadow(made.rgb_u8, made.alpha_u8, made.alpha_u8)
    begun = time.process_time()
    keep_shadow(made.rgb_u8, made.alpha_u8, made.alpha_u8)
    # The bar is 60 ms a megapixel; a machine that is busy with other work takes up to twice as long.
    assert (time.process_time() - begun) * 1000 / (4 * SIDE * SIDE / 1e6) < 120
