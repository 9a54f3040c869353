"""rembg with its own code for IS-Net or U2-Net: rembg_worker.py WEIGHTS."""

import os
import sys
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = str(len(os.sched_getaffinity(0)))

import rembg  # type: ignore[import-not-found]

kind = "dis_custom" if "isnet" in Path(sys.argv[1]).name else "u2net_custom"
session = rembg.new_session(kind, model_path=sys.argv[1])
for line in sys.stdin:
    source, target = line.rstrip("\n").split("\t")
    Path(target).write_bytes(rembg.remove(Path(source).read_bytes(), session=session))
    print("done", flush=True)
