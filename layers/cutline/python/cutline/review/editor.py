"""The pictures that a review page edits: previews after each stroke, and the saved result with its line of the report.

A preview works on the picture reduced to `PREVIEW_PX`, so it takes the same time for every picture; only a save works
on all pixels. The strokes of every saved result stay in `STROKES`, next to the report, so that it can be edited again.
"""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cutline.batch.folders import LocalFolder
from cutline.batch.report import ReportLine, read_report, write_report
from cutline.errors import InputRefused, Reason
from cutline.library import Cutter
from cutline.limits import LOCAL_LIMITS
from cutline.local_file import read_file
from cutline.pipeline.codecs.decode import Picture, decode_image
from cutline.pipeline.cutout import Matte, matte_picture
from cutline.pipeline.filters import fit_within, resize_u8
from cutline.pipeline.mend import Mendable, mend, mended_matte
from cutline.pipeline.options import FORMATS, CutOptions
from cutline.pipeline.outputs.files import encode_files
from cutline.pipeline.outputs.metadata import ResultMetadata
from cutline.pipeline.outputs.profiles import Profile
from cutline.pipeline.outputs.publish import publish
from cutline.pipeline.stroke import Stroke, read_strokes
from cutline.pipeline.timing import StageTimer
from cutline.review.remake import STROKES, UNKNOWN, NotEditable, options_of, saved_strokes

PREVIEW_PX = 1024
_PREVIEW_QUALITY = 88
_KEPT_PREVIEWS = 64


@dataclass
class _Open:
    """The picture that is being edited."""

    key: str
    picture: Picture
    mendable: Mendable
    small: Picture
    # The previews' cut-outs by the strokes that led to them: an undo is there already.
    previews: dict[tuple[Stroke, ...], Mendable] = field(default_factory=dict)


class Editor:
    """Edits the results of a report, one picture at a time; threads may share it."""

    def __init__(
        self, report: Path, lines: dict[str, ReportLine], cutter: Cutter, model: str, profiles: dict[str, Profile]
    ) -> None:
        self.lines = dict(lines)
        self._report, self._cutter, self._model, self._profiles = report, cutter, model, profiles
        self._lock = threading.Lock()
        self._open: _Open | None = None

    def photo(self, key: str) -> tuple[bytes, list[dict[str, Any]]]:
        """Return the reduced picture as JPEG, and the strokes of its last save. Raises NotEditable and MattingError."""
        with self._lock:
            edited = self._opened(key)
            file = io.BytesIO()
            Image.fromarray(edited.small.rgb_u8).save(file, "JPEG", quality=_PREVIEW_QUALITY)
            return file.getvalue(), saved_strokes(self._report.parent).get(key, [])

    def preview(self, key: str, documents: object) -> bytes:
        """Return the mask after these strokes: a PNG of the photo's size whose alpha is the cut-out's.

        Raises ValueError for wrong strokes, NotEditable and MattingError.
        """
        strokes = read_strokes(documents) if documents else ()
        with self._lock:
            edited = self._opened(key)
            alpha_u8 = self._mended(edited, strokes).alpha_u8
        image = Image.fromarray(np.dstack([np.zeros_like(alpha_u8), alpha_u8]), "LA")
        file = io.BytesIO()
        image.save(file, "PNG", compress_level=1)
        return file.getvalue()

    def save(self, key: str, documents: object) -> ReportLine:
        """Replace the result by the mended one and return its new line. Raises as `preview`, and OSError."""
        strokes = read_strokes(documents) if documents else ()
        with self._lock:
            edited, options = self._opened(key), self._options(key)
            mended = edited.mendable
            for stroke in strokes:
                mended = mend(edited.picture, mended, [stroke])
            with _by_the_report():
                matte = mended_matte(edited.picture, mended, options.roi)
                if matte.box is None:
                    raise InputRefused(Reason.NO_SUBJECT, "Nothing would be left of the picture")
                file, metadata = self._made(matte, options)
            line = _changed(self.lines[key], metadata, matte, mended=bool(strokes))
            self._write(line, file, documents if strokes else [])
            return line

    def _made(self, matte: Matte, options: CutOptions) -> tuple[bytes, ResultMetadata]:
        if options.profile:
            made = publish(matte, self._profiles[options.profile], options.shadow)
            return made.file, made.metadata
        files = encode_files(matte, options, StageTimer())
        return next(iter(files.files.values())), files.metadata

    def _write(self, line: ReportLine, file: bytes, documents: Any) -> None:
        folder = LocalFolder(self._report.parent)
        folder.write(line.result.removeprefix("./"), file)
        self.lines[line.key] = line
        folder.write(self._report.name, write_report([line], self._lines_of_now()))
        folder.write(STROKES, json.dumps({**saved_strokes(self._report.parent), line.key: documents}).encode())

    def _lines_of_now(self) -> dict[str, ReportLine]:
        """Return the report's lines, among them what `cutline cut` has added since the editor read it."""
        try:
            return read_report(read_file(self._report))
        except (OSError, ValueError):
            return self.lines

    def _mended(self, edited: _Open, strokes: tuple[Stroke, ...]) -> Mendable:
        """Return the preview's cut-out, from the longest row of strokes that is known."""
        if strokes in edited.previews:
            return edited.previews[strokes]
        made = mend(edited.small, self._mended(edited, strokes[:-1]), strokes[-1:])
        if len(edited.previews) > _KEPT_PREVIEWS:
            edited.previews = {(): edited.previews[()]}
        edited.previews[strokes] = made
        return made

    def _opened(self, key: str) -> _Open:
        if self._open is None or self._open.key != key:
            options = self._options(key)
            path = Path(self.lines[key].picture)
            with _by_the_report():
                picture = decode_image(read_file(path), LOCAL_LIMITS, options.metadata, options.depth)
                matte = matte_picture(picture, options, self._cutter.network(self._model), StageTimer())
            mendable = Mendable.of(matte)
            small, first = _reduced(picture, mendable)
            self._open = _Open(key, picture, mendable, small, {(): first})
        return self._open

    def _options(self, key: str) -> CutOptions:
        """Return how the result was made. Raises NotEditable."""
        options = options_of(self.lines.get(key), self._report.parent, self._profiles)
        if options.profile:
            kind, ending = self._profiles[options.profile].image_format, Path(self.lines[key].result).suffix
            if FORMATS.get(ending.lstrip(".").lower()) != kind:
                raise NotEditable(f"{options.profile} now asks for {kind}, not {ending}; cut this picture again.")
        return options


@contextmanager
def _by_the_report() -> Iterator[None]:
    """Raise NotEditable where options have values of another type than `cutline cut` writes into a report."""
    try:
        yield
    except (TypeError, LookupError, AttributeError, ArithmeticError) as error:
        raise NotEditable(UNKNOWN) from error


def _reduced(picture: Picture, mendable: Mendable) -> tuple[Picture, Mendable]:
    size = fit_within(picture.width, picture.height, PREVIEW_PX)
    box = Image.Resampling.BOX
    own_u8 = None if picture.alpha_u8 is None else resize_u8(picture.alpha_u8, *size, box)
    alpha_u8 = resize_u8(mendable.alpha_u8, *size, box)
    small = Picture(resize_u8(picture.rgb_u8, *size, box), own_u8, picture.format)
    return small, replace(mendable, first_u8=alpha_u8, alpha_u8=alpha_u8)


def _changed(line: ReportLine, metadata: ResultMetadata, matte: Matte, *, mended: bool) -> ReportLine:
    """Return a result's line with what the new file measures; subject and confidence are the network's."""
    measured = {
        name: value
        for name, value in metadata.object_metadata.items()
        if name not in ("subject", "confidence") and hasattr(line, name)
    }
    box = matte.box
    assert box is not None
    return replace(
        line,
        **measured,
        coverage=f"{metadata.coverage:.4f}",
        box=f"{box.left}, {box.top}, {box.right}, {box.bottom}" if line.box else "",
        mended="yes" if mended else "",
    )
