"""`cutline bench`: the time of each stage of the pipeline on this machine."""

import argparse
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cutline.commands.arguments import models_dir, network_options
from cutline.commands.failure import CommandFailed
from cutline.errors import MattingError
from cutline.limits import LOCAL_LIMITS
from cutline.local_file import read_file

_SIDE_RANGE = range(64, 8193)


def add_to(commands: Any) -> None:
    """Declare `bench`."""
    text = "time the pipeline's stages on pictures, or on a generated one"
    bench: argparse.ArgumentParser = commands.add_parser(
        "bench", help=text, description=text, parents=[network_options()]
    )
    bench.set_defaults(run=_run)
    bench.add_argument("pictures", nargs="*", type=Path, metavar="FILE", help="pictures (default: a generated one)")
    bench.add_argument(
        "--side", type=_side, default=1024, metavar="PX", help="side of the generated picture in pixels (default: 1024)"
    )
    bench.add_argument("--runs", type=int, choices=range(1, 101), default=5, metavar="N", help="1..100 (default: 5)")


def _run(arguments: argparse.Namespace) -> None:
    from cutline.pipeline.inference.network import Network  # noqa: PLC0415 (the networks' libraries)

    try:
        network = Network.open(models_dir(arguments), arguments.model, arguments.threads)
        print(f"{arguments.model}, {arguments.threads} threads; wall ms, median of {arguments.runs} after a warm-up")
        for index, (name, data) in enumerate(_pictures(arguments)):
            times = [_times(data, network) for _ in range(arguments.runs + 1)][1:]
            if index == 0:
                print(f"{'picture':24}" + "".join(f"{stage:>12}" for stage in times[0]))
            print(f"{name:24.24}" + "".join(f"{statistics.median(run[s] for run in times):12.1f}" for s in times[0]))
    except MattingError as error:
        raise CommandFailed(error.detail or str(error)) from error


def _times(data: bytes, network: Any) -> dict[str, float]:
    """Return the milliseconds of each stage, and their sum."""
    from cutline.pipeline.codecs.decode import decode_image  # noqa: PLC0415
    from cutline.pipeline.options import CutOptions  # noqa: PLC0415
    from cutline.pipeline.outputs.files import make_files  # noqa: PLC0415
    from cutline.pipeline.timing import StageTimer  # noqa: PLC0415

    timer = StageTimer()
    with timer.stage("decode"):
        picture = decode_image(data, LOCAL_LIMITS)
    make_files(picture, CutOptions(), network, timer)
    return {**timer.stages_ms, "total": timer.total_ms}


def _pictures(arguments: argparse.Namespace) -> Iterator[tuple[str, bytes]]:
    if not arguments.pictures:
        yield f"generated, {arguments.side} px", _generate(arguments.side)
    for path in arguments.pictures:
        try:
            yield path.name, read_file(path)
        except OSError as error:
            raise CommandFailed(f"{path}: {error.strerror}") from error


def _generate(side: int) -> bytes:
    """Draw a JPEG with a soft subject on a noisy background: as much work for the codecs as a photograph."""
    import numpy as np  # noqa: PLC0415

    from cutline.pipeline.codecs.encode import encode_jpeg  # noqa: PLC0415

    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j].astype(np.float32)
    alpha = np.clip((0.55 - np.hypot(x, y)) * 20 + 0.5, 0, 1)[..., None]
    background = np.stack([150 + 40 * x, 160 + 30 * y, 170 - 40 * x], axis=-1)
    subject = np.stack([200 + 30 * y, 90 + 50 * x * y, 60 - 30 * y], axis=-1)
    noise = np.random.default_rng(1).normal(0, 5, (side, side, 1))
    return encode_jpeg(np.clip(alpha * subject + (1 - alpha) * background + noise, 0, 255).astype(np.uint8))


def _side(text: str) -> int:
    if not text.isdigit() or int(text) not in _SIDE_RANGE:
        raise argparse.ArgumentTypeError(f"must be in {_SIDE_RANGE[0]}..{_SIDE_RANGE[-1]}")
    return int(text)
