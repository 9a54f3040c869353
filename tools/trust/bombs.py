"""Small files that ask for much: what each costs the decoder, measured and bounded.

    python -m tools.trust.bombs        prints the table

All are decoded in one process of its own, whose peak memory is set back before each.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cutline.errors import MattingError
from cutline.limits import MIB, PictureLimits
from cutline.pipeline.codecs.decode import decode_image
from tools.trust.bomb_files import BOMBS

LIMITS = PictureLimits(frozenset({"AVIF", "JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF"}), 15 * MIB)
# 18 bytes per pixel of the largest picture, and something to breathe; an honest WEBP of 4096 x 4096 needs that too.
PEAK_LIMIT_MIB = 18 * 16 + 64
CPU_LIMIT_S = 15.0


def measure() -> Iterator[dict[str, Any]]:
    """What became of each bomb, its CPU seconds and by how many MiB the peak rose above what was there before."""
    for name, make in BOMBS.items():
        data = make()
        Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak starts again at the present size
        before, begun = _memory_kib("VmRSS"), time.process_time()
        try:
            decode_image(data, LIMITS)
            outcome = "decoded"
        except MattingError as error:
            outcome = str(error.reason)
        seconds, peak = time.process_time() - begun, (_memory_kib("VmHWM") - before) // 1024
        yield {"bomb": name, "bytes": len(data), "outcome": outcome, "cpu_s": round(seconds, 2), "peak_mib": peak}
        del data


def measured() -> list[dict[str, Any]]:
    """The measurement, taken in a fresh process."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    command = [sys.executable, "-m", "tools.trust.bombs", "--json"]
    done = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "PYTHONPATH": path})
    return [json.loads(line) for line in done.stdout.splitlines()]


def _memory_kib(name: str) -> int:
    status = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith(f"{name}:"))


def main() -> None:
    """Prints a table, or with --json a line per bomb."""
    if "--json" in sys.argv:
        for row in measure():
            print(json.dumps(row), flush=True)
        return
    print(f"{'bomb':<44}{'bytes':>10}  {'outcome':<22}{'CPU s':>7}{'peak MiB':>10}")
    for row in measured():
        print(f"{row['bomb']:<44}{row['bytes']:>10}  {row['outcome']:<22}{row['cpu_s']:>7.2f}{row['peak_mib']:>10}")


if __name__ == "__main__":
    main()
