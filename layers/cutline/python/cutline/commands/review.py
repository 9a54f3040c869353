"""`cutline review`: one HTML page for reviewing results."""

import argparse
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import Any

from cutline.batch.folders import LocalFolder
from cutline.batch.report import FILE as REPORT
from cutline.batch.report import ReportLine, read_report
from cutline.commands.arguments import all_profiles, declare, models_dir, network_options
from cutline.commands.failure import EXIT_STATUS, CommandFailed, interrupted_by_signals
from cutline.local_file import read_file
from cutline.review.page import FILE, choose_sample, render_page, worst_first

_EPILOG = f"""examples:
  cutline cut photos --out results --profile amazon-main
  cutline review results                    writes results/review.html
  cutline review results --open             the same with an editor, until Ctrl-C
  cutline review results --sample 200       200 at random, for cutline calibrate

{EXIT_STATUS}"""


def add_to(commands: Any) -> None:
    """Declare `review`."""
    text = "write an HTML page for reviewing results, worst first; it saves keep and redo as CSV"
    review = declare(commands, "review", text, _EPILOG, _run, network_options())
    review.add_argument("results", type=Path, metavar="FOLDER", help=f"folder of results with {REPORT}")
    review.add_argument("--report", type=Path, metavar="FILE", help=f"report (default: FOLDER/{REPORT})")
    review.add_argument("--sample", type=_count, metavar="N", help="review N results, chosen at random")
    review.add_argument("--open", action="store_true", help="serve the page on 127.0.0.1, with an editor (key e)")
    review.add_argument("--profiles", type=Path, metavar="FILE", help="your own profiles, for edited results")
    review.add_argument("--seed", type=int, default=1, metavar="N", help="seed of the random choice (default: 1)")


def _run(arguments: argparse.Namespace) -> None:
    report: Path = arguments.report or arguments.results / REPORT
    known = report_lines(report)
    lines = list(known.values())
    if arguments.sample:
        lines = choose_sample(lines, arguments.sample, arguments.seed)
    order = worst_first(lines)
    if arguments.open:
        _serve(arguments, report, known, [line.key for line in order])
        return
    page = render_page(order, report.parent, sampled=bool(arguments.sample))
    LocalFolder(report.parent).write(FILE, page.encode("utf-8", "surrogateescape"))
    print(f"{len(lines)} pictures: open {report.parent / FILE} in a browser")


def _serve(arguments: argparse.Namespace, report: Path, known: dict[str, ReportLine], order: list[str]) -> None:
    """Serve the page until Ctrl-C. Raises CommandFailed."""
    # Here, because only editing needs the networks and the pictures' libraries.
    from cutline.library import Cutter  # noqa: PLC0415
    from cutline.review.editor import Editor  # noqa: PLC0415
    from cutline.review.server import ReviewServer  # noqa: PLC0415

    cutter = Cutter(arguments.model, models=models_dir(arguments), threads=arguments.threads)
    editor = Editor(report, known, cutter, arguments.model, all_profiles(arguments.profiles))
    with ReviewServer(editor, order, report.parent, sampled=bool(arguments.sample)) as server:
        interrupted_by_signals()
        print(f"{len(order)} pictures: {server.address} (Ctrl-C ends it)", flush=True)
        webbrowser.open(server.address)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


def report_lines(report: Path) -> dict[str, ReportLine]:
    """Return a report's lines by their keys. Raises CommandFailed."""
    try:
        return read_report(read_file(report))
    except FileNotFoundError as error:
        hint = f"`cutline batch` writes it, and `cutline cut` with --profile or --report FOLDER/{REPORT}"
        raise CommandFailed(f"{report} not found: {hint}") from error
    except (OSError, ValueError) as error:
        raise CommandFailed(f"cannot read {report}: {error}") from error


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number above 0")
    return int(text)
