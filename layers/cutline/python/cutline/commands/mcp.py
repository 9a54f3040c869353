"""`cutline mcp`: tools for agents over stdin and stdout (Model Context Protocol)."""

import argparse
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cutline.commands.arguments import all_profiles, declare, models_dir, network_options
from cutline.commands.console import print_message
from cutline.commands.failure import EXIT_STATUS, CommandFailed
from cutline.local_file import real_path

if TYPE_CHECKING:
    from cutline.agents.folders import SharedFolders
    from cutline.library import Cutter

_OUT = "cutline-results"
_EPILOG = f"""example:
  cutline mcp ~/pictures     results go to ~/pictures/{_OUT}

The tools read files in the folders and nowhere else, and write new files into the folder of results. They change and
delete none. An agent's program starts this command itself; docs/agents.md has its configuration.

{EXIT_STATUS}"""


def add_to(commands: Any) -> None:
    """Declare `mcp`."""
    text = "serve tools to an agent over stdin and stdout (Model Context Protocol)"
    mcp = declare(commands, "mcp", text, _EPILOG, _run, network_options())
    mcp.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="folders that the agent may use")
    mcp.add_argument(
        "--out", type=Path, metavar="FOLDER", help=f"folder of results, inside one of them (default: FOLDER/{_OUT})"
    )
    mcp.add_argument("--profiles", type=Path, metavar="FILE", help="your own profiles, next to the built-in ones")


def _run(arguments: argparse.Namespace) -> None:
    if importlib.util.find_spec("mcp") is None:
        raise CommandFailed("a package of `cutline mcp` is missing: pip install 'cutline[mcp]'")
    # Here, because the other commands do not need the SDK.
    from cutline.agents.server import checkpoint, run  # noqa: PLC0415
    from cutline.agents.tools import Tools  # noqa: PLC0415

    folders, models = _folders(arguments), models_dir(arguments)

    def open_cutter() -> "Cutter":
        from cutline.library import Cutter  # noqa: PLC0415 (slow to import, so at the first call)

        return Cutter(arguments.model, models=models, threads=arguments.threads)

    tools = Tools(folders, all_profiles(arguments.profiles), open_cutter, checkpoint)
    shown = ", ".join(map(str, folders.roots))
    print_message(f"serving {shown} on stdin and stdout; results go to {folders.out}")
    run(
        tools,
        "Cutline removes the background from photographs on this machine and prepares product pictures for "
        f"marketplaces. It reads files in {shown}, and writes results as new files into {folders.out}, with a number "
        "where a name exists. No file is changed, and no picture leaves this machine.",
    )


def _folders(arguments: argparse.Namespace) -> "SharedFolders":
    """Open the folders. Raises CommandFailed."""
    from cutline.agents.folders import PathRefused, SharedFolders  # noqa: PLC0415

    out = arguments.out or arguments.folders[0] / _OUT
    for folder in (*arguments.folders, out):
        try:
            str(real_path(folder)).encode()
        except UnicodeEncodeError as error:
            raise CommandFailed(f"{str(folder)!r}: a path that is not UTF-8 has no form in the protocol", 2) from error
    try:
        return SharedFolders(arguments.folders, out)
    except PathRefused as error:
        raise CommandFailed(f"--out: {error}", 2) from error
    except OSError as error:
        raise CommandFailed(f"cannot open {error.filename}: {error.strerror}", 2) from error
