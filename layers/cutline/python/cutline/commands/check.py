"""`cutline check`: live pictures, unchanged, against a marketplace's rules."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cutline.commands.arguments import declare, find_profile, models_dir, network_options, profile_options
from cutline.commands.console import print_message, show_progress
from cutline.commands.failure import CommandFailed
from cutline.errors import MattingError
from cutline.live.listing import Listed, list_pictures
from cutline.live.shops import VARIABLES, ShopFailed, live_pictures, open_shop

if TYPE_CHECKING:
    from cutline.live.run import CheckRun, Judged

_FAILED, _UNCHECKED = 1, 2
# Of one product, where all of its pictures are asked for.
_EVERY = 50
_EPILOG = """examples:
  cutline check photos --profile amazon-main
  cutline check urls.csv --profile google-merchant --out checked
  cutline check --shopify --profile shopify-square --mend mended

--out gets report.csv, and check.html, worst first. Text laid over pictures and watermarks are not looked for.
--shopify reads SHOPIFY_URL and SHOPIFY_TOKEN (read_products), --woocommerce reads WC_URL, WC_KEY and WC_SECRET (read).
Run an interrupted check again to go on with it.

exit status: 0 all pass, 1 some fail a rule, 2 wrong arguments or some could not be checked, 130 interrupted"""


def add_to(commands: Any) -> None:
    """Declare `check`."""
    text = "check pictures, unchanged, against a marketplace's rules"
    check = declare(commands, "check", text, _EPILOG, _run, network_options(), profile_options())
    check.add_argument(
        "pictures",
        nargs="*",
        metavar="PATH|URL",
        help="pictures, folders, quoted patterns, addresses, CSV of addresses",
    )
    shop = check.add_argument_group("a shop's products").add_mutually_exclusive_group()
    for kind, name in (("shopify", "Shopify"), ("woocommerce", "WooCommerce")):
        shop.add_argument(
            f"--{kind}", dest="shop", action="store_const", const=kind, help=f"published, by {name}'s API"
        )
    check.add_argument("--every-picture", action="store_true", help="of a product, not only the first")
    check.add_argument("--out", type=Path, default=Path("check"), metavar="FOLDER", help="reports (default: check)")
    check.add_argument("--mend", type=Path, metavar="FOLDER", help="cut out and publish what fails, into this folder")
    check.add_argument("--rate", type=_rate, default=2.0, metavar="N", help="downloads a second (default: 2)")


def _run(arguments: argparse.Namespace) -> None:
    if not arguments.profile:
        arguments.refuse("--profile is required")
    if not arguments.pictures and not arguments.shop:
        arguments.refuse("name pictures, --shopify or --woocommerce")
    if arguments.mend and arguments.mend.resolve() == arguments.out.resolve():
        arguments.refuse("--mend needs a folder of its own: both folders get a report.csv")
    try:
        run = _open_run(arguments)
        pictures = _pictures(arguments)
        if not pictures:
            raise CommandFailed("no pictures found", _UNCHECKED)
        judged = run.work(pictures, _progress(len(pictures)))
    except (ShopFailed, ValueError) as error:
        raise CommandFailed(str(error), _UNCHECKED) from error
    except OSError as error:
        raise CommandFailed(str(error), _UNCHECKED) from error
    _end(judged, arguments)


def _open_run(arguments: argparse.Namespace) -> "CheckRun":
    """Open the network. Raises CommandFailed."""
    # Here, because the networks' libraries are slow to import.
    from cutline.library import Cutter  # noqa: PLC0415
    from cutline.live.download import Downloads  # noqa: PLC0415
    from cutline.live.run import CheckRun  # noqa: PLC0415

    folder = models_dir(arguments)
    cutter = Cutter(arguments.model, models=folder, threads=arguments.threads)
    try:
        cutter.network(arguments.model)
    except MattingError as error:
        raise CommandFailed(f"cannot open the networks in {folder}: {error.detail}", _UNCHECKED) from error
    profile = find_profile(arguments.profile, arguments.profiles)
    shop = os.environ.get(VARIABLES[arguments.shop][0], "") if arguments.shop else ""
    return CheckRun(cutter, profile, Downloads(arguments.rate, shop), arguments.out, arguments.mend)


def _pictures(arguments: argparse.Namespace) -> list[Listed]:
    """Return every picture once. Raises ShopFailed, ValueError and OSError."""
    found = list_pictures(arguments.pictures)
    if arguments.shop:
        shop = open_shop(arguments.shop, os.environ)
        found += live_pictures(arguments.shop, shop, _EVERY if arguments.every_picture else 1)
    return list({one.picture: one for one in reversed(found)}.values())[::-1]


def _progress(total: int) -> Any:
    def show(ended: int, judged: "list[Judged]") -> None:
        show_progress(ended, total, sum(bool(one.faults or one.line.problem) for one in judged))

    return show


def _end(judged: "list[Judged]", arguments: argparse.Namespace) -> None:
    """Say what was found. Raises CommandFailed with the exit status."""
    unchecked = [one for one in judged if one.line.problem]
    failed = [one for one in judged if one.faults]
    for one in unchecked:
        print_message(f"{one.line.picture}: {one.line.problem}")
    passed = len(judged) - len(unchecked) - len(failed)
    print(f"{len(judged)} pictures: {passed} pass, {len(failed)} fail, {len(unchecked)} could not be checked")
    unmended = sum(one.made is not None and bool(one.made.problem) for one in judged)
    if unmended:
        print_message(f"{unmended} pictures that fail could not be cut out; see {arguments.mend}/report.csv")
    where = f"open {arguments.out / 'check.html'} in a browser"
    if unchecked:
        raise CommandFailed(f"{len(unchecked)} of {len(judged)} pictures could not be checked; {where}", _UNCHECKED)
    if failed:
        raise CommandFailed(f"{len(failed)} of {len(judged)} pictures fail {arguments.profile}; {where}", _FAILED)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.01 <= rate <= 100:  # noqa: PLR2004
        raise argparse.ArgumentTypeError("must be in 0.01..100")
    return rate
