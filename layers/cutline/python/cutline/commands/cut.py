"""`cutline cut`: pictures cut out on this machine, without a service."""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from cutline.batch.folders import LocalFolder
from cutline.batch.report import FILE as REPORT
from cutline.batch.report import ReportLine, problem_of, read_report, write_report
from cutline.commands.arguments import (
    checked,
    declare,
    find_profile,
    finish_options,
    framing_of,
    framing_options,
    network_options,
    profile_options,
)
from cutline.commands.console import print_message, show_progress
from cutline.commands.cut_work import Work, open_work, shadow_of
from cutline.commands.failure import EXIT_STATUS, CommandFailed
from cutline.commands.pictures import RESULT_ENDINGS, STREAM, PlannedCut, plan
from cutline.contracts import drops
from cutline.errors import MattingError
from cutline.local_file import MAX_BYTES, read_file, real_path
from cutline.pipeline.finish.options import read_colour
from cutline.pipeline.layout.framing_parser import read_framing, read_region
from cutline.pipeline.options import (
    DEPTHS,
    FORMATS,
    GARMENTS,
    CutOptions,
    GarmentForm,
    GarmentOptions,
    Subject,
    check_depth,
)
from cutline.pipeline.outputs.profiles import Profile

_WHITE = (255, 255, 255)
_EPILOG = f"""examples:
  cutline cut photo.jpg                          photo.jpg.png, transparent
  cutline cut photo.jpg --white --out shop.jpg   on white, as JPEG
  cutline cut photos --out results --crop        every picture in a folder
  cutline cut photo.jpg --white --crop --scale 85% --ratio 1:1 --min-size 1000
  cutline cut photos --out shop --profile amazon-main
  cutline cut photo.jpg --shadow auto --background ffffff,e0e0e0 --out shop.jpg
  cutline cut 'in/*.jpg' --mask --out masks      masks instead of pictures
  cutline cut model.jpg --costume=tops,pants     only these clothes
  curl -s ADDRESS | cutline cut - > cutout.png   through a pipe

Existing results are kept and count as failures; --force replaces them.

{EXIT_STATUS}"""


def add_to(commands: Any) -> None:
    """Declare `cut`."""
    text = "cut out pictures on this machine"
    cut = declare(
        commands, "cut", text, _EPILOG, _run, network_options(), profile_options(), framing_options(), finish_options()
    )
    cut.add_argument(
        "pictures", nargs="+", metavar="FILE|DIR|-", help="pictures, folders, quoted patterns, or - for stdin"
    )
    cut.add_argument(
        "--out",
        metavar="PATH",
        help="folder; for one picture also a file, or - for stdout (default: next to the picture)",
    )
    cut.add_argument("--force", action="store_true", help="replace existing results")
    cut.add_argument("--format", choices=tuple(FORMATS), help="format of the results (default: as --out, else png)")
    cut.add_argument(
        "--report",
        metavar="FILE",
        help="write a CSV about the results (with --profile and a folder: report.csv)",
    )
    what = cut.add_argument_group("subject")
    what.add_argument("--subject", choices=get_args(Subject), default="auto", help="subject to cut out (default: auto)")
    what.add_argument(
        "--costume",
        nargs="?",
        const=(),
        type=_garments,
        metavar="CLASSES",
        help=f"cut out clothes: all, or some as =a,b of {', '.join(GARMENTS)}",
    )
    what.add_argument("--each", action="store_true", help="write each subject to its own file: photo.jpg-1.png, ...")
    what.add_argument("--crop", action="store_true", help="crop to the subject")
    background = cut.add_argument_group("plain background, or mask").add_mutually_exclusive_group()
    background.add_argument("--white", dest="background", action="store_const", const=_WHITE, help="white background")
    background.add_argument(
        "--colour", "--color", dest="background", type=_colour, metavar="RRGGBB", help="background colour"
    )
    background.add_argument("--mask", action="store_true", help="write the mask instead, subject white on black")


def _run(arguments: argparse.Namespace) -> None:
    options, name = _options(arguments), "mask" if arguments.mask else "image"
    image_format = "png" if isinstance(options, GarmentOptions) else options.image_format
    planneds = plan(arguments.pictures, arguments.out, drops.result_key("", name, f"image/{image_format}"))
    if planneds[0].target is None and sys.stdout.isatty():
        raise CommandFailed("refusing to write image data to a terminal; use --out FILE.png or redirect stdout")
    report = _report_file(arguments)
    known = _known_results(report)
    if arguments.each and planneds[0].target is None:
        raise CommandFailed("--each writes several files: it cannot write to stdout")
    work = open_work(arguments, options)
    lines: list[ReportLine] = []
    for ended, planned in enumerate(planneds):
        show_progress(ended, len(planneds), sum(bool(line.problem) for line in lines))
        lines += _attempt(planned, arguments, work, report)
    failed = sum(bool(line.problem) for line in lines)
    show_progress(len(planneds), len(planneds), failed)
    if report is not None:
        LocalFolder(report.parent).write(report.name, write_report(lines, known))
    if failed:
        raise CommandFailed(
            f"{failed} of {len(planneds)} pictures failed" if len(planneds) > 1 else "no result was written"
        )
    missed = sum(line.passed == "no" for line in lines)
    if missed:
        raise CommandFailed(f"{missed} of {len(planneds)} pictures do not meet all rules of {arguments.profile}")


def _known_results(report: Path | None) -> dict[str, ReportLine]:
    """Read the report of earlier runs. Raises CommandFailed."""
    try:
        return read_report(read_file(report)) if report is not None and report.exists() else {}
    except ValueError as error:
        raise CommandFailed(f"cannot read {report}: {error}; move it away to start a new one") from error


def _report_file(arguments: argparse.Namespace) -> Path | None:
    """Return the report's path: --report, or a file next to a profile's results."""
    if arguments.report:
        return Path(arguments.report)
    out = Path(arguments.out or "")
    into_folder = arguments.out not in (None, STREAM) and (out.is_dir() or out.suffix.lower() not in RESULT_ENDINGS)
    return out / REPORT if arguments.profile and into_folder else None


def _options(arguments: argparse.Namespace) -> CutOptions | GarmentOptions | Profile:
    """Return the options asked for. Exits with 2 if they cannot be combined. Raises CommandFailed."""
    framing = framing_of(arguments)
    plain = not (arguments.crop or arguments.format or framing or arguments.each)
    if arguments.behind is not None and (arguments.background or arguments.mask):
        arguments.refuse("--background cannot be combined with --white, --colour or --mask")
    if arguments.depth != "8" and (arguments.profile or arguments.costume is not None):
        arguments.refuse("--depth 16 cannot be combined with --profile or --costume")
    if arguments.profile:
        coloured = arguments.background or arguments.behind is not None
        if not plain or arguments.mask or coloured or arguments.costume is not None:
            arguments.refuse(
                "--profile sets background, framing and format; combine it only with --subject, --roi, --shadow and "
                "--metadata"
            )
        return find_profile(arguments.profile, arguments.profiles)
    ending = Path(arguments.out or "").suffix.lstrip(".").lower()
    image_format = FORMATS[arguments.format or (ending if ending in FORMATS else "png")]
    if arguments.costume is not None:
        return _garment_options(arguments, image_format)
    options = CutOptions(
        arguments.subject,
        arguments.background,
        arguments.crop,
        image_format=image_format,
        want_image=not arguments.mask,
        want_mask=arguments.mask,
        framing=read_framing(framing),
        roi=read_region(arguments.roi) if arguments.roi else None,
        shadow=shadow_of(arguments),
        metadata=arguments.metadata,
        depth=DEPTHS[arguments.depth],
    )
    return _checked_depth(arguments, options)


def _garment_options(arguments: argparse.Namespace, image_format: str) -> GarmentOptions:
    """Return the options of --costume. Exits with 2 for what clothes are not made with."""
    framed = arguments.crop or framing_of(arguments) or arguments.each or arguments.roi
    plain = arguments.subject == "auto" and not framed and image_format == "png"
    if not plain or arguments.background not in (None, _WHITE):
        arguments.refuse(
            "--costume writes PNG files of the picture's size; combine it only with --white, --background, --shadow, "
            "--metadata or --mask"
        )
    form: GarmentForm = "mask" if arguments.mask else "white" if arguments.background else "cutout"
    return GarmentOptions(
        arguments.costume,
        form,
        merged=bool(arguments.costume),
        shadow=shadow_of(arguments),
        metadata=arguments.metadata,
    )


def _checked_depth(arguments: argparse.Namespace, options: CutOptions) -> CutOptions:
    """Return the options. Exits with 2 if they have 16 bits and what has only 8."""
    try:
        check_depth(options)
        if arguments.behind not in (None, "transparent") and arguments.depth != "8":
            raise ValueError("16 bits are for a transparent PNG")
    except ValueError as error:
        arguments.refuse(f"--depth 16: {error}")
    return options


def _attempt(planned: PlannedCut, arguments: argparse.Namespace, work: Work, report: Path | None) -> list[ReportLine]:
    """Cut one picture out and return its lines of the report; prints problems on stderr."""
    try:
        lines = _perform(planned, arguments, work, report)
    except (OSError, MattingError) as error:
        lines = [ReportLine("", problem=problem_of(error))]
    picture = "stdin" if planned.source is None else str(real_path(planned.source))
    for line in lines:
        if line.problem:
            print_message(f"{planned.name}: {line.problem}")
    return [replace(line, picture=picture) for line in lines]


def _perform(planned: PlannedCut, arguments: argparse.Namespace, work: Work, report: Path | None) -> list[ReportLine]:
    target = planned.target
    first = "1" if arguments.each else ""
    if target is not None and not arguments.force and _part_of(target, first).exists():
        return [ReportLine("", problem=f"{_part_of(target, first)} already exists; --force replaces it")]
    lines = []
    for made in work(sys.stdin.buffer.read(MAX_BYTES + 1) if planned.source is None else read_file(planned.source)):
        for warning in made.warnings:
            print_message(f"{planned.name}: {warning}")
        if target is None:
            sys.stdout.buffer.write(made.file)
            sys.stdout.buffer.flush()
            lines.append(made.line)
            continue
        file = _part_of(target, made.line.part)
        LocalFolder(file.parent).write(file.name, made.file)
        result = "" if report is None else os.path.relpath(file, report.parent)
        lines.append(replace(made.line, result=result))
    return lines


def _part_of(target: Path, part: str) -> Path:
    """Return the file of one of several subjects: photo.jpg.png becomes photo.jpg-1.png."""
    return target.with_name(f"{target.stem}-{part}{target.suffix}") if part else target


def _garments(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    if not set(names) <= set(GARMENTS):
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(GARMENTS)}; put pictures before --costume")
    return names


def _colour(text: str) -> tuple[int, int, int]:
    return read_colour(checked(read_colour)(text))
