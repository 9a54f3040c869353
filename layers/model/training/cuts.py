"""Parts of a figure, as catalogues show them: what a full figure's picture is cut to, to see how half ones fare."""

from __future__ import annotations

import numpy as np

# Shares of the figure's height, from the top, that a cut picture shows.
CUTS = {"whole": (0.0, 1.0), "upper half": (0.0, 0.5), ".10 to .45": (0.1, 0.45), "below .40": (0.4, 1.0)}
# Background left on both sides of a cut figure, as a share of its height.
CUT_MARGIN = 0.15


def cut_figure(truth: np.ndarray, cut: tuple[float, float]) -> tuple[int, int, int, int]:
    """Return the box (left, top, right, bottom) that shows the part `cut` of the figure's height. truth: (H, W)."""
    if cut == CUTS["whole"]:
        return 0, 0, truth.shape[1], truth.shape[0]
    lines, columns = np.flatnonzero((truth > 0).any(axis=1)), np.flatnonzero((truth > 0).any(axis=0))
    height = lines[-1] + 1 - lines[0]
    margin = round(CUT_MARGIN * height)
    top, bottom = (int(lines[0] + share * height) for share in cut)
    return max(0, int(columns[0]) - margin), top, min(truth.shape[1], int(columns[-1]) + 1 + margin), bottom
