"""Averages two checkpoints of one network: `python -m training.soup matte FIRST SECOND --share 0.5 --out FILE`.

Where SECOND was trained on from FIRST, a point between the two often generalises better than either
(https://arxiv.org/abs/2109.01903). Tensors that FIRST lacks, of blocks added since, are SECOND's.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from training.train import OUTPUTS, new_net, save_weights


def averaged(first: dict[str, Tensor], second: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """`second` counts for `share` in [0, 1]; its counters, and tensors that `first` lacks, are taken as they are."""
    return {
        name: first[name].float().lerp(value.float(), share) if value.is_floating_point() and name in first else value
        for name, value in second.items()
    }


def main() -> None:
    """Averages as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", choices=sorted(OUTPUTS))
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--share", type=float, default=0.5, help="of the second, 0 to 1")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    first, second = (
        torch.load(path, map_location="cpu", weights_only=True)["weights"] for path in (given.first, given.second)
    )
    net = new_net(given.job)
    net.load_state_dict(averaged(first, second, given.share))
    save_weights(net, given.out, {"share": given.share})


if __name__ == "__main__":
    main()
