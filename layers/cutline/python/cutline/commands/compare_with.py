"""`cutline compare-with`: the results of another service compared with Cutline's own for the same pictures."""

import argparse
from pathlib import Path
from typing import Any

from cutline.commands.arguments import declare, models_dir, network_options
from cutline.commands.console import print_message, print_table
from cutline.commands.failure import EXIT_STATUS, CommandFailed
from cutline.errors import MattingError

_EPILOG = f"""A result belongs to the picture whose name it starts with: photo.png,
photo.jpg.png and photo-no-bg.png belong to photo.jpg.

{EXIT_STATUS}"""


def add_to(commands: Any) -> None:
    """Declare `compare-with`."""
    text = "compare the results of another service with Cutline's"
    compare = declare(commands, "compare-with", text, _EPILOG, _run, network_options())
    compare.add_argument(
        "old", type=Path, metavar="OLD_RESULTS", help="folder of the other service's results, transparent PNG or WebP"
    )
    compare.add_argument("pictures", type=Path, metavar="PICTURES", help="folder of the pictures they were made from")
    compare.add_argument(
        "--out", type=Path, default=Path("comparison"), metavar="DIR", help="folder for the page (default: comparison)"
    )


def _run(arguments: argparse.Namespace) -> None:
    # Here, because the networks' libraries are slow to import.
    from cutline.commands.comparison import compare, find_pairs, write_page  # noqa: PLC0415
    from cutline.pipeline.inference.network import Network  # noqa: PLC0415

    for folder in (arguments.old, arguments.pictures):
        if not folder.is_dir():
            raise CommandFailed(f"{folder} is not a folder")
    found = list(find_pairs(arguments.pictures, arguments.old))
    if not found:
        raise CommandFailed("none of the results has the name of a picture")
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
            print_message(f"{pair.picture}: {error.detail or error.reason}")
        except OSError as error:
            print_message(f"{pair.picture}: {error}")
    compared.sort(key=lambda one: one.agreement.overlap)
    page = write_page(arguments.out, compared)
    print_table(("picture", "overlap", "difference", "old_kb", "new_kb", "ms"), [one.cells() for one in compared])
    print(f"\nWorst first: {page}")
    if len(compared) < len(found):
        raise CommandFailed(f"{len(found) - len(compared)} of {len(found)} could not be compared")
