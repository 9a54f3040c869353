"""Where further things of the subject's kind stand in its background, as in a shop's row of chairs. Needs no PyTorch.

The subject is in front of them, larger and whole; a network that has seen every chair of a picture marked keeps parts
of all of them.
"""

from __future__ import annotations

import numpy as np

# Shares of the picture's side that a neighbour's own picture takes, and of the subject's area its area at most.
SCALE = (0.25, 0.7)
MAX_AREA = 0.4
MAX_NEIGHBOURS = 3
# How often the frame cuts a neighbour, and how often one is the subject's own copy.
CUT_SHARE = 0.5
SAME_SHARE = 0.4
# Centres of the neighbours in [-1, 1]: what stands further away stands higher.
CENTRE_DOWN = (-0.7, 0.3)


def placements(rng: np.random.Generator, subject_areas: np.ndarray, neighbour_areas: np.ndarray) -> np.ndarray:
    """Draw (N, 2, 3) float32 maps from output to input coordinates, of one neighbour for each of N subjects.

    subject_areas, neighbour_areas: (N,) shares of their pictures that they cover. `affine_grid` takes the maps.
    """
    count = len(subject_areas)
    largest = np.sqrt(MAX_AREA * subject_areas / np.maximum(neighbour_areas, 1e-3))
    scale = np.minimum(rng.uniform(*SCALE, count), largest)
    # The middle of one that the frame cuts lies close to the frame.
    edge = 1 - rng.uniform(-0.1, 0.5, count) * scale
    across = np.where(rng.random(count) < CUT_SHARE, rng.choice([-1, 1], count) * edge, rng.uniform(-0.9, 0.9, count))
    centre = np.stack([across, rng.uniform(*CENTRE_DOWN, count)], axis=1)
    mirror = np.stack([rng.choice([-1.0, 1.0], count), np.ones(count)], axis=1)
    theta = np.zeros((count, 2, 3), np.float32)
    theta[:, [0, 1], [0, 1]] = mirror / scale[:, None]
    theta[:, :, 2] = -centre * mirror / scale[:, None]
    return theta


def partners(
    rng: np.random.Generator, chosen: np.ndarray, kinds: dict[str, np.ndarray], kind_of: list[str]
) -> np.ndarray:
    """Draw one row of the same kind for each of the rows `chosen` (N,); SAME_SHARE of them are the rows themselves."""
    other = np.array([rng.choice(kinds[kind_of[row]]) for row in chosen], np.int64)
    same = rng.random(len(chosen)) < SAME_SHARE
    return np.where(same, chosen, other)
