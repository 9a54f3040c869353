"""The work of `cutline cut`: the function that makes results of one picture file, with its networks and background."""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from cutline.batch.report import ReportLine
from cutline.commands.arguments import models_dir
from cutline.commands.failure import CommandFailed
from cutline.errors import MattingError
from cutline.pipeline.finish.options import NO_SHADOW, Shadow, read_shadow
from cutline.pipeline.layout.framing_parser import read_region
from cutline.pipeline.options import CutOptions, GarmentOptions, cut_document
from cutline.pipeline.outputs.profiles import Profile

if TYPE_CHECKING:
    from cutline.library import Cutter
    from cutline.local_pictures import ChosenBackground
    from cutline.pipeline.codecs.decode import Picture
    from cutline.pipeline.outputs.files import OutputFiles


@dataclass(frozen=True)
class Made:
    """A result: its file, its line in the report, and warnings."""

    file: bytes
    line: ReportLine
    warnings: tuple[str, ...] = ()


# Returns one result of a picture, or one of each of its subjects.
Work = Callable[[bytes], list[Made]]


def open_work(arguments: argparse.Namespace, options: CutOptions | GarmentOptions | Profile) -> Work:
    """Open the networks and return the function that makes results of a picture file. Raises CommandFailed."""
    cutter, behind = _open_cutter(arguments, options), _open_background(arguments)
    if isinstance(options, Profile):
        return partial(_publish, cutter, options, _profile_cut(arguments, options))
    if arguments.behind is not None:
        options = replace(options, background=behind.value)
    if isinstance(options, GarmentOptions):
        return partial(_cut_garments, cutter, options, behind.picture)
    return partial(_cut_each if arguments.each else _cut, cutter, options, behind.picture)


def shadow_of(arguments: argparse.Namespace) -> Shadow:
    """Return the shadow asked for."""
    return read_shadow(arguments.shadow) if arguments.shadow else NO_SHADOW


def _open_cutter(arguments: argparse.Namespace, options: object) -> "Cutter":
    # Here, because the networks' libraries are slow to import.
    from cutline.library import Cutter  # noqa: PLC0415
    from cutline.pipeline.garments.worn import network_names  # noqa: PLC0415

    folder = models_dir(arguments)
    cutter = Cutter(arguments.model, models=folder, threads=arguments.threads)
    try:
        for name in network_names(folder) if isinstance(options, GarmentOptions) else [arguments.model]:
            cutter.network(name)
    except MattingError as error:
        raise CommandFailed(f"cannot open the networks in {folder}: {error.detail}") from error
    return cutter


def _open_background(arguments: argparse.Namespace) -> "ChosenBackground":
    from cutline.local_pictures import choose_background  # noqa: PLC0415

    if arguments.background_fit and not arguments.behind:
        arguments.refuse("--background-fit needs --background")
    try:
        return choose_background(arguments.behind, arguments.background_fit or "")
    except (ValueError, OSError, MattingError) as error:
        raise CommandFailed(f"--background: {getattr(error, 'detail', '') or error}") from error


def _profile_cut(arguments: argparse.Namespace, profile: Profile) -> CutOptions:
    return CutOptions(
        arguments.subject,
        roi=read_region(arguments.roi) if arguments.roi else None,
        shadow=shadow_of(arguments),
        profile=profile.name,
        metadata=arguments.metadata,
    )


def _cut(cutter: "Cutter", options: CutOptions, backdrop: "Picture | None", data: bytes) -> list[Made]:
    return [_made(cutter.encode(data, options, backdrop), options, "")]


def _cut_each(cutter: "Cutter", options: CutOptions, backdrop: "Picture | None", data: bytes) -> list[Made]:
    results = cutter.encode_each(data, options, backdrop)
    return [_made(made, options, str(number)) for number, made in enumerate(results, 1)]


def _cut_garments(cutter: "Cutter", options: GarmentOptions, backdrop: "Picture | None", data: bytes) -> list[Made]:
    made = cutter.encode_garments(data, options, backdrop)
    assert made.image is not None
    return [Made(made.image, ReportLine("", subject="garments", shadow=made.shadow, metadata=made.file_metadata))]


def _publish(cutter: "Cutter", profile: Profile, asked: CutOptions, data: bytes) -> list[Made]:
    made = cutter.publish(data, profile, asked.subject, asked.roi, asked.shadow, asked.metadata)
    measured = {**made.metadata.object_metadata, "coverage": f"{made.metadata.coverage:.4f}"}
    line = ReportLine("", options=json.dumps(cut_document(asked)), **measured)
    return [Made(made.file, line, made.warnings)]


def _made(made: "OutputFiles", options: CutOptions, part: str) -> Made:
    return Made(next(iter(made.files.values())), _line_of(made, options, part))


def _line_of(made: "OutputFiles", options: CutOptions, part: str) -> ReportLine:
    box, metadata = made.box, made.metadata
    return ReportLine(
        "",
        part=part,
        subject=metadata.subject,
        confidence="" if metadata.confidence is None else f"{metadata.confidence:.4f}",
        coverage=f"{metadata.coverage:.4f}",
        enlargement=f"{metadata.enlargement:.4f}",
        shadow=metadata.shadow,
        metadata=metadata.file_metadata,
        depth=metadata.depth,
        options=json.dumps(cut_document(options)),
        box="" if box is None else f"{box.left}, {box.top}, {box.right}, {box.bottom}",
    )
