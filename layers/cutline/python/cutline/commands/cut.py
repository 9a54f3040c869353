"""`cutline cut`: pictures cut out on this machine, without a service."""

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, get_args

from cutline.batch.folders import LocalFolder
from cutline.commands.failure import EXIT_STATUS, CommandFailed
from cutline.commands.networks import models_dir, network_options
from cutline.commands.pictures import LIMITS, PlannedCut, plan
from cutline.commands.progress import show_progress, tell
from cutline.contracts import drops
from cutline.contracts.wire import Job, Source
from cutline.errors import MattingError
from cutline.pipeline.options import GARMENTS, CutOptions, GarmentForm, GarmentOptions, ImageFormat, Subject
from cutline.pipeline.timing import StageTimer
from cutline.serving.call import Processor, Produced

_WHITE = (255, 255, 255)
_FORMATS: Final[dict[str, ImageFormat]] = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg"}
_EPILOG = f"""examples:
  cutline cut photo.jpg                          photo.jpg.png, transparent
  cutline cut photo.jpg --white --out shop.jpg   on white, as JPEG
  cutline cut photos --out results --crop        every picture below a folder
  cutline cut 'in/*.jpg' --mask --out masks      masks instead of pictures
  cutline cut model.jpg --costume=tops,pants     these clothes alone
  curl -s ADDRESS | cutline cut - > cutout.png   through a pipe

Results that are there already are left alone and count as failures; --force replaces them.

{EXIT_STATUS}"""


def add_to(commands: Any) -> None:
    """Declares `cut`."""
    text = "cut out pictures on this machine"
    cut: argparse.ArgumentParser = commands.add_parser(
        "cut",
        help=text,
        description=text,
        epilog=_EPILOG,
        parents=[network_options()],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    cut.set_defaults(run=_run, refuse=cut.error)
    cut.add_argument(
        "pictures", nargs="+", metavar="FILE|DIR|-", help="pictures, folders, quoted patterns, or - for stdin"
    )
    cut.add_argument("--out", metavar="PATH", help="a folder; for one picture also a .png or .jpg, or - for stdout")
    cut.add_argument("--force", action="store_true", help="replace results that are there already")
    cut.add_argument("--format", choices=tuple(_FORMATS), help="of the results (as --out is called, else png)")
    what = cut.add_argument_group("what")
    what.add_argument("--subject", choices=get_args(Subject), default="auto", help="what to look for (auto)")
    what.add_argument(
        "--costume",
        nargs="?",
        const=(),
        type=_garments,
        metavar="CLASSES",
        help=f"clothes instead of the subject: all, or =a,b of {', '.join(GARMENTS)}",
    )
    what.add_argument("--crop", action="store_true", help="cut to the subject's edges")
    ground = cut.add_argument_group("on what").add_mutually_exclusive_group()
    ground.add_argument("--white", dest="background", action="store_const", const=_WHITE, help="a white ground")
    ground.add_argument(
        "--colour", "--color", dest="background", type=_colour, metavar="RRGGBB", help="a ground of this colour"
    )
    ground.add_argument("--mask", action="store_true", help="the mask instead of the picture: the subject white")


def _run(arguments: argparse.Namespace) -> None:
    job, name = _job(arguments), "mask" if arguments.mask else "image"
    planneds = plan(arguments.pictures, arguments.out, drops.result_key("", name, f"image/{job.cut.image_format}"))
    if planneds[0].target is None and sys.stdout.isatty():
        raise CommandFailed("a picture is nothing for a terminal: say --out FILE.png, or send stdout into a file")
    processor = _processor(arguments)
    failed = 0
    for ended, planned in enumerate(planneds):
        show_progress(ended, len(planneds), failed)
        failed += not _attempt(planned, arguments.force, lambda data: processor.process(data, job, StageTimer()))
    show_progress(len(planneds), len(planneds), failed)
    if failed:
        raise CommandFailed(
            f"{failed} of {len(planneds)} pictures failed" if len(planneds) > 1 else "nothing was cut out"
        )


def _job(arguments: argparse.Namespace) -> Job:
    """What the options ask for. Ends the program where they do not go together."""
    ending = Path(arguments.out or "").suffix.lstrip(".").lower()
    image_format = _FORMATS[arguments.format or (ending if ending in _FORMATS else "png")]
    if arguments.costume is None:
        cut = CutOptions(
            arguments.subject,
            arguments.background,
            arguments.crop,
            image_format=image_format,
            want_image=not arguments.mask,
            want_mask=arguments.mask,
        )
        return Job(Source(), LIMITS, cut)
    plain = arguments.subject == "auto" and not arguments.crop and image_format == "png"
    if not plain or arguments.background not in (None, _WHITE):
        arguments.refuse("--costume makes PNG files of the picture's size, with --white or --mask and nothing else")
    form: GarmentForm = "mask" if arguments.mask else "white" if arguments.background else "cutout"
    return Job(Source(), LIMITS, options=GarmentOptions(arguments.costume, form, merged=bool(arguments.costume)))


def _processor(arguments: argparse.Namespace) -> Processor:
    """The pipeline, its networks open. Raises CommandFailed."""
    # Here, because the networks' libraries are slow to import.
    from cutline.serving.processors import ANY_SUBJECT, CostumeProcessor, CutoutProcessor  # noqa: PLC0415

    folder = models_dir(arguments)
    processor: CutoutProcessor | CostumeProcessor
    if arguments.costume is not None:
        processor = CostumeProcessor(folder, arguments.threads)
    else:
        processor = CutoutProcessor(folder, arguments.model, arguments.threads, ANY_SUBJECT)
    try:
        processor.open()
    except MattingError as error:
        raise CommandFailed(f"the networks in {folder} cannot be used: {error.detail}") from error
    return processor


def _attempt(planned: PlannedCut, force: bool, work: Callable[[bytes], Produced]) -> bool:
    """Whether the result was written. If not, stderr says why."""
    try:
        problem = _perform(planned, force, work)
    except OSError as error:
        problem = str(error.strerror or error)
    except MattingError as error:
        problem = error.detail or drops.WORDS.get(error.reason, str(error.reason))
    if problem:
        tell(f"{planned.name}: {problem}")
    return not problem


def _perform(planned: PlannedCut, force: bool, work: Callable[[bytes], Produced]) -> str:
    """Why nothing was done, if so."""
    target = planned.target
    if target is not None and target.exists() and not force:
        return f"{target} is there already; --force replaces it"
    results = work(sys.stdin.buffer.read() if planned.source is None else planned.source.read_bytes()).results
    file, _ = results.get("image") or results["mask"]
    if target is None:
        sys.stdout.buffer.write(file)
        sys.stdout.buffer.flush()
    else:
        LocalFolder(target.parent).write(target.name, file)
    return ""


def _garments(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    if not set(names) <= set(GARMENTS):
        raise argparse.ArgumentTypeError(f"{text!r} is not of {', '.join(GARMENTS)}; pictures come before --costume")
    return names


def _colour(text: str) -> tuple[int, int, int]:
    digits = text.removeprefix("#")
    if re.fullmatch(r"[0-9a-fA-F]{6}", digits) is None:
        raise argparse.ArgumentTypeError("must be six hexadecimal digits, such as 1f6feb")
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue
