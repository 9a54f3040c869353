"""`cutline review`: one HTML page for reviewing results."""

import argparse
from pathlib import Path
from typing import Any

from cutline.batch.folders import LocalFolder
from cutline.batch.report import FILE as REPORT
from cutline.batch.report import ReportLine, read_report
from cutline.commands.failure import EXIT_STATUS, CommandFailed
from cutline.local_file import read_file
from cutline.review.page import FILE, choose_sample, render_page, worst_first

_EPILOG = f"""examples:
  cutline cut photos --out results --profile amazon-main
  cutline review results                    writes results/review.html
  cutline review results --sample 200       200 at random, for cutline calibrate

{EXIT_STATUS}"""


def add_to(commands: Any) -> None:
    """Declare `review`."""
    text = "write an HTML page for reviewing results, worst first; it saves keep and redo as CSV"
    review: argparse.ArgumentParser = commands.add_parser(
        "review",
        help=text,
        description=text,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    review.set_defaults(run=_run)
    review.add_argument("results", type=Path, metavar="FOLDER", help=f"folder of results with {REPORT}")
    review.add_argument("--report", type=Path, metavar="FILE", help=f"report (default: FOLDER/{REPORT})")
    review.add_argument("--sample", type=_count, metavar="N", help="review N results, chosen at random")
    review.add_argument("--seed", type=int, default=1, metavar="N", help="seed of the random choice (default: 1)")


def _run(arguments: argparse.Namespace) -> None:
    report: Path = arguments.report or arguments.results / REPORT
    lines = list(_lines(report).values())
    if arguments.sample:
        lines = choose_sample(lines, arguments.sample, arguments.seed)
    page = render_page(worst_first(lines), report.parent, sampled=bool(arguments.sample))
    LocalFolder(report.parent).write(FILE, page.encode("utf-8", "surrogateescape"))
    print(f"{len(lines)} pictures: open {report.parent / FILE} in a browser")


def _lines(report: Path) -> dict[str, ReportLine]:
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
