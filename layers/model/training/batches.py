"""Augmented batches, put together from photographs, composites and drawings in fixed shares."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from training.alpha_scores import HALF
from training.augment import Look, Warp, alone_on_white, grounds, warp
from training.pictures import PLAIN_SHARE, Batch, CutOuts, Pool
from training.targets import BAG, IGNORED, OTHER_PERSON

# Of the pictures of `matte`: cut-outs in rooms, people put into pictures, drawn shapes, and of these drawn figures.
COMPOSITE_SHARE = 0.17
FIGURE_SHARE = 0.17
DRAWN_SHARE = 0.22
DRESSED_SHAPE_SHARE = 0.12
# Of the pictures of `costume`: foregrounds alone on white, as the pipeline shows them to the network, and flat lays.
ALONE_SHARE = 0.24
FLAT_LAY_SHARE = 0.08
# Smooth drawn shapes look like bags and hats to a network that has seen photographs of things alone.
DRAWN_THING_SHARE = 0.07
DRESSED_SHARE = 0.05
# And how many people and garments are put before other grounds.
MOVED_SHARE = 0.35
# A catalogue's half-figures fill frames of every shape, which the network sees squashed to its square: how many wearers
# are cut across, and to which share of the height.
CUT_SHARE = 0.35
CUT_HEIGHTS = (0.25, 0.65)
# The least that a crop shows of a side: of a garment that nobody wears, and of what stands alone on white.
SINGLE_LEAST = 0.65
ALONE_LEAST = 0.9


def augmented_batch(
    rng: np.random.Generator, pool: Pool, cut_outs: CutOuts, count: int, size: int, zoom: tuple[float, float]
) -> Batch:
    """`count` augmented training pictures of `size` px, a share of them composites.

    zoom: least and greatest share of the picture's side that a crop shows.
    """
    alone, parts = 0, []
    if not pool.costume:
        parts = _composites(rng, pool, cut_outs, count - 1)
    elif len(pool.garments):
        alone, parts = _unworn_and_drawn(rng, pool, cut_outs, count - 1)
    parts.append(pool.draw(rng, count - sum(len(part.rgb) for part in parts)))
    batch = Batch(
        torch.cat([part.rgb for part in parts]),
        torch.cat([part.targets for part in parts]),
        torch.cat([part.known for part in parts]),
    )
    if pool.costume:
        least = np.full((count, 1), zoom[0])
        # Less than SINGLE_LEAST of a garment without its wearer could be anything.
        unworn = ~(batch.targets == OTHER_PERSON).flatten(1).any(dim=1).cpu().numpy()
        least[unworn] = np.maximum(least[unworn], SINGLE_LEAST)
        least[:alone] = ALONE_LEAST
        batch = move_some(rng, batch, cut_outs, alone)
        heights = np.where(~unworn & (rng.random(count) < CUT_SHARE), rng.uniform(*CUT_HEIGHTS, count), 0)
        plan = Warp.random(rng, count, (least, zoom[1]), 20, heights)
    else:
        plan = Warp.random(rng, count, zoom, 8)
    rgb = Look(rng).apply(warp(batch.rgb, plan, size))
    targets = warp(batch.targets, plan, size, nearest=pool.costume)
    return Batch(rgb, targets, batch.known)


def _composites(rng: np.random.Generator, pool: Pool, cut_outs: CutOuts, most: int) -> list[Batch]:
    """What of `most` pictures of `matte` is made up."""
    composites = int(rng.binomial(most, COMPOSITE_SHARE))
    figures = int(rng.binomial(most - composites, FIGURE_SHARE))
    shapes = int(rng.binomial(most - composites - figures, DRAWN_SHARE))
    dressed = int(rng.binomial(shapes, DRESSED_SHAPE_SHARE))
    parts = [cut_outs.draw(rng, composites)] if composites else []
    parts += [pool.draw_figures(rng, figures, cut_outs)] if figures else []
    parts += [cut_outs.draw_shapes(rng, shapes - dressed)] if shapes > dressed else []
    if dressed:
        rgb, alpha, classes = cut_outs.draw_dressed(rng, dressed)
        person = alpha * (classes != BAG)
        parts.append(Batch(rgb, torch.cat([alpha, person], dim=1), rgb.new_ones(dressed, 2)))
    return parts


def _unworn_and_drawn(rng: np.random.Generator, pool: Pool, cut_outs: CutOuts, most: int) -> tuple[int, list[Batch]]:
    """What of `most` pictures of `costume` is made up. The first ones, whose number it gives, must stay whole."""
    alone = int(rng.binomial(most, ALONE_SHARE))
    lays = int(rng.binomial(most - alone, FLAT_LAY_SHARE))
    things = int(rng.binomial(most - alone - lays, DRAWN_THING_SHARE))
    dressed = int(rng.binomial(most - alone - lays - things, DRESSED_SHARE))
    parts = [pool.draw_alone(rng, alone)] if alone else []
    parts += [draw_things(rng, things, cut_outs)] if things else []
    parts += [pool.draw_flat_lays(rng, lays, cut_outs)] if lays else []
    if dressed:
        rgb, _, classes = cut_outs.draw_dressed(rng, dressed)
        parts.append(Batch(rgb, classes, rgb.new_ones(dressed, 2)))
    return alone + things, parts


def move_some(rng: np.random.Generator, batch: Batch, cut_outs: CutOuts, first: int) -> Batch:
    """MOVED_SHARE of the people and garments from `first` on put before other grounds, bystanders left behind."""
    # Things that nobody wears are background, and would vanish.
    bare = (batch.targets == 0).all(dim=3).all(dim=2)[:, 0].cpu().numpy()
    chosen = (rng.random(len(batch.rgb)) < MOVED_SHARE) & ~bare
    chosen[:first] = False
    chosen = torch.from_numpy(np.flatnonzero(chosen))
    if not len(chosen):
        return batch
    room = cut_outs.draw_rooms(rng, len(chosen))
    # Labels end at a pixel; a lens does not.
    shown = ((batch.targets[chosen] > 0) & (batch.targets[chosen] != IGNORED)).float()
    alpha = F.avg_pool2d(shown, 3, stride=1, padding=1)
    rgb = batch.rgb.clone()
    ground = grounds(rng, room, rgb.shape[-1], PLAIN_SHARE)
    rgb[chosen] = rgb[chosen] * alpha + ground * (1 - alpha)
    return Batch(rgb, batch.targets, batch.known)


def draw_things(rng: np.random.Generator, count: int, cut_outs: CutOuts) -> Batch:
    """`count` drawn shapes that are no clothes, half of them alone on white; costume only."""
    shapes = cut_outs.draw_shapes(rng, count)
    rgb, alpha = shapes.rgb, shapes.targets[:, :1]
    shown = torch.from_numpy(np.flatnonzero(rng.random(count) < HALF / 255))
    if len(shown):
        rgb[shown] = alone_on_white(rng, rgb[shown], alpha[shown], np.ones(len(shown)))[0]
    return Batch(rgb, torch.zeros_like(alpha), rgb.new_ones(count, 2))
