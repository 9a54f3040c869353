"""Pictures and their targets, read once, kept as uint8 at one square size, and handed out as augmented batches."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from training.augment import Look, Warp, composite, grounds, paste, warp
from training.drawn import draw_picture
from training.manifest import Row

IGNORED = 255
HALF = 127
COAT, SKIRT = 2, 3
AGREEMENT_IOU = 0.8
# Where a portrait's drawn mask and the teacher differ by more, it is the mask that lost a shoulder.
PORTRAIT_IOU = 0.93
TEACHER_SHARE = 0.7
EDGE_BAND_SHARE = 0.03
# How often a picture of each folder is drawn, relative to its number.
DRAW_WEIGHTS = {"objects": 1.6, "unlabelled": 0.6, "person": 0.8, "costume": 1.0}
# Photographs with all kinds of subjects in all kinds of places are few, and teach the most.
SCENE_WEIGHT = 3.2
COMPOSITE_SHARE = 0.15
DRAWN_SHARE = 0.07
FIGURE_SHARE = 0.14
FIGURE_ROOM_SHARE = 0.3
# Street photographs are all that has labels, a catalogue's studio is where `costume` is used most.
MOVED_SHARE = 0.35
MOVED_TO_PLAIN_SHARE = 0.6


def read_square(path: Path, mode: str, size: int, smooth: bool = True) -> np.ndarray:
    """The picture at `path` squashed to (size, size[, channels]) uint8; nearest neighbour unless `smooth`."""
    with Image.open(path) as picture:
        resample = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
        return np.asarray(picture.convert(mode).resize((size, size), resample, reducing_gap=2.0 if smooth else None))


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two uint8 alphas cut at one half."""
    a, b = first > HALF, second > HALF
    union = np.logical_or(a, b).sum()
    return float(np.logical_and(a, b).sum() / union) if union else 1.0


def edge_band(mask: np.ndarray, reach_px: int) -> np.ndarray:
    """True within `reach_px` (as a square) of an outline of `mask` (H, W) uint8, binary or soft."""
    alpha = torch.from_numpy(mask.astype(np.float32))[None, None]
    return (local_maximum(alpha, reach_px) + local_maximum(-alpha, reach_px) > HALF // 2)[0, 0].numpy()


def local_maximum(maps: Tensor, reach_px: int) -> Tensor:
    """Greatest value within `reach_px` (as a square) of each pixel of `maps` (N, C, H, W)."""
    window = 2 * reach_px + 1
    across = F.max_pool2d(maps, (1, window), stride=1, padding=(0, reach_px))
    return F.max_pool2d(across, (window, 1), stride=1, padding=(reach_px, 0))


def mend_edge(mask: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    """Ground truth whose outline is mostly the teacher's, where both show the same object; (H, W) uint8.

    A polygon's corners are off by pixels where the teacher follows the picture; away from the outline, and wherever
    the two disagree about the object, the ground truth stands.
    """
    if overlap(mask, teacher) < AGREEMENT_IOU:
        return mask
    mixed = TEACHER_SHARE * teacher + (1 - TEACHER_SHARE) * mask
    band = edge_band(mask, max(3, round(mask.shape[0] * EDGE_BAND_SHARE)))
    return np.where(band, mixed, mask).astype(np.uint8)


def matte_targets(data: Path, row: Row, size: int) -> np.ndarray:
    """Foreground and person alpha (2, size, size) uint8; the person map counts only where the row knows it."""
    if row.labels:
        labels = read_square(data / row.labels, "L", size, smooth=False)
        foreground = ((labels > 0) * 255).astype(np.uint8)
    elif row.mask:
        foreground = read_square(data / row.mask, "L", size)
        if row.teacher and row.split == "train" and not row.is_exact:
            teacher = read_square(data / row.teacher, "L", size)
            foreground = teacher if row.is_portrait and overlap(foreground, teacher) < PORTRAIT_IOU else foreground
            foreground = mend_edge(foreground, teacher)
    else:
        foreground = read_square(data / row.teacher, "L", size)
    return np.stack([foreground, foreground if row.is_person else np.zeros_like(foreground)])


def costume_targets(data: Path, row: Row, size: int) -> np.ndarray:
    """Class numbers (1, size, size) uint8, IGNORED where the row's labels are ambiguous."""
    labels = read_square(data / row.labels, "L", size, smooth=False).copy()
    if "suit-with-trousers" in row.subject:
        labels[labels == COAT] = IGNORED
    elif "ambiguous" in row.subject:
        labels[labels == SKIRT] = IGNORED
    return labels[None]


@dataclass(frozen=True)
class Batch:
    """rgb: (N, 3, S, S) float32 in [0, 1]. targets: (N, C, S, S), alphas in [0, 1] or class numbers.

    person_known: (N,) float32, 0 where the person map must not be learned from.
    """

    rgb: Tensor
    targets: Tensor
    person_known: Tensor


class Pool:
    """A set of pictures in memory: 5 bytes a pixel for matte, 4 for costume."""

    def __init__(self, data: Path, rows: list[Row], size: int, costume: bool) -> None:
        make_targets = costume_targets if costume else matte_targets
        channels = 1 if costume else 2
        self.rows = rows
        self.costume = costume
        self.rgb = torch.empty(len(rows), 3, size, size, dtype=torch.uint8)
        self.targets = torch.empty(len(rows), channels, size, size, dtype=torch.uint8)

        def load(index: int) -> None:
            row = rows[index]
            self.rgb[index] = _channels_first(read_square(data / row.file, "RGB", size))
            self.targets[index] = torch.from_numpy(make_targets(data, row, size))

        with ThreadPoolExecutor(2) as workers:
            list(workers.map(load, range(len(rows))))
        self.person_known = torch.tensor([float(row.knows_person) for row in rows])
        self.weights = np.array([SCENE_WEIGHT if row.is_scene else DRAW_WEIGHTS[row.folder] for row in rows])
        self.weights /= self.weights.sum()
        self.figures = np.flatnonzero([row.is_person and (row.is_exact or row.is_portrait) for row in rows])
        self.peopleless = np.flatnonzero([row.knows_person and not row.is_person for row in rows])

    def draw(self, rng: np.random.Generator, count: int) -> Batch:
        """`count` pictures as stored, drawn with the folders' weights."""
        index = torch.from_numpy(rng.choice(len(self.rows), count, replace=False, p=self.weights))
        targets = self.targets[index]
        return Batch(
            rgb=self.rgb[index].float() / 255,
            targets=targets.float() if self.costume else targets.float() / 255,
            person_known=self.person_known[index],
        )

    def draw_figures(self, rng: np.random.Generator, count: int, rooms: Tensor) -> Batch:
        """`count` people put into pictures that show nobody, or into `rooms` (R, 3, S, S) uint8; matte only.

        They teach what of a foreground is the person, and people who are small in their picture.
        """
        figure = torch.from_numpy(rng.choice(self.figures, count))
        host = torch.from_numpy(rng.choice(self.peopleless, count))
        hosts, subjects = self.rgb[host].float() / 255, self.targets[host, :1].float() / 255
        empty = torch.from_numpy(np.flatnonzero(rng.random(count) < FIGURE_ROOM_SHARE))
        hosts[empty] = rooms[torch.from_numpy(rng.integers(len(rooms), size=len(empty)))].float() / 255
        subjects[empty] = 0
        rgba = torch.cat([self.rgb[figure], self.targets[figure, 1:]], dim=1).float() / 255
        rgb, person = paste(rng, rgba, hosts)
        return Batch(rgb, torch.cat([torch.maximum(subjects, person), person], dim=1), torch.ones(count))


def move_some(rng: np.random.Generator, batch: Batch, rooms: Tensor) -> Batch:
    """MOVED_SHARE of the labelled people put before other grounds, bystanders left behind; costume only.

    rooms: (R, 3, S, S) uint8, S the pictures' side.
    """
    chosen = torch.from_numpy(np.flatnonzero(rng.random(len(batch.rgb)) < MOVED_SHARE))
    if not len(chosen):
        return batch
    room = rooms[torch.from_numpy(rng.integers(len(rooms), size=len(chosen)))].float() / 255
    # Labels end at a pixel; a lens does not.
    alpha = F.avg_pool2d((batch.targets[chosen] > 0).float(), 3, stride=1, padding=1)
    rgb = batch.rgb.clone()
    ground = grounds(rng, room, rgb.shape[-1], MOVED_TO_PLAIN_SHARE)
    rgb[chosen] = rgb[chosen] * alpha + ground * (1 - alpha)
    return Batch(rgb, batch.targets, batch.person_known)


class CutOuts:
    """Photographic cut-outs with true alpha, and rooms to put them in."""

    def __init__(self, data: Path, rows: list[Row], size: int) -> None:
        cut_outs = [row for row in rows if row.folder == "rgba"]
        rooms = [row for row in rows if row.folder == "backgrounds"]
        self.person = torch.tensor([float(row.is_person) for row in cut_outs])
        self.person_known = torch.tensor([float(row.knows_person) for row in cut_outs])
        self.rgba = torch.empty(len(cut_outs), 4, size, size, dtype=torch.uint8)
        for index, row in enumerate(cut_outs):
            self.rgba[index] = _channels_first(read_square(data / row.file, "RGBA", size))
        self.rooms = torch.stack([_channels_first(read_square(data / r.file, "RGB", size)) for r in rooms])

    def draw(self, rng: np.random.Generator, count: int) -> Batch:
        """`count` new composites at the stored size, with exact foreground alpha."""
        cut = torch.from_numpy(rng.integers(len(self.rgba), size=count))
        room = torch.from_numpy(rng.integers(len(self.rooms), size=count))
        rgb, alpha = composite(rng, self.rgba[cut].float() / 255, self.rooms[room].float() / 255)
        targets = torch.cat([alpha, alpha * self.person[cut].view(-1, 1, 1, 1)], dim=1)
        return Batch(rgb, targets, self.person_known[cut])

    def draw_shapes(self, rng: np.random.Generator, count: int) -> Batch:
        """`count` drawn shapes at the stored size, with exact foreground alpha and nobody in them."""
        drawn = [draw_picture(rng, self.rooms, self.rooms.shape[-1]) for _ in range(count)]
        alpha = torch.stack([alpha for _, alpha in drawn])
        return Batch(
            torch.stack([rgb for rgb, _ in drawn]), torch.cat([alpha, torch.zeros_like(alpha)], 1), torch.ones(count)
        )


def _channels_first(picture: np.ndarray) -> Tensor:
    return torch.from_numpy(picture.transpose(2, 0, 1).copy())


def augmented_batch(
    rng: np.random.Generator, pool: Pool, cut_outs: CutOuts, count: int, size: int, zoom: tuple[float, float]
) -> Batch:
    """`count` augmented training pictures of `size` px, a share of them composites.

    zoom: least and greatest share of the picture's side that a crop shows.
    """
    parts: list[Batch] = []
    if not pool.costume:
        composites = int(rng.binomial(count - 1, COMPOSITE_SHARE))
        figures = int(rng.binomial(count - 1 - composites, FIGURE_SHARE))
        shapes = int(rng.binomial(count - 1 - composites - figures, DRAWN_SHARE))
        parts += [cut_outs.draw(rng, composites)] if composites else []
        parts += [pool.draw_figures(rng, figures, cut_outs.rooms)] if figures else []
        parts += [cut_outs.draw_shapes(rng, shapes)] if shapes else []
    parts.append(pool.draw(rng, count - sum(len(part.rgb) for part in parts)))
    batch = Batch(
        torch.cat([part.rgb for part in parts]),
        torch.cat([part.targets for part in parts]),
        torch.cat([part.person_known for part in parts]),
    )
    if pool.costume:
        batch = move_some(rng, batch, cut_outs.rooms)
    plan = Warp.random(rng, count, zoom, degrees=20 if pool.costume else 8)
    rgb = Look(rng).apply(warp(batch.rgb, plan, size))
    targets = warp(batch.targets, plan, size, nearest=pool.costume)
    return Batch(rgb, targets, batch.person_known)
