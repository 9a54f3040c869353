"""What each tool does, with the library: from checked arguments to files, a document and a preview.

Raises of every tool: PathRefused and other ValueErrors for arguments, MattingError, OSError; nothing is stored then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cutline.agents.folders import PathRefused, SharedFolders
from cutline.agents.results import PASSED
from cutline.agents.schemas import DEFAULT_LISTED, declare
from cutline.batch.report import FILE as REPORT
from cutline.batch.report import ReportLine, problem_of, read_report
from cutline.contracts.extensions import response_fields
from cutline.pipeline.finish.options import BackgroundPicture, read_background, read_shadow
from cutline.pipeline.layout.framing_parser import OPTION_NAMES, READERS, read_region
from cutline.pipeline.options import CONTENT_TYPES, GARMENTS, GarmentOptions, image_format_of
from cutline.pipeline.outputs.metadata import ResultMetadata
from cutline.pipeline.outputs.profiles import Profile
from cutline.review.page import worst_first
from cutline.storage_keys import ENDINGS

if TYPE_CHECKING:
    from cutline.library import Cutter

Arguments = Mapping[str, Any]
_NAME_BYTES = 200
# Arguments of `cut` that are the library's own keywords.
_KEYWORDS = (
    "subject",
    "format",
    "background_fit",
    "shadow",
    "crop",
    "roi",
    "metadata",
    "depth",
    *(OPTION_NAMES.get(n, n) for n in READERS),
)


@dataclass(frozen=True)
class Answer:
    """What a tool returns; preview: a WebP, or None."""

    document: dict[str, Any]
    preview: bytes | None = None


class Tools:
    """The tools over some folders. `call` works one picture; the caller bounds how many run at once."""

    def __init__(
        self,
        folders: SharedFolders,
        profiles: Mapping[str, Profile],
        open_cutter: Callable[[], Cutter],
        checkpoint: Callable[[], None] = lambda: None,
    ) -> None:
        """`open_cutter` is called at the first use; `checkpoint` raises where the call was cancelled."""
        self._folders, self._profiles = folders, profiles
        self._open_cutter, self._checkpoint = open_cutter, checkpoint
        self.declared = {tool.name: tool for tool in declare({name: one.title for name, one in profiles.items()})}
        self._work: Mapping[str, Callable[[Arguments], Answer]] = {
            "cut": self._cut,
            "publish": self._publish,
            "garments": self._garments,
            "check": self._check,
            "review": self._review,
        }

    def call(self, name: str, arguments: Arguments) -> Answer:
        """Run a tool with arguments that its schema permits."""
        return self._work[name](arguments)

    @cached_property
    def _cutter(self) -> Cutter:
        return self._open_cutter()

    def _cut(self, asked: Arguments) -> Answer:
        image_format, mask = image_format_of(asked.get("format", "png")), asked.get("mask", False)
        if mask and "background" in asked:
            raise ValueError("`mask` cannot be combined with `background`")
        data = self._read(asked)
        keywords = {name: asked[name] for name in _KEYWORDS if name in asked}
        made = self._cutter.cut(data, **keywords, background=self._background(asked), only_mask=mask)
        name = _result_name(asked["picture"], CONTENT_TYPES[image_format], "mask" if mask else "image")
        (result,) = self._store({name: made.image}).values()
        facts = _facts(made.image, image_format, (made.width, made.height), made.confidence, made.shadow)
        box = made.box
        more = {
            "metadata": made.metadata,
            "depth": made.depth,
            "subject": made.subject,
            "coverage": round(made.coverage, 4),
            "enlargement": round(made.enlargement, 4),
            "box": [box.left, box.top, box.right, box.bottom],
        }
        return Answer({"result": result, **facts, **more}, _preview(asked, made.image))

    def _publish(self, asked: Arguments) -> Answer:
        roi = read_region(asked["roi"]) if "roi" in asked else None
        shadow = read_shadow(asked.get("shadow", "none"))
        data = self._read(asked)
        profile = self._profiles[asked["profile"]]
        made = self._cutter.publish(
            data, profile, asked.get("subject", "auto"), roi, shadow, asked.get("metadata", "none")
        )
        (result,) = self._store({_result_name(asked["picture"], made.content_type): made.file}).values()
        cutout = made.cutout
        size = cutout.placement.width, cutout.placement.height
        facts = _facts(made.file, profile.image_format, size, cutout.confidence, made.shadow)
        more = {"warnings": list(made.warnings), "subject": cutout.subject, "metadata": made.file_metadata}
        return Answer({"result": result, **facts, **_judged(made.metadata), **more}, _preview(asked, made.file))

    def _garments(self, asked: Arguments) -> Answer:
        # Here, because the pictures' libraries are slow to import.
        from cutline.local_pictures import choose_background  # noqa: PLC0415

        behind = choose_background(self._background(asked), asked.get("background_fit", ""))
        options = GarmentOptions(
            tuple(asked.get("classes", GARMENTS)),
            asked.get("form", "cutout"),
            merged="classes" in asked,
            background=behind.value,
            shadow=read_shadow(asked.get("shadow", "none")),
            metadata=asked.get("metadata", "none"),
        )
        made = self._cutter.encode_garments(self._read(asked), options, behind.picture)
        assert made.image is not None
        names = {garment: _result_name(asked["picture"], "image/png", garment) for garment in made.classes}
        union = _result_name(asked["picture"], "image/png", "garments")
        stored = self._store({union: made.image} | {names[garment]: file for garment, file in made.classes.items()})
        document = {
            "result": stored[union],
            "files": {garment: stored[name] for garment, name in names.items()},
            "found": list(made.found),
            "width": made.width,
            "height": made.height,
            "confidence": _rounded(made.confidence),
            "shadow": made.shadow or "none",
            "metadata": made.file_metadata,
        }
        return Answer(document, _preview(asked, made.image))

    def _check(self, asked: Arguments) -> Answer:
        data = self._read(asked)
        checked = self._cutter.check(data, self._profiles[asked["profile"]])
        found = checked.metadata
        more = {
            "subject": found.subject,
            "coverage": round(found.coverage, 4),
            "confidence": _rounded(found.confidence),
        }
        return Answer({**_judged(found), **more}, _preview(asked, data))

    def _review(self, asked: Arguments) -> Answer:
        folder = self._folders.locate(asked["folder"])
        lines = worst_first(read_report(self._folders.read(str(folder / REPORT))).values())
        matching = [line for line in lines if needs_review(line, asked.get("below"))]
        items = [_line(line, folder) for line in matching[: int(asked.get("limit", DEFAULT_LISTED))]]
        return Answer({"total": len(lines), "matching": len(matching), "results": items})

    def _read(self, asked: Arguments) -> bytes:
        data = self._folders.read(asked["picture"])
        self._checkpoint()
        return data

    def _store(self, files: Mapping[str, bytes]) -> dict[str, str]:
        """Store results, unless the call was cancelled."""
        self._checkpoint()
        return {name: str(path) for name, path in self._folders.store(files).items()}

    def _background(self, asked: Arguments) -> str | bytes:
        """Return a background for the library: its own text, or a file's content. Raises ValueError."""
        text: str = asked.get("background", "transparent")
        try:
            value = read_background(text)
        except ValueError:
            return self._background_file(text)
        if isinstance(value, BackgroundPicture):
            raise ValueError("`background` must not be an address: copy the picture into a folder of this server")
        return text

    def _background_file(self, path: str) -> bytes:
        try:
            return self._folders.read(path)
        except (PathRefused, OSError) as error:
            problem = problem_of(error) if isinstance(error, OSError) else error
            raise ValueError(
                f"`background` must be transparent, a colour (ffffff), a gradient (ffffff,d0d0d0 or "
                f"ffffff,d0d0d0,90deg), blur, or a picture; {path[:100]!r}: {problem}"
            ) from error


def needs_review(line: ReportLine, below: float | None) -> bool:
    """Whether a result has a fault, no confidence, or one below `below`; None is all."""
    return below is None or not line.result or line.passed == "no" or float(line.confidence or 0) < below


def _result_name(picture: str, content_type: str, what: str = "image") -> str:
    """Return mug.jpg.png for mug.jpg, or mug.jpg-mask.png; of a name as long as files' may be, its beginning."""
    part = "" if what == "image" else f"-{what}"
    stem = Path(picture).name.encode()[:_NAME_BYTES].decode("utf-8", "ignore")
    return f"{stem}{part}{ENDINGS[content_type]}"


def _facts(
    file: bytes, image_format: str, size: tuple[int, int], confidence: float | None, shadow: str
) -> dict[str, Any]:
    return {
        "format": image_format,
        "bytes": len(file),
        "width": size[0],
        "height": size[1],
        "confidence": _rounded(confidence),
        "shadow": shadow or "none",
    }


def _judged(metadata: ResultMetadata) -> dict[str, Any]:
    fields = response_fields(metadata)
    return {name: fields[name] for name in ("profile", "passed", "verdicts")}


def _line(line: ReportLine, folder: Path) -> dict[str, Any]:
    """Return a line of the report as an agent sees it. File names may hold bytes that are no text."""
    texts = {
        "picture": line.picture,
        "result": str(folder / line.result) if line.result else "",
        "problem": line.problem,
        "subject": line.subject,
        "profile": line.profile,
        "passed": line.passed if line.passed in PASSED else "",
        "mended": line.mended,
    }
    shown = {name: text.encode("utf-8", "backslashreplace").decode() for name, text in texts.items()}
    verdicts = [verdict for verdict in line.verdicts.split("; ") if verdict]
    return {**shown, "confidence": float(line.confidence) if line.confidence else None, "verdicts": verdicts}


def _rounded(confidence: float | None) -> float | None:
    return None if confidence is None else round(confidence, 4)


def _preview(asked: Arguments, file: bytes) -> bytes | None:
    # Here, because the pictures' libraries are slow to import.
    from cutline.agents.preview import render_preview  # noqa: PLC0415

    return render_preview(file) if asked.get("preview", True) else None
