"""`cutline learn`: a network tuned on the results that were mended or kept."""

import argparse
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cutline import resources
from cutline.batch.report import FILE as REPORT
from cutline.commands.arguments import all_profiles, declare, models_dir, network_options
from cutline.commands.console import print_message, show_progress
from cutline.commands.failure import EXIT_STATUS, CommandFailed
from cutline.commands.review import report_lines
from cutline.errors import MattingError
from cutline.learn import tuning
from cutline.learn.entry import entry_text, read_name, write_network
from cutline.learn.judge import Verdict, judge_drawn, judge_pairs
from cutline.learn.pairs import Lines, Pair, read_decided, read_pairs, read_photograph, sort_lines
from cutline.local_file import read_file
from cutline.pipeline.filters import U8
from cutline.pipeline.inference.model_config import MODELS_FILE, ModelEntry, names_with, read_entry
from cutline.pipeline.inference.network import Network
from cutline.review.remake import NotEditable

DECISIONS = "decisions.csv"
MIN_LEARNED, MIN_HELD_BACK = 16, 6
# What fits into 2 GB, and is more than minutes can use.
MAX_PICTURES, MAX_OTHERS = 1000, 200
MINUTES = (0.01, 600.0)
_EPILOG = f"""examples:
  cutline review results --open             mend or keep results, save {DECISIONS} into results
  cutline learn results --minutes 20        tunes the network on them, judges it, writes results/networks
  cutline cut new --out cut --models results/networks --model shop

One accepted result in four is held back, by the photograph's content. The network is written only if it cuts those
better than before, and loses next to nothing on drawn pictures.

{EXIT_STATUS}"""


def add_to(commands: Any) -> None:
    """Declare `learn`."""
    text = "tune the network on the results that were mended or kept (needs PyTorch)"
    learn = declare(commands, "learn", text, _EPILOG, _run, network_options())
    learn.add_argument("results", type=Path, metavar="FOLDER", help=f"folder of results with {REPORT}")
    learn.add_argument("--decisions", type=Path, metavar="CSV", help=f"the page's CSV (default: FOLDER/{DECISIONS})")
    learn.add_argument("--minutes", type=_minutes, default=20.0, metavar="N", help="of the threads' work (default: 20)")
    learn.add_argument("--name", type=_name, default="shop", help="of the new entry (default: shop)")
    learn.add_argument(
        "--to", type=Path, metavar="DIR", help=f"folder of {MODELS_FILE} to write to (default: FOLDER/networks)"
    )
    learn.add_argument("--profiles", type=Path, metavar="FILE", help="your own profiles, of the results")


def _run(arguments: argparse.Namespace) -> None:
    source = models_dir(arguments)
    target: Path = arguments.to or arguments.results / "networks"
    base = _base(source, arguments.model)
    _check_name(arguments.name, source, target)
    lines = _lines(arguments)
    if not tuning.is_installed():
        extra = "pip install 'cutline[learn]'" if resources.is_installed() else "run it in .venv-training (make help)"
        raise CommandFailed(f"packages that learning needs are missing: {extra}")
    try:
        network = Network.open(source, arguments.model, arguments.threads)
        with tempfile.TemporaryDirectory(prefix="cutline-learn-") as folder:
            work = Path(folder)
            held_back = _write_pictures(work, arguments, lines, network)
            _tune(work, base.path, arguments)
            share, verdict = _judged(work, base, held_back, network, arguments.threads)
            print("\n".join(verdict.lines))
            if verdict.forgets or not verdict.wins:
                what = "forgets too much" if verdict.forgets else "is not better on the pairs held back"
                raise CommandFailed(f"the tuned network {what}; nothing was written")
            entry = entry_text(base, arguments.name)
            write_network(target, source, arguments.name, entry, (work / f"tuned-{share}.onnx").read_bytes())
    except MattingError as error:
        raise CommandFailed(error.detail) from error
    print(f"{target / arguments.name}.onnx: {share} % of the way to the tuned weights; the entry [{arguments.name}]")


def _base(source: Path, name: str) -> ModelEntry:
    """Return the entry that is tuned. Raises CommandFailed for a network of another form."""
    try:
        base = read_entry(source, name)
    except MattingError as error:
        raise CommandFailed(error.detail) from error
    known = read_entry(resources.models_dir(), "matte")
    form = ("input", "output", "channels", "height", "width", "letterbox", "white", "mean", "std", "activation")
    if any(getattr(base, key) != getattr(known, key) for key in form):
        raise CommandFailed(f"only `matte` and what was learned from it can be tuned, not {name!r}")
    return base


def _check_name(name: str, source: Path, target: Path) -> None:
    """Raise CommandFailed for a name that a network has which was not learned."""
    shipped = names_with(resources.models_dir(), "foreground")
    known = names_with(target) if (target / MODELS_FILE).is_file() else names_with(source)
    owner = target if (target / MODELS_FILE).is_file() else source
    if name in shipped or (name in known and read_entry(owner, name).path.name != f"{name}.onnx"):
        raise CommandFailed(f"--name {name}: there is a network of that name that was not learned")


def _lines(arguments: argparse.Namespace) -> Lines:
    """Return the accepted results and the others. Raises CommandFailed."""
    report = report_lines(arguments.results / REPORT)
    file = arguments.decisions or arguments.results / DECISIONS
    try:
        decided = read_decided(read_file(file)) if arguments.decisions or file.exists() else {}
    except (OSError, ValueError) as error:
        raise CommandFailed(f"cannot read {file}: {error}") from error
    lines = sort_lines(report.values(), decided)
    if not lines.mended:
        raise CommandFailed("no result was mended, so there is nothing to learn: `cutline review FOLDER --open`")
    _check_count(len(lines.accepted), MIN_LEARNED + MIN_HELD_BACK, "accepted")
    return lines


def _check_count(count: int, needed: int, what: str) -> None:
    if count < needed:
        raise CommandFailed(f"{count} {what} results are too few, at least {needed} are needed: mend or keep more")


def _write_pictures(work: Path, arguments: argparse.Namespace, lines: Lines, network: Network) -> list[Pair]:
    """Write the pictures to learn from, and return the pairs held back. Raises CommandFailed and ServiceFault."""
    learned: list[tuple[U8, U8]] = []
    held_back: list[Pair] = []
    profiles = all_profiles(arguments.profiles)
    accepted = lines.accepted[:MAX_PICTURES]
    for number, found in enumerate(read_pairs(accepted, arguments.results, network, profiles), 1):
        show_progress(number, len(accepted), number - len(learned) - len(held_back) - 1)
        if isinstance(found, str):
            print_message(f"left out: {found}")
        elif found.held_back:
            held_back.append(found)
        else:
            learned.append((tuning.squashed(found.picture.rgb_u8), tuning.squashed(found.alpha_u8)))
    _check_count(len(learned), MIN_LEARNED, "accepted")
    _check_count(len(held_back), MIN_HELD_BACK, "held back")
    others = []
    for line in lines.others[:MAX_OTHERS]:
        try:
            picture, judges = read_photograph(line)
            if not judges:
                others.append(tuning.squashed(picture.rgb_u8))
        except (NotEditable, MattingError, OSError):
            continue  # it is one of many
    tuning.write_pictures(work, learned, others)
    print(f"{lines.mended} mended, {len(learned)} to learn from, {len(held_back)} held back, {len(others)} others")
    return held_back


def _tune(work: Path, start: Path, arguments: argparse.Namespace) -> None:
    try:
        for progress in tuning.tune(work, start, arguments.minutes, arguments.threads):
            show_progress(round(100 * min(progress, 1.0)), 100, 0)
    except tuning.TuningFailed as error:
        raise CommandFailed(f"training ended with an error: {error}") from error


def _judged(work: Path, base: ModelEntry, pairs: list[Pair], network: Network, threads: int) -> tuple[int, Verdict]:
    """Return the furthest share of the way that forgets little, or the shortest, and its verdict. Raises ServiceFault.

    Forgetting is measured from the installed network, so that it does not add up from one learning to the next.
    """
    drawn = tuning.read_sheet(work)
    known = judge_drawn(Network.open(resources.models_dir(), "matte", threads), *drawn)
    before = judge_pairs(network, pairs)
    for share in tuning.SHARES:
        name = f"tuned-{share}"
        (work / MODELS_FILE).write_text(entry_text(base, name), "utf-8")
        tuned = Network.open(work, name, threads)
        verdict = Verdict((before, before), (known, judge_drawn(tuned, *drawn)))
        if not verdict.forgets or share == tuning.SHARES[-1]:
            break
    return share, Verdict((before, judge_pairs(tuned, pairs)), verdict.sheet)


def _checked(reader: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return reader(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read


def _read_minutes(text: str) -> float:
    low, high = MINUTES
    value = float(text)
    if not (math.isfinite(value) and low <= value <= high):
        raise ValueError(f"must be in {low}..{high}")
    return value


_minutes, _name = _checked(_read_minutes), _checked(read_name)
