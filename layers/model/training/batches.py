"""Augmented batches, put together from photographs, composites and drawings in fixed shares."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from training.alpha_scores import HALF
from training.augment import PhotometricChange, Warp, crop_backgrounds, place_on_white, warp
from training.pictures import PLAIN_SHARE, Batch, CutOuts, Pool
from training.targets import BAG, IGNORED, OTHER_PERSON

# Shares of the pictures of `matte`: composites, people pasted into pictures, drawn shapes; and of these drawn figures;
# of the rest, products with others of their kind behind them.
COMPOSITE_SHARE = 0.17
FIGURE_SHARE = 0.17
DRAWN_SHARE = 0.22
DRESSED_SHAPE_SHARE = 0.12
NEIGHBOUR_SHARE = 0.08
# Shares of the pictures of `costume`: foregrounds on white, as the pipeline passes them to the network, and flat lays.
ON_WHITE_SHARE = 0.24
FLAT_LAY_SHARE = 0.08
# Smooth drawn shapes look like bags and hats to a network that was trained on photographs only.
DRAWN_THING_SHARE = 0.07
DRESSED_SHARE = 0.05
# The share of people and garments that get another background.
MOVED_SHARE = 0.35
# A catalogue's half-figures fill frames of every shape, which the network sees squashed to its square: how many wearers
# are cut across, and to which share of the height.
CUT_SHARE = 0.35
CUT_HEIGHTS = (0.25, 0.65)
# The smallest share of a side that a crop shows: of an unworn garment, and of a foreground on white.
SINGLE_MIN_ZOOM = 0.65
ON_WHITE_MIN_ZOOM = 0.9


def augmented_batch(
    rng: np.random.Generator, pool: Pool, cut_outs: CutOuts, count: int, size: int, zoom: tuple[float, float]
) -> Batch:
    """Return `count` augmented training pictures of `size` px, a share of them composites.

    zoom: smallest and largest share of the picture's side that a crop shows.
    """
    whole, parts = 0, []
    if not pool.costume:
        parts = _composites(rng, pool, cut_outs, count - 1)
    elif len(pool.garments):
        whole, parts = _unworn_and_drawn(rng, pool, cut_outs, count - 1)
    parts.append(pool.draw(rng, count - sum(len(part.rgb) for part in parts)))
    batch = Batch(
        torch.cat([part.rgb for part in parts]),
        torch.cat([part.targets for part in parts]),
        torch.cat([part.known for part in parts]),
    )
    if pool.costume:
        least = np.full((count, 1), zoom[0])
        # A smaller crop of an unworn garment could be anything.
        unworn = ~(batch.targets == OTHER_PERSON).flatten(1).any(dim=1).cpu().numpy()
        least[unworn] = np.maximum(least[unworn], SINGLE_MIN_ZOOM)
        least[:whole] = ON_WHITE_MIN_ZOOM
        batch = move_some(rng, batch, cut_outs, whole)
        heights = np.where(~unworn & (rng.random(count) < CUT_SHARE), rng.uniform(*CUT_HEIGHTS, count), 0)
        plan = Warp.random(rng, count, (least, zoom[1]), 20, heights)
    else:
        plan = Warp.random(rng, count, zoom, 8)
    rgb = PhotometricChange(rng).apply(warp(batch.rgb, plan, size))
    targets = warp(batch.targets, plan, size, nearest=pool.costume)
    return Batch(rgb, targets, batch.known)


def _composites(rng: np.random.Generator, pool: Pool, cut_outs: CutOuts, most: int) -> list[Batch]:
    """Make up a share of at most `most` pictures of `matte`."""
    composites = int(rng.binomial(most, COMPOSITE_SHARE))
    figures = int(rng.binomial(most - composites, FIGURE_SHARE))
    shapes = int(rng.binomial(most - composites - figures, DRAWN_SHARE))
    dressed = int(rng.binomial(shapes, DRESSED_SHAPE_SHARE))
    neighbours = int(rng.binomial(most - composites - figures - shapes, NEIGHBOUR_SHARE))
    parts = [cut_outs.draw(rng, composites)] if composites else []
    parts += [pool.draw_figures(rng, figures, cut_outs)] if figures else []
    parts += [cut_outs.draw_shapes(rng, shapes - dressed)] if shapes > dressed else []
    parts += [pool.draw_neighbours(rng, neighbours)] if neighbours and len(pool.neighboured) else []
    if dressed:
        rgb, alpha, classes = cut_outs.draw_dressed(rng, dressed)
        person = alpha * (classes != BAG)
        parts.append(Batch(rgb, torch.cat([alpha, person], dim=1), rgb.new_ones(dressed, 2)))
    return parts


def _unworn_and_drawn(rng: np.random.Generator, pool: Pool, cut_outs: CutOuts, most: int) -> tuple[int, list[Batch]]:
    """Make up a share of at most `most` pictures of `costume`; return how many, the first, must stay whole, and all."""
    on_white = int(rng.binomial(most, ON_WHITE_SHARE))
    lays = int(rng.binomial(most - on_white, FLAT_LAY_SHARE))
    things = int(rng.binomial(most - on_white - lays, DRAWN_THING_SHARE))
    dressed = int(rng.binomial(most - on_white - lays - things, DRESSED_SHARE))
    parts = [pool.draw_on_white(rng, on_white)] if on_white else []
    parts += [draw_things(rng, things, cut_outs)] if things else []
    parts += [pool.draw_flat_lays(rng, lays, cut_outs)] if lays else []
    if dressed:
        rgb, _, classes = cut_outs.draw_dressed(rng, dressed)
        parts.append(Batch(rgb, classes, rgb.new_ones(dressed, 2)))
    return on_white + things, parts


def move_some(rng: np.random.Generator, batch: Batch, cut_outs: CutOuts, first: int) -> Batch:
    """Give MOVED_SHARE of the people and garments from `first` on another background, without the bystanders."""
    # Pictures without clothes are all background, and would vanish.
    bare = (batch.targets == 0).all(dim=3).all(dim=2)[:, 0].cpu().numpy()
    chosen = (rng.random(len(batch.rgb)) < MOVED_SHARE) & ~bare
    chosen[:first] = False
    chosen = torch.from_numpy(np.flatnonzero(chosen))
    if not len(chosen):
        return batch
    photographs = cut_outs.draw_backgrounds(rng, len(chosen))
    # Labels end at a pixel; a lens does not.
    shown = ((batch.targets[chosen] > 0) & (batch.targets[chosen] != IGNORED)).float()
    alpha = F.avg_pool2d(shown, 3, stride=1, padding=1)
    rgb = batch.rgb.clone()
    background = crop_backgrounds(rng, photographs, rgb.shape[-1], PLAIN_SHARE)
    rgb[chosen] = rgb[chosen] * alpha + background * (1 - alpha)
    return Batch(rgb, batch.targets, batch.known)


def draw_things(rng: np.random.Generator, count: int, cut_outs: CutOuts) -> Batch:
    """Draw `count` shapes that are no clothes, half of them on white; costume only."""
    shapes = cut_outs.draw_shapes(rng, count)
    rgb, alpha = shapes.rgb, shapes.targets[:, :1]
    shown = torch.from_numpy(np.flatnonzero(rng.random(count) < HALF / 255))
    if len(shown):
        rgb[shown] = place_on_white(rng, rgb[shown], alpha[shown], np.ones(len(shown)))[0]
    return Batch(rgb, torch.zeros_like(alpha), rgb.new_ones(count, 2))
