"""Pictures and their targets, read once, kept as uint8 at one square size, and handed out as augmented batches."""

from __future__ import annotations

import hashlib
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.alpha_scores import HALF
from training.augment import composite, crop_backgrounds, paste, paste_behind, place_on_white
from training.drawn import draw_picture
from training.dressed import draw_dressed
from training.manifest import Row
from training.neighbours import MAX_NEIGHBOURS, partners
from training.targets import (
    IGNORED,
    aspect,
    costume_targets,
    matte_targets,
    read_cut_out,
    read_square,
    shape,
)

CPU = torch.device("cpu")
# How often a picture of each folder is drawn, relative to its number.
DRAW_WEIGHTS = {"objects": 1.6, "unlabelled": 0.6, "person": 1.2, "costume": 2.0}
# Photographs with all kinds of subjects in all kinds of places are few, and teach the most.
SCENE_WEIGHT = 3.2
# People in ordinary scenes are what the network does worst.
PEOPLE_SCENE_WEIGHT = 6.4
# Sources with more pictures than their kind's due, which scenes would pay for.
LARGE_SOURCES = {"furnb": 0.3, "fcat": 0.5}
FIGURE_BACKGROUND_SHARE = 0.3
WHOLE_FIGURE_SHARE = 0.5
MAX_FIGURES = 4
ANOTHER_FIGURE_SHARE = 0.45
ANOTHER_NEIGHBOUR_SHARE = 0.6
# What a batch of `costume` consists of; a street's eight classes must not be lost over single garments.
GROUP_SHARES = {"street": 0.4, "tagged": 0.26, "studio": 0.06, "garment": 0.15, "bag": 0.04, "thing": 0.09}
# The share of things among the foregrounds on white.
ON_WHITE_THING_SHARE = 0.45
# Street photographs are all that has labels, a catalogue's studio is where `costume` is used most.
PLAIN_SHARE = 0.6
MAX_GARMENTS = 4
# Shares of a side: how much of a background photograph is shown as floor or wall, and how many of a garment's own
# frames the picture is wide.
FLOOR_ZOOM = (0.12, 0.5)
GARMENT_ZOOM = (1.1, 3.0)
GARMENT_DEGREES = 25.0
ANOTHER_GARMENT_SHARE = 0.75


@dataclass(frozen=True)
class Batch:
    """rgb: (N, 3, S, S) float32 in [0, 1]. targets: (N, C, S, S), alphas in [0, 1] or class numbers.

    known: (N, 2) float32, 0 where the foreground, or the person map, must not be learned from.
    """

    rgb: Tensor
    targets: Tensor
    known: Tensor


def folder_weights(rows: list[Row]) -> np.ndarray:
    """Return how often `matte` sees each row, as shares of 1."""
    weights = np.array([_draw_weight(row) for row in rows])
    return weights / weights.sum()


def _draw_weight(row: Row) -> float:
    if row.is_scene:
        return PEOPLE_SCENE_WEIGHT if row.is_person else SCENE_WEIGHT
    return LARGE_SOURCES.get(row.stem.split("_")[0], DRAW_WEIGHTS[row.folder])


def group_weights(rows: list[Row]) -> np.ndarray:
    """Return how often `costume` sees each row, as shares of 1: by GROUP_SHARES, not by the groups' sizes."""
    groups = [row.costume_group for row in rows]
    weights = np.array([GROUP_SHARES[group] / groups.count(group) for group in groups])
    return weights / weights.sum()


def _planes(shape: tuple[int, int, int, int], file: Path | None) -> Tensor:
    """Return a uint8 tensor in memory, or in a file that is extended to its size."""
    if file is None:
        return torch.empty(shape, dtype=torch.uint8)
    return torch.from_file(str(file), shared=True, size=math.prod(shape), dtype=torch.uint8).view(shape)


class Pool:
    """A set of pictures: 5 bytes a pixel for matte, 4 for costume, in memory or in files under `folder`.

    Files are mapped: the kernel keeps as much of them in memory as others leave free. They are read again for the same
    rows, which a resumed run has.
    """

    def __init__(
        self, rows: list[Row], size: int, costume: bool, device: torch.device = CPU, folder: Path | None = None
    ) -> None:
        make_targets = costume_targets if costume else matte_targets
        channels = 1 if costume else 2
        self.rows = rows
        self.costume = costume
        names = "\n".join([str(size), *(f"{row.home}/{row.file}" for row in rows)])
        mark = None if folder is None else folder / f"{hashlib.sha256(names.encode()).hexdigest()[:16]}"
        filled = mark is not None and mark.with_suffix(".filled").exists()
        self.rgb = _planes((len(rows), 3, size, size), mark and mark.with_suffix(".rgb"))
        self.targets = _planes((len(rows), channels, size, size), mark and mark.with_suffix(".targets"))

        def load(index: int) -> None:
            row = rows[index]
            self.rgb[index] = _channels_first(read_square(row.open(row.file), "RGB", size))
            self.targets[index] = torch.from_numpy(make_targets(row, size))

        if not filled:
            with ThreadPoolExecutor(2) as workers:
                list(workers.map(load, range(len(rows))))
            if mark is not None:
                mark.with_suffix(".filled").touch()
        self.known = torch.tensor([(float(row.knows_foreground), float(row.knows_person)) for row in rows])
        self.rgb, self.targets, self.known = (kept.to(device) for kept in (self.rgb, self.targets, self.known))
        self.weights = group_weights(rows) if costume else folder_weights(rows)
        self.figures = np.flatnonzero([row.is_person and (row.is_exact or row.is_portrait) for row in rows])
        self.peopleless = np.flatnonzero([row.knows_person and not row.is_person for row in rows])
        self.kind_of = [row.product_kind if row.mask else "" for row in rows]
        self.kinds = {kind: np.flatnonzero([one == kind for one in self.kind_of]) for kind in set(self.kind_of) - {""}}
        self.neighboured = np.flatnonzero([kind != "" for kind in self.kind_of])
        self.garments = np.flatnonzero([costume and row.costume_group in ("garment", "bag") for row in rows])
        self.things = np.flatnonzero(
            [costume and row.costume_group == "thing" and bool(row.mask or row.teacher) for row in rows]
        )
        self.shapes = {int(index): shape(rows[index], size) for index in self.things}
        self.aspects = np.array([aspect(row) for row in rows]) if costume else np.ones(len(rows))

    def draw(self, rng: np.random.Generator, count: int) -> Batch:
        """Draw `count` pictures as stored, with the folders' weights."""
        index = torch.from_numpy(rng.choice(len(self.rows), count, replace=False, p=self.weights))
        targets = self.targets[index]
        return Batch(
            rgb=self.rgb[index].float() / 255,
            targets=targets.float() if self.costume else targets.float() / 255,
            known=self.known[index],
        )

    def draw_figures(self, rng: np.random.Generator, count: int, cut_outs: CutOuts) -> Batch:
        """Paste one to MAX_FIGURES people into each of `count` pictures or backgrounds without people; matte only.

        They teach what of a foreground is the person, and people who are small in their picture or several.
        """
        host = torch.from_numpy(rng.choice(self.peopleless, count))
        rgb, subjects = self.rgb[host].float() / 255, self.targets[host, :1].float() / 255
        empty = torch.from_numpy(np.flatnonzero(rng.random(count) < FIGURE_BACKGROUND_SHARE))
        rgb[empty] = cut_outs.draw_backgrounds(rng, len(empty))
        subjects[empty] = 0
        person = torch.zeros_like(subjects)
        more = np.arange(count)
        for _ in range(MAX_FIGURES):
            rgb[more], alpha = paste(rng, self._figures(rng, len(more), cut_outs), rgb[more])
            person[more] = torch.maximum(person[more], alpha)
            more = more[rng.random(len(more)) < ANOTHER_FIGURE_SHARE]
            if not len(more):
                break
        return Batch(rgb, torch.cat([torch.maximum(subjects, person), person], dim=1), rgb.new_ones(count, 2))

    def draw_neighbours(self, rng: np.random.Generator, count: int) -> Batch:
        """Draw `count` products with one to MAX_NEIGHBOURS others of their kind in the background; matte only."""
        chosen = rng.choice(self.neighboured, count)
        rgb, subjects = self.rgb[chosen].float() / 255, self.targets[chosen].float() / 255
        more = np.arange(count)
        for _ in range(MAX_NEIGHBOURS):
            index = torch.from_numpy(partners(rng, chosen[more], self.kinds, self.kind_of))
            rgba = torch.cat([self.rgb[index], self.targets[index, :1]], dim=1).float() / 255
            rgb[more] = paste_behind(rng, rgba, rgb[more], subjects[more, :1])
            more = more[rng.random(len(more)) < ANOTHER_NEIGHBOUR_SHARE]
            if not len(more):
                break
        return Batch(rgb, subjects, self.known[chosen])

    def draw_flat_lays(self, rng: np.random.Generator, count: int, cut_outs: CutOuts) -> Batch:
        """Draw `count` backgrounds with one to MAX_GARMENTS single garments laid on each; costume only."""
        rgb = crop_backgrounds(rng, cut_outs.draw_backgrounds(rng, count), self.rgb.shape[-1], PLAIN_SHARE, FLOOR_ZOOM)
        classes = rgb.new_zeros(count, 1, *rgb.shape[-2:])
        more = np.arange(count)
        for _ in range(MAX_GARMENTS):
            index = torch.from_numpy(rng.choice(self.garments, len(more)))
            labels = self.targets[index].float()
            worn = (labels > 0) & (labels != IGNORED)
            rgba = torch.cat([self.rgb[index].float() / 255, F.avg_pool2d(worn.float(), 3, stride=1, padding=1)], dim=1)
            rgb[more], alpha = paste(rng, rgba, rgb[more], GARMENT_ZOOM, GARMENT_DEGREES)
            kind = torch.where(worn, labels, torch.zeros_like(labels)).amax(dim=(2, 3), keepdim=True)
            classes[more] = torch.where(alpha * 255 > HALF, kind, classes[more])
            more = more[rng.random(len(more)) < ANOTHER_GARMENT_SHARE]
            if not len(more):
                break
        return Batch(rgb, classes, rgb.new_ones(count, 2))

    def draw_on_white(self, rng: np.random.Generator, count: int) -> Batch:
        """Draw `count` foregrounds on white, things among them; costume only."""
        chosen = np.where(
            rng.random(count) < ON_WHITE_THING_SHARE, rng.choice(self.things, count), rng.choice(self.garments, count)
        )
        index = torch.from_numpy(chosen)
        labels = self.targets[index].float()
        labels = torch.where(labels == IGNORED, 0, labels)
        alpha = (labels > 0).float()
        for place, row in enumerate(chosen):
            if int(row) in self.shapes:
                alpha[place, 0] = torch.from_numpy(self.shapes[int(row)]).float() / 255
        kinds = labels.amax(dim=(2, 3), keepdim=True)
        rgb, alpha = place_on_white(rng, self.rgb[index].float() / 255, alpha, self.aspects[chosen])
        return Batch(rgb, torch.where(alpha * 255 > HALF, kinds, 0.0), rgb.new_ones(count, 2))

    def _figures(self, rng: np.random.Generator, count: int, cut_outs: CutOuts) -> Tensor:
        """Draw `count` people (N, 4, S, S) in [0, 1], half of them whole figures of the cut-outs."""
        figure = torch.from_numpy(rng.choice(self.figures, count))
        rgba = torch.cat([self.rgb[figure], self.targets[figure, 1:]], dim=1)
        whole = torch.from_numpy(np.flatnonzero(rng.random(count) < WHOLE_FIGURE_SHARE))
        if len(cut_outs.figures):
            rgba[whole] = cut_outs.rgba[torch.from_numpy(rng.choice(cut_outs.figures, len(whole)))]
        return rgba.float() / 255


class CutOuts:
    """Photographic cut-outs with true alpha, and photographs of backgrounds for them."""

    def __init__(self, rows: list[Row], size: int, device: torch.device = CPU) -> None:
        cut_outs = [row for row in rows if row.folder == "rgba"]
        backgrounds = [row for row in rows if row.folder == "backgrounds"]
        self.person = torch.tensor([float(row.is_person) for row in cut_outs])
        self.known = torch.tensor([(1.0, float(row.knows_person)) for row in cut_outs])
        self.rgba = torch.empty(len(cut_outs), 4, size, size, dtype=torch.uint8)
        for index, row in enumerate(cut_outs):
            self.rgba[index] = _channels_first(read_cut_out(row.open(row.file), size))
        self.figures = np.flatnonzero([row.stem.startswith("ghperson_") for row in cut_outs])
        self.person, self.known, self.rgba = (kept.to(device) for kept in (self.person, self.known, self.rgba))
        self.device = device
        # Drawn shapes are made by the CPU, which takes its surfaces from here too.
        self.backgrounds = torch.stack([_channels_first(read_square(r.open(r.file), "RGB", size)) for r in backgrounds])

    def draw_backgrounds(self, rng: np.random.Generator, count: int) -> Tensor:
        """Draw `count` backgrounds (N, 3, S, S) in [0, 1]."""
        index = torch.from_numpy(rng.integers(len(self.backgrounds), size=count))
        return self.backgrounds[index].to(self.device).float() / 255

    def draw(self, rng: np.random.Generator, count: int) -> Batch:
        """Draw `count` new composites at the stored size, with exact foreground alpha."""
        cut = torch.from_numpy(rng.integers(len(self.rgba), size=count))
        rgb, alpha = composite(rng, self.rgba[cut].float() / 255, self.draw_backgrounds(rng, count))
        targets = torch.cat([alpha, alpha * self.person[cut].view(-1, 1, 1, 1)], dim=1)
        return Batch(rgb, targets, self.known[cut])

    def draw_dressed(self, rng: np.random.Generator, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Draw `count` figures at the stored size; return their pictures, foreground alphas and class numbers."""
        figures = [draw_dressed(rng, self.backgrounds, self.backgrounds.shape[-1]) for _ in range(count)]
        rgb, alpha, classes = (torch.stack(parts).to(self.device) for parts in zip(*figures, strict=True))
        return rgb, alpha, classes

    def draw_shapes(self, rng: np.random.Generator, count: int) -> Batch:
        """Draw `count` shapes at the stored size, with exact foreground alpha and without people."""
        drawn = [draw_picture(rng, self.backgrounds, self.backgrounds.shape[-1]) for _ in range(count)]
        alpha = torch.stack([alpha for _, alpha in drawn])
        targets = torch.cat([alpha, torch.zeros_like(alpha)], 1)
        parts = (torch.stack([rgb for rgb, _ in drawn]), targets, torch.ones(count, 2))
        return Batch(*(part.to(self.device) for part in parts))


def _channels_first(picture: np.ndarray) -> Tensor:
    return torch.from_numpy(picture.transpose(2, 0, 1).copy())
