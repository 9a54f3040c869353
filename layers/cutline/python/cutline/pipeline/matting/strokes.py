"""A person's strokes over a finished cut-out: what is under one is as drawn, and the change spreads along colours.

On a reduced picture a random walk (random_walk.py) spreads each stroke to what has its colours and is connected to it,
and stops at edges. The alpha of before holds against it, more with the distance, and more where a colour is frequent
on the alpha's other side at a distance from the stroke. Only what changes sides in one piece with a stroke changes,
its soft edges included; all else stays, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from cutline.pipeline.filters import F32, U8, Bool, Index, box_mean, fit_within, grow, resize_f32, resize_u8
from cutline.pipeline.layout.framing import Box
from cutline.pipeline.matting.components import label_components
from cutline.pipeline.matting.random_walk import edges_of, random_walk
from cutline.pipeline.matting.refine import upsample_alpha
from cutline.pipeline.stroke import Do, Stroke

Drawn = Mapping[Do, Bool]

_INK: Mapping[Do, int] = {"keep": 1, "remove": 2}
_DRAWN = np.float32(1e3)
_HALF = np.float32(0.5)
# The walk's values between these become alpha's soft edge.
_SOFT_FROM, _SOFT_TO = np.float32(0.3), np.float32(0.7)
_CHANGED = 0.02
# How wide a soft edge of the small plane is.
_EDGE_PX = 3
_MARGIN_PX = 8
# Distances are measured on every fourth pixel, to at most this many points of a stroke.
_COARSE, _MAX_POINTS = 4, 24
_MIN_WEIGHT = np.float32(0.02)
_MIN_RADIUS_PX = 0.7


@dataclass(frozen=True)
class Tuning:
    """The solver's constants, searched with `training.strokes` on the training pictures that the network cuts badly.

    sharpness, floor: of the walk's weights (random_walk.edges_of). hold: how strongly a pixel holds to its alpha one
    reach away from the strokes; hold_near: the share of it at a stroke; hold_unlike: how much more where its colour
    speaks against the stroke. spread: how strongly its colour speaks for the stroke. reach, reach_of_length: how far a
    stroke acts, in shares of the longer side and of its own length. around: the share of the stroke's colours that
    are of the alpha on its side nearby. rare: how frequent a colour has to be to count.
    """

    sharpness: float = 0.5
    floor: float = 0.01
    hold: float = 0.005
    hold_near: float = 0.2
    hold_unlike: float = 5.0
    spread: float = 0.01
    reach: float = 0.12
    reach_of_length: float = 0.2
    release: float = 0.9
    touched: float = 0.2
    around: float = 0.2
    rare: float = 0.0001
    bins: int = 20
    side_px: int = 384


_TUNED = Tuning()


def mend_alpha(
    rgb_u8: U8, alpha_u8: U8, strokes: Sequence[Stroke], earlier: Sequence[Stroke] = (), tuning: Tuning = _TUNED
) -> U8:
    """Return the alpha (H, W) of a picture (H, W, 3) as the strokes change it; `earlier` ones stay as drawn."""
    height, width = alpha_u8.shape
    size = fit_within(width, height, tuning.side_px)
    before = resize_u8(alpha_u8, *size, Image.Resampling.BOX).astype(np.float32) / np.float32(255)
    after = _walk(resize_u8(rgb_u8, *size, Image.Resampling.BOX), before, strokes, earlier, tuning)
    mended_u8 = _enlarge(rgb_u8, alpha_u8, before, after)
    # A thin stroke is less than a pixel of the small picture, so the earlier ones are drawn again.
    drawn = draw_strokes([*earlier, *strokes], width, height)
    mended_u8[drawn["keep"]] = 255
    mended_u8[drawn["remove"]] = 0
    return mended_u8


def draw_strokes(strokes: Sequence[Stroke], width: int, height: int) -> Drawn:
    """Return what the strokes keep and remove, (height, width) each; a later stroke covers an earlier one."""
    image = Image.new("L", (width, height))
    pen = ImageDraw.Draw(image)
    for stroke in strokes:
        ink = _INK[stroke.do]
        # Pixel centres are at whole numbers.
        line = [(x * width - 0.5, y * height - 0.5) for x, y in stroke.points]
        if stroke.is_box:
            (left, top), (right, bottom) = np.sort(line, axis=0).tolist()
            pen.rectangle((left, top, right, bottom), fill=ink)
            continue
        radius = max(_MIN_RADIUS_PX, stroke.radius * max(width, height))
        if len(line) > 1:
            pen.line(line, fill=ink, width=max(1, round(2 * radius)))
        for x, y in line:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)
            # Pillow draws no ellipse of a pixel. A point at the picture's edge counts as its last pixel.
            if -1 <= x <= width and -1 <= y <= height:
                pen.point((min(max(0, round(x)), width - 1), min(max(0, round(y)), height - 1)), fill=ink)
    drawn = np.asarray(image)
    return {do: drawn == ink for do, ink in _INK.items()}


def _walk(small_u8: U8, before: F32, strokes: Sequence[Stroke], earlier: Sequence[Stroke], tuning: Tuning) -> F32:
    """Return the small alpha (h, w) after the strokes: that of `before` wherever none of them reaches."""
    height, width = before.shape
    colours = _opponent(small_u8)
    drawn, fixed = (draw_strokes(some, width, height) for some in (strokes, [*earlier, *strokes]))
    bins = _bins(colours, tuning.bins)
    away = {do: _away([one for one in strokes if one.do == do], width, height, tuning) for do in _INK}
    pull = np.float32(tuning.hold) * (np.float32(tuning.hold_near) + np.minimum(away["keep"], away["remove"]))
    right = pull * before
    for do, mask in drawn.items():
        if not mask.any():
            continue
        side = before if do == "keep" else 1 - before
        like = _likeness(bins, side, away[do], mask, fixed, do, tuning).reshape(height, width)
        agree = np.maximum(0, 2 * like - 1)
        spread = np.float32(tuning.spread) * agree * (1 - away[do])
        hold = np.float32(tuning.hold * tuning.hold_unlike) * np.maximum(0, 1 - 2 * like) * (side < _HALF)
        release = 1 - np.float32(tuning.release) * agree
        pull, right = pull * release + spread + hold, right * release
        right += spread * (do == "keep") + hold * before
    for do, mask in fixed.items():
        pull[mask], right[mask] = _DRAWN, _DRAWN * (do == "keep")
    walked = random_walk(edges_of(colours, tuning.sharpness, tuning.floor), pull, right)
    return _join(before, walked, drawn)


def _join(before: F32, walked: F32, drawn: Drawn) -> F32:
    """Return `before`, moved to the walk's side where it changes sides in one piece with a stroke, edges included."""
    after = before.copy()
    soft = np.clip((walked - _SOFT_FROM) / (_SOFT_TO - _SOFT_FROM), 0, 1)
    for do, mask in drawn.items():
        kept = do == "keep"
        labels, areas = label_components((((walked > _HALF) == kept) & ((before > _HALF) != kept)) | mask)
        reached = np.zeros(len(areas) + 1, np.bool_)
        reached[labels[mask]] = True
        part = grow(reached[labels], _EDGE_PX)
        after[part] = (np.maximum if do == "keep" else np.minimum)(after, soft)[part]
        after[mask] = kept
    return after


def _enlarge(rgb_u8: U8, alpha_u8: U8, before: F32, after: F32) -> U8:
    """Return `alpha_u8` (H, W) with the small plane's change, refined along the picture's edges.

    Where alpha rises it is at least its own bytes, where it falls at most; elsewhere it is its own bytes.
    """
    mended_u8 = alpha_u8.copy()
    more, less = (grow(change > _CHANGED, 2) for change in (after - before, before - after))
    box = _box_around(more | less, alpha_u8.shape)
    if box is None:
        return mended_u8
    rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
    small, rising, falling = (_part(plane, box, alpha_u8.shape) for plane in (after, more, less))
    refined_u8 = upsample_alpha(np.clip(small, 0, 1), np.ascontiguousarray(rgb_u8[rows, columns]))
    part = mended_u8[rows, columns]
    for mask, choose in ((rising, np.maximum), (falling, np.minimum)):
        at = resize_u8(np.rint(mask).astype(np.uint8), box.width, box.height, Image.Resampling.NEAREST) > 0
        part[at] = choose(part, refined_u8)[at]
    return mended_u8


def _box_around(changed: Bool, shape: tuple[int, ...]) -> Box | None:
    """Return the box of the large picture of `shape` around the changed pixels of the small one, with a margin."""
    at = np.nonzero(changed)
    if len(at[0]) == 0:
        return None
    (top, left), (bottom, right) = (
        [
            int(np.clip(round((edge(axis) + margin) * large / small), 0, large))
            for axis, large, small in zip(at, shape, changed.shape, strict=True)
        ]
        for edge, margin in ((np.min, -_MARGIN_PX), (np.max, _MARGIN_PX + 1))
    )
    return Box(left, top, right, bottom)


def _part(plane: F32 | Bool, box: Box, shape: tuple[int, ...]) -> F32:
    """Return the part of a small plane (h, w) that a box of the large picture of `shape` covers, at its own scale."""
    down, across = plane.shape[0] / shape[0], plane.shape[1] / shape[1]
    size = max(1, round(box.width * across)), max(1, round(box.height * down))
    cut = box.left * across, box.top * down, box.right * across, box.bottom * down
    image = Image.fromarray(plane.astype(np.float32))
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR, box=cut))


def _opponent(small_u8: U8) -> F32:
    """Return (3, h, w): lightness, red against green, blue against yellow; lightly smoothed."""
    rgb = small_u8.transpose(2, 0, 1).astype(np.float32) / np.float32(255)
    red, green, blue = (rgb + box_mean(rgb, 1)) * _HALF
    return np.stack(
        (
            np.float32(0.3) * red + np.float32(0.55) * green + np.float32(0.15) * blue,
            np.float32(1.125) * (red - green),
            np.float32(0.9) * (blue - (red + green) * _HALF),
        )
    )


def _bins(colours: F32, count: int) -> Index:
    """Return each pixel's bin (h * w,) of a histogram of count ** 3 colours."""
    lightness, red, blue = colours
    first, second, third = (
        np.clip(plane * np.float32(count), 0, count - 1).astype(np.intp)
        for plane in (lightness, red + _HALF, blue + _HALF)
    )
    bins: Index = ((first * count + second) * count + third).ravel()
    return bins


def _away(strokes: Sequence[Stroke], width: int, height: int, tuning: Tuning) -> F32:
    """Return how far (height, width) each pixel is from strokes, in their reach: 0 at one, 1 from its reach on."""
    longer = max(width, height)
    columns, rows = (np.arange(0, side, _COARSE, dtype=np.float32)[: -(-side // _COARSE)] for side in (width, height))
    away = np.ones((len(rows), len(columns)), np.float32)
    for stroke in strokes:
        line = _outline(stroke) * np.array((width, height), np.float32)
        length = float(np.hypot(*np.diff(line, axis=0).T).sum())
        reach = tuning.reach * longer + tuning.reach_of_length * length + 2 * stroke.radius * longer
        distance = _distance(line, columns, rows) - np.float32(stroke.radius * longer)
        np.minimum(away, np.maximum(0, distance) / np.float32(reach), out=away)
    return resize_f32(away, width, height, Image.Resampling.BILINEAR)


def _outline(stroke: Stroke) -> F32:
    """Return at most `_MAX_POINTS` points (n, 2) of a stroke, or the way around a box."""
    points = np.asarray(stroke.points, np.float32)
    if stroke.is_box:
        (left, top), (right, bottom) = points.min(0), points.max(0)
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], np.float32)
    return points[np.unique(np.linspace(0, len(points) - 1, _MAX_POINTS).round().astype(np.intp))]


def _distance(line: F32, columns: F32, rows: F32) -> F32:
    """Return the distance (h, w) of each pixel at `columns` (w,) and `rows` (h,) to a line of points (n, 2)."""
    nearest = np.full((len(rows), len(columns)), np.inf, np.float32)
    for start, end in zip(line, line[1:] if len(line) > 1 else line, strict=False):
        along = end - start
        x, y = columns[None] - start[0], rows[:, None] - start[1]
        share = np.clip((x * along[0] + y * along[1]) / max(float(along @ along), 1e-6), 0, 1)
        np.minimum(nearest, (x - share * along[0]) ** 2 + (y - share * along[1]) ** 2, out=nearest)
    return np.sqrt(nearest)


def _likeness(bins: Index, side: F32, away: F32, mask: Bool, fixed: Drawn, do: Do, tuning: Tuning) -> F32:
    """Return the probability (h * w,) that a pixel's colour is the stroke's and not the other side's.

    side: alpha's share of the stroke's side. What is connected to the stroke in its own colours says less of the other.
    """
    stroke = _histogram(bins, mask.astype(np.float32), tuning.bins)
    labels, _ = label_components((stroke > tuning.rare)[bins].reshape(mask.shape) | mask)
    touched = np.zeros(labels.max() + 1, np.bool_)
    touched[labels[mask]] = True
    others = (1 - side) * np.maximum(away, _MIN_WEIGHT) * ~(fixed["keep"] | fixed["remove"])
    others[touched[labels]] *= np.float32(1 - tuning.touched)
    others += fixed["remove" if do == "keep" else "keep"]
    own = (1 - tuning.around) * stroke + tuning.around * _histogram(bins, side * (1 - away), tuning.bins)
    share = own / (own + _histogram(bins, others, tuning.bins) + tuning.rare)
    return share.astype(np.float32)[bins]


def _histogram(bins: Index, weights: F32, count: int) -> npt.NDArray[np.float64]:
    """Return the share (count ** 3,) of the weights in each bin, smoothed over neighbouring bins."""
    sums: npt.NDArray[np.float64] = np.bincount(bins, weights.ravel(), minlength=count**3).astype(np.float64)
    for step in (1, count, count * count):
        line = sums.reshape(-1, count, step)
        padded = np.pad(line, ((0, 0), (1, 1), (0, 0)))
        sums = (padded[:, :-2] + 2 * line + padded[:, 2:]) / 4
    return sums.ravel() / max(float(sums.sum()), 1e-9)
