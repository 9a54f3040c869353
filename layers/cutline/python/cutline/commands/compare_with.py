"""`cutline compare-with`: the results of the service used so far beside Cutline's own, for the same pictures."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cutline.batch.folders import LocalFolder
from cutline.commands.arguments import models_dir, network_options
from cutline.commands.comparison_page import Pair, write_page
from cutline.commands.console import print_table
from cutline.commands.failure import EXIT_STATUS, CommandFailed
from cutline.commands.progress import tell
from cutline.errors import MattingError

_RESULTS = (".png", ".webp")
_EPILOG = f"""A result belongs to the picture with which its name begins: photo.png,
photo.jpg.png and photo-no-bg.png to photo.jpg.

{EXIT_STATUS}"""


def add_to(commands: Any) -> None:
    """Declares `compare-with`."""
    text = "compare the results of another service with Cutline's"
    compare: argparse.ArgumentParser = commands.add_parser(
        "compare-with", help=text, description=text, epilog=_EPILOG, parents=[network_options()],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    compare.set_defaults(run=_run)
    compare.add_argument("old", type=Path, metavar="DIR_OF_OLD_RESULTS", help="transparent PNG or WebP files")
    compare.add_argument("pictures", type=Path, metavar="DIR_OF_PICTURES", help="the pictures that they were made of")
    compare.add_argument("--out", type=Path, default=Path("comparison"), metavar="DIR", help="of the page (comparison)")


def pairs(pictures: Path, old: Path) -> Iterator[Pair]:
    """Each picture that has a result; of several pictures with which its name begins the longest name counts."""
    named = {name: pictures / name for name in LocalFolder(pictures).pictures()}
    results = sorted(path for path in old.rglob("*") if path.suffix.lower() in _RESULTS and path.is_file())
    taken: set[str] = set()
    for result in results:
        stem = result.relative_to(old).as_posix()
        fitting = [name for name in named if stem.startswith(str(Path(name).with_suffix("")))]
        best = max(fitting, key=len, default="")
        if best and best not in taken:
            taken.add(best)
            yield Pair(named[best], result)


def _run(arguments: argparse.Namespace) -> None:
    from cutline.commands.comparison import compare  # noqa: PLC0415 (the networks' libraries)
    from cutline.pipeline.inference.network import Network  # noqa: PLC0415

    for folder in (arguments.old, arguments.pictures):
        if not folder.is_dir():
            raise CommandFailed(f"{folder} is no folder")
    found = list(pairs(arguments.pictures, arguments.old))
    if not found:
        raise CommandFailed("none of the results is called like one of the pictures")
    try:
        network = Network.open(models_dir(arguments), arguments.model, arguments.threads)
    except MattingError as error:
        raise CommandFailed(error.detail or str(error)) from error
    arguments.out.mkdir(parents=True, exist_ok=True)
    compared = []
    for index, pair in enumerate(found):
        try:
            compared.append(compare(pair, network, arguments.out, index))
        except MattingError as error:
            tell(f"{pair.picture}: {error.detail or error.reason}")
    compared.sort(key=lambda one: one.overlap)
    page = write_page(arguments.out, compared)
    print_table(("picture", "overlap", "difference", "old_kb", "our_kb", "ms"), [one.cells() for one in compared])
    print(f"\nWorst first: {page}")
    if len(compared) < len(found):
        raise CommandFailed(f"{len(found) - len(compared)} of {len(found)} could not be compared")
