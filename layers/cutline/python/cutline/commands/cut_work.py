"""What `cutline cut` does with one picture: the networks behind it, and what is known of the result."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cutline.batch.report import ReportLine
from cutline.commands.arguments import models_dir
from cutline.commands.failure import CommandFailed
from cutline.errors import MattingError
from cutline.pipeline.layout.framing_parser import read_region
from cutline.pipeline.options import CutOptions, GarmentOptions
from cutline.pipeline.outputs.profiles import Profile

if TYPE_CHECKING:
    from cutline.pipeline.outputs.files import OutputFiles


@dataclass(frozen=True)
class Made:
    """A result: its file, what is known of it, and warnings."""

    file: bytes
    line: ReportLine
    warnings: tuple[str, ...] = ()


# One result of a picture, or one of each of its subjects.
Work = Callable[[bytes], list[Made]]


def open_work(arguments: argparse.Namespace, wish: CutOptions | GarmentOptions | Profile) -> Work:
    """What makes a picture file into its result, its networks open. Raises CommandFailed."""
    # Here, because the networks' libraries are slow to import.
    from cutline.library import Cutter  # noqa: PLC0415

    folder = models_dir(arguments)
    cutter = Cutter(arguments.model, models=folder, threads=arguments.threads)
    try:
        for name in ["matte", "costume"] if isinstance(wish, GarmentOptions) else [arguments.model]:
            cutter.network(name)
    except MattingError as error:
        raise CommandFailed(f"the networks in {folder} cannot be used: {error.detail}") from error

    def cut(data: bytes) -> list[Made]:
        assert isinstance(wish, CutOptions)
        results = cutter.encode_each(data, wish) if arguments.each else [cutter.encode(data, wish)]
        return [
            Made(next(iter(made.files.values())), _line_of(made, str(number) if arguments.each else ""))
            for number, made in enumerate(results, 1)
        ]

    def cut_garments(data: bytes) -> list[Made]:
        assert isinstance(wish, GarmentOptions)
        file = cutter.encode_garments(data, wish).image
        assert file is not None
        return [Made(file, ReportLine("", subject="garments"))]

    roi = read_region(arguments.roi) if arguments.roi else None

    def publish(data: bytes) -> list[Made]:
        assert isinstance(wish, Profile)
        made = cutter.publish(data, wish, arguments.subject, roi)
        line = ReportLine("", **{**made.metadata.object_metadata, "coverage": f"{made.metadata.coverage:.4f}"})
        return [Made(made.file, line, made.warnings)]

    if isinstance(wish, Profile):
        return publish
    return cut if isinstance(wish, CutOptions) else cut_garments


def _line_of(made: "OutputFiles", part: str) -> ReportLine:
    box, metadata = made.box, made.metadata
    return ReportLine(
        "",
        part=part,
        subject=metadata.subject,
        confidence=f"{metadata.confidence:.4f}",
        coverage=f"{metadata.coverage:.4f}",
        enlargement=f"{metadata.enlargement:.4f}",
        box="" if box is None else f"{box.left}, {box.top}, {box.right}, {box.bottom}",
    )
