"""The files of the command line, fuzzed through the commands' own readers."""

import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from hypothesis import strategies as st

from cutline.batch.folders import LocalFolder
from cutline.batch.progress_file import Ledger
from cutline.batch.report import read_report
from cutline.commands.failure import CommandFailed
from cutline.commands.find_usage import usages_in
from cutline.commands.sam_project import read_samconfig
from cutline.errors import MattingError
from cutline.pipeline.inference.model_config import MODELS_FILE, names_with, read_entry
from cutline.pipeline.outputs.profiles import BUILT_IN, read_profiles
from cutline.resources import models_dir
from cutline.review.decisions import read_decisions
from cutline.review.page import render_page, worst_first
from cutline.review.threshold import find_threshold
from tools.trust.damage import damaged
from tools.trust.target import LIMIT_S, Target


def file(named: tuple[str, bytes]) -> None:
    """Read a file of the command line, by the command's own reader."""
    (name, data), begun = named, time.process_time()
    with suppress(ValueError, CommandFailed, MattingError), tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        COMMAND_FILES[name][1](path)
    assert time.process_time() - begun < LIMIT_S


def _read_models(path: Path) -> None:
    for name in names_with(path.parent):
        read_entry(path.parent, name)


def _review(path: Path) -> None:
    render_page(worst_first(read_report(path.read_bytes()).values()), path.parent, sampled=False)


# Of the command line: a true content, and its reader.
COMMAND_FILES: Mapping[str, tuple[bytes, Callable[[Path], object]]] = {
    "report.csv": (b"picture,result,confidence,verdicts\n/in/a.png,a.png.png,0.5,x: 1; y: 2\n", _review),
    "decisions.csv": (
        b"picture,result,confidence,decision,sampled\na,b,0.5,keep,yes\n",
        lambda path: find_threshold(read_decisions(path.read_bytes()), 0.02, 0.95),
    ),
    ".cutline-batch.json": (b'{"a.png": {"mark": "x", "attempt": 1}}', lambda path: Ledger(LocalFolder(path.parent))),
    "profiles.toml": (BUILT_IN.read_bytes(), read_profiles),
    "models.toml": ((models_dir() / MODELS_FILE).read_bytes(), _read_models),
    "samconfig.toml": (b'[default.deploy.parameters]\nparameter_overrides = "Model=matte A=\\"1\\""\n', read_samconfig),
    "code.py": (
        b'import removebg\npost("https://api.remove.bg/v1.0/removebg", AILabClient("x"))\n',
        lambda path: [usages_in(line) for line in path.read_bytes().decode("utf-8", "replace").splitlines()],
    ),
}
_FILE_NAMES = st.sampled_from(sorted(COMMAND_FILES))
_FILES = _FILE_NAMES.flatmap(
    lambda name: st.tuples(st.just(name), damaged(COMMAND_FILES[name][0]) | st.binary(max_size=200))
)


TARGET = Target(file, {"named": _FILES}, 300)
