"""`cutline batch`: a folder of pictures through the tasks API."""

import argparse
import os
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from cutline.batch.client import TasksClient, Unrecoverable
from cutline.batch.finishing import by_profile, unchanged
from cutline.batch.folders import Folder, LocalFolder
from cutline.batch.progress_file import DONE, FAILED, Ledger
from cutline.batch.report import FILE as REPORT
from cutline.batch.report import read_report
from cutline.batch.run import BEFORE, FAILURES, Batch
from cutline.batch.s3_folder import S3Folder, open_folder
from cutline.batch.zip_file import write_zip
from cutline.commands.arguments import (
    check_address,
    declare,
    find_profile,
    finish_options,
    framing_of,
    framing_options,
    profile_options,
)
from cutline.commands.console import print_message, show_progress
from cutline.commands.failure import EXIT_STATUS, CommandFailed, aws_errors_as_failures, interrupted_by_signals
from cutline.contracts import picwish, task_record
from cutline.errors import InputRefused
from cutline.local_file import read_file, real_path
from cutline.pipeline.codecs.decode import decode_image
from cutline.pipeline.finish.options import Shadow, read_background, read_shadow
from cutline.pipeline.options import METADATA_MODES

_EPILOG = f"""examples:
  cutline batch photos --out results --type object
  cutline batch s3://shop/new --out s3://shop/cut --format jpg --bg-color ffffff
  cutline batch photos --out amazon --profile amazon-main
  cutline batch photos --out results --zip results.zip
  cutline batch photos --out results --background table.jpg --shadow drop

Results have the names of the pictures with an ending added. failures.csv lists the failed pictures with the reason,
report.csv the details of each result, such as its confidence and whether it meets each rule of the profile.

{EXIT_STATUS}"""


def add_to(commands: Any) -> None:
    """Declare `batch`."""
    text = "cut out every picture in a folder with a deployed service; run it again to resume"
    batch = declare(commands, "batch", text, _EPILOG, _run, profile_options(), framing_options(), finish_options())
    batch.add_argument("source", metavar="FOLDER", help="folder of pictures, or s3://bucket/prefix")
    batch.add_argument("--out", required=True, metavar="FOLDER", help="folder for results, or s3://bucket/prefix")
    batch.add_argument("--url", default=os.environ.get("CUTLINE_URL"), help="URL of the service (default: CUTLINE_URL)")
    batch.add_argument(
        "--api-key", default=os.environ.get("CUTLINE_API_KEY"), metavar="KEY", help="(default: CUTLINE_API_KEY)"
    )
    batch.add_argument(
        "--concurrency",
        type=int,
        default=4,
        choices=range(1, 65),
        metavar="N",
        help="1..64 (default: 4)",
    )
    batch.add_argument("--type", choices=tuple(picwish.SUBJECTS), help="subject to cut out (default: auto)")
    batch.add_argument("--format", choices=("png", "jpg", "webp", "avif"), help="format of the results (default: png)")
    batch.add_argument(
        "--bg-color", metavar="RRGGBB", help="background of jpg (default: ffffff), webp and avif (default: none)"
    )
    batch.add_argument("--crop", action="store_const", const="1", help="crop to the subject")
    batch.add_argument(
        "--zip", type=Path, metavar="FILE", help="also write all results into one zip on this machine, with the reports"
    )
    batch.add_argument("--output-type", choices=("1", "2", "3"), help="1 both, 2 picture, 3 mask (default: 2)")


@aws_errors_as_failures()
def _run(arguments: argparse.Namespace) -> None:
    if not arguments.url or not arguments.api_key:
        raise CommandFailed("--url and --api-key, or CUTLINE_URL and CUTLINE_API_KEY, are required")
    _check_service(arguments.url, arguments.api_key)
    source, target = open_folder(arguments.source), open_folder(arguments.out)
    _check(source, target)
    if arguments.zip and (arguments.zip.is_dir() or not arguments.zip.parent.is_dir()):
        raise CommandFailed(f"--zip: {arguments.zip} is not a file in a folder that exists")
    batch, counts = _work(arguments, source, target)
    if arguments.zip:
        _write_zip(arguments, source, target)
    print(f"{counts.total()} pictures: {counts[DONE]} done, {counts[BEFORE]} done earlier, {counts[FAILED]} failed")
    if counts[FAILED]:
        raise CommandFailed(f"{counts[FAILED]} pictures failed; see {arguments.out.rstrip('/')}/{FAILURES}")
    missed = sum(line.passed == "no" for line in batch.lines.values())
    if missed:
        report = f"{arguments.out.rstrip('/')}/{REPORT}"
        raise CommandFailed(f"{missed} pictures do not meet all rules of {arguments.profile}; see {report}")


def _work(arguments: argparse.Namespace, source: Folder, target: Folder) -> tuple[Batch, Counter[str]]:
    """Cut out every picture and count the outcomes. Raises CommandFailed for what ends a batch early."""
    stop = threading.Event()
    client = TasksClient(arguments.url, arguments.api_key, stop)
    interrupted_by_signals()
    profile = find_profile(arguments.profile, arguments.profiles) if arguments.profile else None
    finishing = by_profile(profile, _shadow(arguments), arguments.metadata) if profile else unchanged
    recipe = repr((profile, arguments.shadow) if profile else "")
    fields, backdrop = _fields(arguments)
    try:
        batch = Batch(source, target, client, Ledger(target), fields, finishing, recipe, backdrop)
        return batch, batch.run(arguments.concurrency, stop, _progress)
    except KeyboardInterrupt:
        print_message("interrupted; run the same command to resume")
        raise
    except ValueError as error:
        raise CommandFailed(f"{arguments.out}: {error}") from error
    except (Unrecoverable, OSError) as error:
        raise CommandFailed(f"stopped: {error}; run the same command to resume") from error


def _write_zip(arguments: argparse.Namespace, source: Folder, target: Folder) -> None:
    """Write the results of the source's pictures, of this run and earlier ones. Raises CommandFailed."""
    pictures = {source.address(name) for name in source.pictures()}
    try:
        known = read_report(target.find(REPORT) or b"").values()
        lines = [line for line in known if line.picture in pictures]
        count = write_zip(arguments.zip, target, lines, (FAILURES,), masks=arguments.output_type == "1")
    except (OSError, ValueError) as error:
        raise CommandFailed(f"cannot write {arguments.zip}: {error}; run the same command again") from error
    print(f"{arguments.zip}: {count} results")


def _check_service(url: str, api_key: str) -> None:
    """Raise CommandFailed for a URL or key that no request can carry."""
    check_address("--url", url)
    if not api_key.isascii() or not api_key.isprintable():
        raise CommandFailed("--api-key must be printable ASCII characters")


def _check(source: Folder, target: Folder) -> None:
    """Raise CommandFailed if results would be among the pictures, and so be the next run's pictures."""
    if isinstance(source, LocalFolder) and not source.root.is_dir():
        raise CommandFailed(f"{source.root} is not a folder")
    if _lies_in(target, source):
        raise CommandFailed("--out must be outside the folder of the pictures")


def _lies_in(inner: Folder, outer: Folder) -> bool:
    """Return whether `inner` is `outer`, or below it."""
    if isinstance(inner, LocalFolder) and isinstance(outer, LocalFolder):
        return real_path(inner.root).is_relative_to(real_path(outer.root))
    if isinstance(inner, S3Folder) and isinstance(outer, S3Folder):
        return inner.bucket == outer.bucket and inner.prefix.startswith(outer.prefix)
    return False


def _fields(arguments: argparse.Namespace) -> tuple[dict[str, str], bytes | None]:
    """Return the fields of the tasks API, and the file of a background picture."""
    names = ("type", "roi", "format", "bg_color", "crop", "output_type")
    fields = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    background, backdrop = _background(arguments)
    fields |= framing_of(arguments) | background
    if arguments.profile and (backdrop is not None or set(fields) - {"type", "roi"}):
        arguments.refuse(
            "--profile sets background, framing and format; combine it only with --type, --roi, --metadata and "
            "--shadow drop"
        )
    if arguments.shadow and not arguments.profile:
        fields["shadow"] = arguments.shadow
    if arguments.metadata != METADATA_MODES[0]:
        fields["metadata"] = arguments.metadata
    if arguments.depth != "8":
        if arguments.profile:
            arguments.refuse("--depth 16 cannot be combined with --profile")
        fields["depth"] = arguments.depth
    return {"sync": "0", **fields}, backdrop


def _background(arguments: argparse.Namespace) -> tuple[dict[str, str], bytes | None]:
    """Return the fields of the background, and its file. Raises CommandFailed for what is no background or picture."""
    if arguments.behind is None:
        if arguments.background_fit:
            arguments.refuse("--background-fit needs --background")
        return {}, None
    fit = {"background_fit": arguments.background_fit} if arguments.background_fit else {}
    try:
        read_background(arguments.behind)
    except ValueError as error:
        file = Path(arguments.behind)
        if not file.is_file():
            raise CommandFailed(f"--background {error}, a file, or the source of an upload") from error
        return fit, _picture(file)
    return {"background": arguments.behind, **fit}, None


def _picture(file: Path) -> bytes:
    """Return the file of a background picture. Raises CommandFailed for one that the service would refuse."""
    try:
        data = read_file(file)
        decode_image(data, task_record.LIMITS)
    except OSError as error:
        raise CommandFailed(f"--background: {error}") from error
    except InputRefused as error:
        raise CommandFailed(f"--background: {error.detail or error.reason}") from error
    return data


def _shadow(arguments: argparse.Namespace) -> Shadow:
    """Return the shadow of pictures that are framed here. Exits with 2 if it needs the photograph."""
    shadow = read_shadow(arguments.shadow or "none")
    if shadow.kind in ("keep", "auto"):
        arguments.refuse("--profile frames the service's cut-outs here: of shadows only drop can be combined with it")
    return shadow


def _progress(counts: Counter[str], total: int) -> None:
    show_progress(counts.total(), total, counts[FAILED])
