"""Cutline's whole pipeline, bytes to bytes: cutline_worker.py MODEL."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "layers" / "cutline" / "python"))

from cutline.limits import MIB, PictureLimits  # noqa: E402
from cutline.pipeline.codecs.decode import decode_image  # noqa: E402
from cutline.pipeline.inference.network import Network  # noqa: E402
from cutline.pipeline.options import CutOptions  # noqa: E402
from cutline.pipeline.outputs.files import make_files  # noqa: E402
from cutline.pipeline.timing import StageTimer  # noqa: E402

limits = PictureLimits(frozenset({"JPEG", "PNG"}), 64 * MIB)
network = Network.open(ROOT / "layers" / "model", sys.argv[1], len(os.sched_getaffinity(0)))
for line in sys.stdin:
    source, target = line.rstrip("\n").split("\t")
    cutout = make_files(decode_image(Path(source).read_bytes(), limits), CutOptions(), network, StageTimer())
    Path(target).write_bytes(cutout.image)
    print("done", flush=True)
