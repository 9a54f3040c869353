"""`cutline batch`: a folder of pictures through the tasks API."""

import argparse
import os
import signal
import threading
from collections import Counter
from typing import Any

from cutline.batch.client import TasksClient, Unrecoverable
from cutline.batch.finishing import as_it_came, as_profile_asks
from cutline.batch.folders import Folder, LocalFolder
from cutline.batch.progress_file import DONE, FAILED, Ledger
from cutline.batch.report import FILE as REPORT
from cutline.batch.run import BEFORE, FAILURES, Batch
from cutline.batch.s3_folder import S3Folder, open_folder
from cutline.commands.arguments import find_profile, framing_of, framing_options, profile_options
from cutline.commands.console import show_progress, tell
from cutline.commands.failure import EXIT_STATUS, CommandFailed, aws_errors_as_failures
from cutline.contracts import picwish

_EPILOG = f"""examples:
  cutline batch photos --out results --type object
  cutline batch s3://shop/new --out s3://shop/cut --format jpg --bg-color ffffff
  cutline batch photos --out amazon --profile amazon-main

Results get the pictures' names and an ending. Among them failures.csv lists what failed and why, and report.csv what is
known of each result, such as the verdict of each of the profile's rules.

{EXIT_STATUS}"""


def add_to(commands: Any) -> None:
    """Declares `batch`."""
    text = "cut out every picture of a folder; run it again to go on where it was interrupted"
    batch: argparse.ArgumentParser = commands.add_parser(
        "batch",
        help=text,
        description=text,
        epilog=_EPILOG,
        parents=[profile_options(), framing_options()],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    batch.set_defaults(run=_run, refuse=batch.error)
    batch.add_argument("source", metavar="FOLDER", help="a folder, or s3://bucket/prefix")
    batch.add_argument(
        "--out", required=True, metavar="FOLDER", help="where results go: a folder, or s3://bucket/prefix"
    )
    batch.add_argument("--url", default=os.environ.get("CUTLINE_URL"), help="address of the service (CUTLINE_URL)")
    batch.add_argument("--api-key", default=os.environ.get("CUTLINE_API_KEY"), metavar="KEY", help="(CUTLINE_API_KEY)")
    batch.add_argument("--concurrency", type=int, default=4, choices=range(1, 65), metavar="N", help="1..64 (4)")
    batch.add_argument("--type", choices=tuple(picwish.SUBJECTS), help="what to look for (auto)")
    batch.add_argument("--format", choices=("png", "jpg", "webp"), help="of the results (png)")
    batch.add_argument("--bg-color", metavar="RRGGBB", help="with jpg (ffffff) and webp (transparent)")
    batch.add_argument("--crop", action="store_const", const="1", help="cut to the subject's edges")
    batch.add_argument("--output-type", choices=("1", "2", "3"), help="1 picture and mask, 2 picture, 3 mask (2)")


@aws_errors_as_failures()
def _run(arguments: argparse.Namespace) -> None:
    if not arguments.url or not arguments.api_key:
        raise CommandFailed("--url and --api-key (or CUTLINE_URL and CUTLINE_API_KEY) are needed")
    source, target = open_folder(arguments.source), open_folder(arguments.out)
    _check(source, target)
    stop = threading.Event()
    client = TasksClient(arguments.url, arguments.api_key, stop)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)  # a nightly job is ended by the one, a person by the other
    profile = find_profile(arguments.profile, arguments.profiles) if arguments.profile else None
    finishing = as_profile_asks(profile) if profile else as_it_came
    batch = Batch(source, target, client, Ledger(target), _fields(arguments), finishing, repr(profile or ""))
    try:
        counts = batch.run(arguments.concurrency, stop, _progress)
    except KeyboardInterrupt:
        tell("interrupted; the same command goes on from here")
        raise
    except (Unrecoverable, OSError) as error:
        raise CommandFailed(f"stopped: {error}. The same command goes on from here") from error
    print(f"{counts.total()} pictures: {counts[DONE]} done, {counts[BEFORE]} done before, {counts[FAILED]} failed")
    if counts[FAILED]:
        raise CommandFailed(f"{counts[FAILED]} pictures failed, listed in {arguments.out.rstrip('/')}/{FAILURES}")
    missed = sum(line.passed == "no" for line in batch.lines.values())
    if missed:
        told = f"listed in {arguments.out.rstrip('/')}/{REPORT}"
        raise CommandFailed(f"{missed} pictures do not keep all rules of {arguments.profile}, {told}")


def _check(source: Folder, target: Folder) -> None:
    """Results among the pictures would be the next batch's pictures. Raises CommandFailed."""
    if isinstance(source, LocalFolder) and not source.root.is_dir():
        raise CommandFailed(f"{source.root} is no folder")
    if _lies_in(target, source):
        raise CommandFailed("--out must not lie in the folder of the pictures")


def _lies_in(inner: Folder, outer: Folder) -> bool:
    """Whether one folder is the other, or below it."""
    if isinstance(inner, LocalFolder) and isinstance(outer, LocalFolder):
        return inner.root.resolve().is_relative_to(outer.root.resolve())
    if isinstance(inner, S3Folder) and isinstance(outer, S3Folder):
        return inner.bucket == outer.bucket and inner.prefix.startswith(outer.prefix)
    return False


def _fields(arguments: argparse.Namespace) -> dict[str, str]:
    """The fields of the tasks API."""
    names = ("type", "roi", "format", "bg_color", "crop", "output_type")
    said = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    said |= framing_of(arguments)
    if arguments.profile and set(said) - {"type", "roi"}:
        arguments.refuse("--profile says all about ground, frame and format; --type and --roi alone go with it")
    return {"sync": "0", **said}


def _progress(counts: Counter[str], total: int) -> None:
    show_progress(counts.total(), total, counts[FAILED])
