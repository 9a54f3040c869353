"""`cutline cut`: pictures cut out on this machine, without a service."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from cutline.batch.folders import LocalFolder
from cutline.commands.failure import EXIT_STATUS, CommandFailed
from cutline.commands.networks import models_dir, network_options
from cutline.commands.pictures import PlannedCut, plan
from cutline.commands.progress import show_progress, tell
from cutline.contracts import drops
from cutline.errors import MattingError
from cutline.pipeline.framing_text import READERS, read_framing
from cutline.pipeline.options import (
    FORMATS,
    GARMENTS,
    CutOptions,
    GarmentForm,
    GarmentOptions,
    Subject,
    read_colour,
)

_WHITE = (255, 255, 255)
_FRAMING = {
    "margin": "around the subject, with --crop: 1, 2 or 4 lengths such as 30px or '10%% 5%%'",
    "scale": "share of the result that the subject takes: 10%%..100%%",
    "position": "original, center, or where the free space goes, such as '50%% 100%%'",
    "ratio": "width to height of the result, such as 1:1 or 4:5",
    "least": "pixels that the result has at least, such as 1000 or 800x1000; smaller ones are enlarged",
    "most": "pixels that the result has at most",
}
_EPILOG = f"""examples:
  cutline cut photo.jpg                          photo.jpg.png, transparent
  cutline cut photo.jpg --white --out shop.jpg   on white, as JPEG
  cutline cut photos --out results --crop        every picture below a folder
  cutline cut photo.jpg --white --crop --scale 85% --ratio 1:1 --least 1000
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
    cut.add_argument("--out", metavar="PATH", help="a folder; for one picture also a file, or - for stdout")
    cut.add_argument("--force", action="store_true", help="replace results that are there already")
    cut.add_argument("--format", choices=tuple(FORMATS), help="of the results (as --out is called, else png)")
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
    framing = cut.add_argument_group("how it stands there")
    for name, text in _FRAMING.items():
        framing.add_argument(f"--{name}", type=_checked(READERS[name]), help=text)
    ground = cut.add_argument_group("on what").add_mutually_exclusive_group()
    ground.add_argument("--white", dest="background", action="store_const", const=_WHITE, help="a white ground")
    ground.add_argument(
        "--colour", "--color", dest="background", type=_colour, metavar="RRGGBB", help="a ground of this colour"
    )
    ground.add_argument("--mask", action="store_true", help="the mask instead of the picture: the subject white")


def _run(arguments: argparse.Namespace) -> None:
    options, name = _options(arguments), "mask" if arguments.mask else "image"
    image_format = options.image_format if isinstance(options, CutOptions) else "png"
    planneds = plan(arguments.pictures, arguments.out, drops.result_key("", name, f"image/{image_format}"))
    if planneds[0].target is None and sys.stdout.isatty():
        raise CommandFailed("a picture is nothing for a terminal: say --out FILE.png, or send stdout into a file")
    work = _opened(arguments, options)
    failed = 0
    for ended, planned in enumerate(planneds):
        show_progress(ended, len(planneds), failed)
        failed += not _attempt(planned, arguments.force, work)
    show_progress(len(planneds), len(planneds), failed)
    if failed:
        raise CommandFailed(
            f"{failed} of {len(planneds)} pictures failed" if len(planneds) > 1 else "nothing was cut out"
        )


def _options(arguments: argparse.Namespace) -> CutOptions | GarmentOptions:
    """What is asked for. Ends the program where it does not go together."""
    ending = Path(arguments.out or "").suffix.lstrip(".").lower()
    image_format = FORMATS[arguments.format or (ending if ending in FORMATS else "png")]
    framing = {name: getattr(arguments, name) for name in READERS if getattr(arguments, name) is not None}
    if arguments.costume is None:
        return CutOptions(
            arguments.subject,
            arguments.background,
            arguments.crop,
            image_format=image_format,
            want_image=not arguments.mask,
            want_mask=arguments.mask,
            framing=read_framing(framing),
        )
    plain = arguments.subject == "auto" and not arguments.crop and image_format == "png" and not framing
    if not plain or arguments.background not in (None, _WHITE):
        arguments.refuse("--costume makes PNG files of the picture's size, with --white or --mask and nothing else")
    form: GarmentForm = "mask" if arguments.mask else "white" if arguments.background else "cutout"
    return GarmentOptions(arguments.costume, form, merged=bool(arguments.costume))


def _opened(arguments: argparse.Namespace, options: CutOptions | GarmentOptions) -> Callable[[bytes], bytes]:
    """What makes a picture file into its result, its networks open. Raises CommandFailed."""
    # Here, because the networks' libraries are slow to import.
    from cutline.library import Cutter  # noqa: PLC0415

    folder = models_dir(arguments)
    cutter = Cutter(arguments.model, models=folder, threads=arguments.threads)
    try:
        for name in [arguments.model] if isinstance(options, CutOptions) else ["matte", "costume"]:
            cutter.network(name)
    except MattingError as error:
        raise CommandFailed(f"the networks in {folder} cannot be used: {error.detail}") from error

    def work(data: bytes) -> bytes:
        if isinstance(options, GarmentOptions):
            file = cutter.encode_garments(data, options).image
        else:
            cutout = cutter.encode(data, options)
            file = cutout.mask if options.want_mask else cutout.image
        assert file is not None
        return file

    return work


def _attempt(planned: PlannedCut, force: bool, work: Callable[[bytes], bytes]) -> bool:
    """Whether the result is where it belongs; if not, why is told on stderr."""
    try:
        problem = _perform(planned, force, work)
    except OSError as error:
        problem = str(error.strerror or error)
    except MattingError as error:
        problem = error.detail or drops.WORDS.get(error.reason, str(error.reason))
    if problem:
        tell(f"{planned.name}: {problem}")
    return not problem


def _perform(planned: PlannedCut, force: bool, work: Callable[[bytes], bytes]) -> str:
    """Why nothing was done, if so."""
    target = planned.target
    if target is not None and target.exists() and not force:
        return f"{target} is there already; --force replaces it"
    file = work(sys.stdin.buffer.read() if planned.source is None else planned.source.read_bytes())
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
    return read_colour(_checked(read_colour)(text))


def _checked(reader: Callable[[str], object]) -> Callable[[str], str]:
    """The text, if the reader takes it; argparse tells what is wrong with it."""

    def check(text: str) -> str:
        try:
            reader(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        return text

    return check
