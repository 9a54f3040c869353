"""Pairs of a photograph and the alpha that a person accepted, of a report and the decisions about it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from cutline.batch.report import ReportLine, read_table
from cutline.errors import MattingError
from cutline.limits import LOCAL_LIMITS
from cutline.local_file import read_file
from cutline.pipeline.codecs.decode import PLUGIN_ERRORS, Picture, decode_image
from cutline.pipeline.cutout import Predictor, matte_picture
from cutline.pipeline.filters import U8, fit_within, resize_u8
from cutline.pipeline.mend import Mendable, mend
from cutline.pipeline.options import CutOptions
from cutline.pipeline.outputs.profiles import Profile
from cutline.pipeline.stroke import read_strokes
from cutline.pipeline.timing import StageTimer
from cutline.review.decisions import KEEP, REDO
from cutline.review.remake import NotEditable, options_of, saved_strokes

# One pair in four is held back.
HELD_BACK = 4
MENDED = "yes"
GOOD_CONFIDENCE = 0.9
# Enough for every pass of the network, and for a thousand in memory.
MAX_SIDE_PX = 1024


@dataclass(frozen=True)
class Lines:
    """A report's lines. accepted: mended or decided as good; others: not decided about, of high confidence."""

    accepted: list[ReportLine]
    others: list[ReportLine]

    @property
    def mended(self) -> int:
        """The number of accepted lines that a person changed."""
        return sum(line.mended == MENDED for line in self.accepted)


@dataclass(frozen=True)
class Pair:
    """A photograph of at most MAX_SIDE_PX and its accepted alpha (h, w).

    held_back: whether it judges, which never changes for a file.
    """

    picture: Picture
    alpha_u8: U8
    held_back: bool


def sort_lines(report: Iterable[ReportLine], decisions: Mapping[str, str]) -> Lines:
    """Sort the lines with a result; `decisions` by result. Those to be made again are left out, unless mended since."""
    lines = [line for line in report if line.result]
    accepted = [line for line in lines if line.mended == MENDED or decisions.get(line.result) == KEEP]
    # What the network does badly must not be kept as it does it.
    good = [line for line in lines if line.confidence and float(line.confidence) >= GOOD_CONFIDENCE]
    others = [line for line in good if line.mended != MENDED and decisions.get(line.result) not in (KEEP, REDO)]
    return Lines(accepted, others)


def read_decided(data: bytes) -> dict[str, str]:
    """Parse the review page's table: the decision by result. Raises ValueError for any other file."""
    return {row["result"]: row["decision"] for row in read_table(data, {"result", "decision"})}


def is_held_back(photograph: bytes) -> bool:
    """Return whether a photograph's pair judges: by its content, so that a second learning learns no judge."""
    return int.from_bytes(hashlib.sha256(photograph).digest()[:4]) % HELD_BACK == 0


def read_photograph(line: ReportLine) -> tuple[Picture, bool]:
    """Return a line's photograph, and whether it is held back. Raises OSError, MattingError and NotEditable."""
    if not Path(line.picture).is_absolute():
        raise NotEditable("its picture is not on this machine")
    data = read_file(Path(line.picture))
    picture = decode_image(data, LOCAL_LIMITS)
    if picture.alpha_u8 is not None:
        raise NotEditable("its picture is a cut-out already")
    return picture, is_held_back(data)


def read_pairs(
    lines: Iterable[ReportLine], folder: Path, network: Predictor, profiles: Mapping[str, Profile]
) -> Iterator[Pair | str]:
    """Yield each line's pair, or why it is none. `folder`: the report's; `network`: what made its results."""
    strokes = saved_strokes(folder)
    for line in lines:
        try:
            options = options_of(line, folder, profiles)
            if options.roi is not None or options.subject != "auto" or line.subject == "stamp":
                raise NotEditable("it shows a region or a chosen subject only")
            picture, held_back = read_photograph(line)
            alpha_u8 = _own_alpha(folder / line.result, picture, options)
            if alpha_u8 is None:
                alpha_u8 = _made_again(line, picture, options, network, strokes.get(line.key))
            yield _reduced(picture, alpha_u8, held_back)
        except (NotEditable, MattingError, *PLUGIN_ERRORS, Image.DecompressionBombError) as error:
            yield f"{line.picture}: {error}"


def _own_alpha(result: Path, picture: Picture, options: CutOptions) -> U8 | None:
    """Return the result's alpha (H, W) where it is the subject's at the picture's own size and place, else None."""
    plain = CutOptions(image_format=options.image_format, want_mask=options.want_mask)
    with Image.open(result) as image:
        if options != plain or image.size != (picture.width, picture.height) or "A" not in image.getbands():
            return None
        return np.asarray(image.getchannel("A"))


def _made_again(line: ReportLine, picture: Picture, options: CutOptions, network: Predictor, strokes: object) -> U8:
    """Return the alpha (H, W) that the network and the strokes gave. Raises NotEditable, MattingError, ValueError."""
    if line.mended == MENDED and not strokes:
        raise NotEditable("the strokes of its edit are not known")
    made = Mendable.of(matte_picture(picture, CutOptions(options.subject, want_image=False), network, StageTimer()))
    for stroke in read_strokes(strokes) if line.mended == MENDED else ():
        made = mend(picture, made, [stroke])
    return made.alpha_u8


def _reduced(picture: Picture, alpha_u8: U8, held_back: bool) -> Pair:
    size, box = fit_within(picture.width, picture.height, MAX_SIDE_PX), Image.Resampling.BOX
    small = Picture(resize_u8(picture.rgb_u8, *size, box), None, picture.format)
    return Pair(small, resize_u8(alpha_u8, *size, box), held_back)
