"""Programs that measure: speed, load, faults, hostile files, and what ships. Each runs as `python -m tools.NAME`."""

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
# What PYTHONPATH holds in the Makefile, for a program that is started without it.
_FOLDERS = [str(_ROOT / folder) for folder in ("layers/cutline/python", "endpoint", "layers/model")]
sys.path[:0] = [folder for folder in _FOLDERS if folder not in sys.path]
