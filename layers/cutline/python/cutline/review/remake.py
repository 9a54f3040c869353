"""How a result of a report was made, so that it can be made again: for an edit, and for learning from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from cutline.batch.report import ReportLine
from cutline.local_file import read_file
from cutline.pipeline.codecs.decode import PLUGIN_ERRORS
from cutline.pipeline.finish.options import BackgroundPicture
from cutline.pipeline.options import FORMATS, CutOptions, cut_options_from
from cutline.pipeline.outputs.profiles import Profile

STROKES = "strokes.json"
UNKNOWN = "The report does not say how this result was made; cut it again with --report."
_OPAQUE_MODES = ("RGB", "L")


class NotEditable(Exception):
    """Why a result cannot be edited, for its reader."""


def options_of(line: ReportLine | None, folder: Path, profiles: Mapping[str, Profile]) -> CutOptions:
    """Return how the result of a line of the folder's report was made. Raises NotEditable."""
    # A pipe or a device would hold the editor.
    if line is None or not line.result or not (Path(line.picture).is_absolute() and Path(line.picture).is_file()):
        raise NotEditable("Only a result whose picture is on this machine can be edited.")
    if line.part or line.subject == "garments":
        raise NotEditable("Results of --each and --costume cannot be edited.")
    try:
        options = cut_options_from(json.loads(line.options)) if line.options else _guessed(line, folder)
        unknown = options.profile and options.profile not in profiles
    except (*PLUGIN_ERRORS, Image.DecompressionBombError) as error:
        raise NotEditable(UNKNOWN) from error
    if isinstance(options.background, BackgroundPicture) and not options.profile:
        raise NotEditable("The picture behind this result is not known; it cannot be edited.")
    if unknown:
        raise NotEditable(f"The profile {options.profile} is not known; name its file with --profiles.")
    return options


def _guessed(line: ReportLine, folder: Path) -> CutOptions:
    """Return the options of a report without them: a profile's, or a transparent picture's of the same size."""
    if line.profile:
        return CutOptions(profile=line.profile)
    path = folder / line.result
    if not path.is_file():
        raise NotEditable(UNKNOWN)
    with Image.open(path) as result, Image.open(line.picture) as picture:
        same = sorted(result.size) == sorted(picture.size)
        if result.mode in _OPAQUE_MODES or not same:
            raise NotEditable(UNKNOWN)
    return CutOptions(image_format=FORMATS[Path(line.result).suffix.lstrip(".").lower()])


def saved_strokes(folder: Path) -> dict[str, Any]:
    """Return the strokes of every saved edit by its line's key; of a damaged file none."""
    try:
        found = json.loads(read_file(folder / STROKES))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
