"""What is kept of a stored result so that it can be mended, as one file, and the mended files of it.

A version's file is a zip archive, stored without compression, because all but the document is compressed already:

    cut.json   `Kept` without pictures
    alpha.png  the version's alpha at the photograph's size
    photo      of the first version only: the photograph as it came
    backdrop   the same, of a result on a background picture
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from cutline.errors import InputRefused, Reason
from cutline.limits import MIB, PictureLimits
from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.codecs.decoder_process import decode_in_subprocess
from cutline.pipeline.codecs.encode import encode_png
from cutline.pipeline.cutout import ResolvedSubject
from cutline.pipeline.filters import U8
from cutline.pipeline.mend import Mendable, View, changed_share, mend, mended_matte
from cutline.pipeline.options import CutOptions, cut_document, cut_options_from
from cutline.pipeline.outputs.files import OutputFiles, finish_files
from cutline.pipeline.stroke import Stroke
from cutline.pipeline.timing import StageTimer

# Above the bounds of every API with links: each has refused what it does not take.
LIMITS = PictureLimits(
    frozenset({"AVIF", "BMP", "GIF", "HEIF", "JPEG", "PNG", "TIFF", "WEBP"}), 20 * MIB, max_side_px=4096
)
_DOCUMENT, _ALPHA, _PHOTO, _BACKDROP = "cut.json", "alpha.png", "photo", "backdrop"
_NOTHING_LEFT = "Nothing would be left of the picture"


@dataclass(frozen=True)
class Kept:
    """One version of a result.

    cut: the options that made it, as `cut_document`; subject, confidence: the network's; view: where the result shows
    its photograph; keys: where its files are stored, by name; task_id: of a task; strokes: all so far, over the
    photograph; asked: those of the last mend, over the result before it; changed: the share of the pixels that it
    changed; metadata: of its files, as `ResultMetadata.to_json`.
    """

    cut: Mapping[str, Any]
    subject: ResolvedSubject
    confidence: float | None
    view: Mapping[str, Any]
    keys: Mapping[str, str]
    task_id: str = ""
    strokes: Sequence[Mapping[str, Any]] = ()
    asked: Sequence[Mapping[str, Any]] = ()
    changed: float = 0.0
    metadata: str = ""


@dataclass(frozen=True)
class KeptFile:
    """A version's file, opened; of later versions `photo` and `backdrop` are None."""

    kept: Kept
    alpha_png: bytes
    photo: bytes | None
    backdrop: bytes | None


@dataclass(frozen=True)
class Mended:
    """A new version: its files, what is kept of it, and that as a file."""

    files: OutputFiles
    kept: Kept
    file: bytes


def keep_first(
    photo: bytes, options: CutOptions, made: OutputFiles, backdrop: bytes | None, keys: Mapping[str, str], task_id: str
) -> bytes:
    """Return the file of a result's first version."""
    found = made.mendable
    kept = Kept(
        json.loads(json.dumps(cut_document(options))),
        found.subject,
        found.confidence,
        made.view.to_document(),
        dict(keys),
        task_id,
    )
    return _packed(kept, found.alpha_u8, photo, backdrop)


def open_kept(file: bytes) -> KeptFile:
    """Return a version's parts."""
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        there = set(archive.namelist())
        photo, backdrop = (archive.read(name) if name in there else None for name in (_PHOTO, _BACKDROP))
        kept = Kept(**json.loads(archive.read(_DOCUMENT)))
        return KeptFile(kept, archive.read(_ALPHA), photo, backdrop)


def mend_kept(first: KeptFile, last: KeptFile, view: View, strokes: Sequence[Stroke], timer: StageTimer) -> Mended:
    """Return the version after `last`, of which `first` is the first one: `strokes` are over the result of `view`.

    Raises InputRefused(NO_SUBJECT) where nothing would be left, and as `finish_files`.
    """
    assert first.photo is not None
    options = cut_options_from(first.kept.cut)
    with timer.stage("decode"):
        picture = decode_in_subprocess(first.photo, LIMITS, options.metadata, options.depth)
        backdrop = None if first.backdrop is None else decode_in_subprocess(first.backdrop, LIMITS)
        before = _mendable(first, last)
    with timer.stage("strokes"):
        after = mend(picture, before, view.on_picture(strokes))
    made = _finished(picture, after, options, backdrop, timer)
    kept = replace(
        last.kept,
        view=made.view.to_document(),
        strokes=[_document(stroke) for stroke in after.strokes],
        asked=[_document(stroke) for stroke in strokes],
        changed=changed_share(before, after),
        metadata=made.metadata.to_json(),
    )
    with timer.stage("encode"):
        return Mended(made, kept, _packed(kept, after.alpha_u8))


def is_last_mend(kept: Kept, strokes: Sequence[Stroke]) -> bool:
    """Return whether these strokes are those that made the version."""
    return bool(kept.asked) and list(kept.asked) == [_document(stroke) for stroke in strokes]


def _finished(
    picture: Picture, cut: Mendable, options: CutOptions, backdrop: Picture | None, timer: StageTimer
) -> OutputFiles:
    with timer.stage("foreground"):
        matte = replace(mended_matte(picture, cut, options.roi), metadata=picture.metadata)
    if matte.box is None:
        raise InputRefused(Reason.NO_SUBJECT, _NOTHING_LEFT)
    return finish_files(matte, options, timer, backdrop)


def _mendable(first: KeptFile, last: KeptFile) -> Mendable:
    strokes = tuple(_stroke(document) for document in last.kept.strokes)
    alphas = _pixels(first.alpha_png), _pixels(last.alpha_png)
    return Mendable(first.kept.subject, first.kept.confidence, *alphas, strokes)


def _pixels(png: bytes) -> U8:
    with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
        return np.array(image)


def _document(stroke: Stroke) -> dict[str, Any]:
    """Return a stroke as JSON reads it back. It may reach beyond its picture, which `read_strokes` would refuse."""
    return {**asdict(stroke), "points": [list(point) for point in stroke.points]}


def _stroke(document: Mapping[str, Any]) -> Stroke:
    return Stroke(**{**document, "points": tuple((x, y) for x, y in document["points"])})


def _packed(kept: Kept, alpha_u8: U8, photo: bytes | None = None, backdrop: bytes | None = None) -> bytes:
    parts = {_DOCUMENT: json.dumps(asdict(kept)), _ALPHA: encode_png(alpha_u8), _PHOTO: photo, _BACKDROP: backdrop}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, part in parts.items():
            if part is not None:
                archive.writestr(name, part)
    return file.getvalue()
