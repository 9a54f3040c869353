"""Averages checkpoints of one network: `python -m training.soup matte FIRST SECOND [...] --share 0.5 --out FILE`.

Where SECOND was trained on from FIRST, a point between the two often generalises better than either
(https://arxiv.org/abs/2109.01903). With `--data` the share is chosen: each further checkpoint is mixed into the best so
far by each of SHARES, and what scores best on validation rows stays
(https://arxiv.org/abs/2203.05482). Tensors that FIRST lacks, of blocks added since, are SECOND's.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from torch import Tensor

from training.manifest import Row, data_folders, read_manifests, split_rows
from training.network import SegmentationNet, encoder_of, read_state
from training.pictures import Pool
from training.plan import OUTPUTS, Plan, validation_rows
from training.scores import quick_score
from training.train import new_net, save_weights

SHARES = (0.3, 0.5, 0.7, 0.85, 1.0)
State = dict[str, Tensor]


def averaged(first: State, second: State, share: float) -> State:
    """Average two states; `share` in [0, 1] is the weight of `second`.

    Its counters, and tensors that `first` lacks, are copied.
    """
    return {
        name: first[name].float().lerp(value.float(), share) if value.is_floating_point() and name in first else value
        for name, value in second.items()
    }


def filled(job: str, state: State) -> SegmentationNet:
    """The network of `job` with the weights `state`."""
    net = new_net(job, encoder_of(state))
    # An exported file lacks the auxiliary head and the norms' counters.
    net.load_state_dict(state, strict=False)
    return net


def chosen(job: str, states: list[State], pool: Pool) -> tuple[State, float]:
    """Mix in one checkpoint after the other; return the best mixture on `pool` and its score."""
    best = states[0]
    score, detail = quick_score(filled(job, best), pool)
    print(f"first: {score:.4f} {detail}", flush=True)
    for number, state in enumerate(states[1:], 2):
        start = best
        for share in SHARES:
            mixed = averaged(start, state, share)
            reached, detail = quick_score(filled(job, mixed), pool)
            print(f"checkpoint {number}, share {share}: {reached:.4f} {detail}", flush=True)
            if reached > score:
                best, score = mixed, reached
    return best, score


def rows_to_choose_by(job: str, rows: list[Row]) -> list[Row]:
    """Matte: the later sources' split, which chose no checkpoint. Costume, whose streets are all in the first: all."""
    return [row for row in validation_rows(job, rows) if job == "costume" or row.split == "val2"]


def main() -> None:
    """Averages as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", choices=sorted(OUTPUTS))
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--share", type=float, default=0.5, help="of the second, 0 to 1")
    parser.add_argument("--data", action="append", help="folder with manifest.csv: choose the share on its val2 rows")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    states = [read_state(path) for path in given.checkpoints]
    facts = {"share": given.share}
    if given.data:
        rows = rows_to_choose_by(given.job, split_rows(read_manifests(data_folders(given.data)))[1])
        pool = Pool(rows, Plan.final_size, given.job == "costume")
        state, facts["score"] = chosen(given.job, states, pool)
    else:
        state = averaged(states[0], states[1], given.share)
    save_weights(filled(given.job, state), given.out, facts)


if __name__ == "__main__":
    main()
