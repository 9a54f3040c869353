"""Fields of Cutline's own: shadow, background and metadata; for tasks also framing, a region, and profiles."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from cutline.contracts.wire import Job, Source
from cutline.errors import InputRefused, Reason
from cutline.pipeline.finish.options import (
    NO_SHADOW,
    Background,
    BackgroundPicture,
    Shadow,
    read_background,
    read_fit,
    read_shadow,
)
from cutline.pipeline.layout.framing_parser import READERS, read_framing, read_region
from cutline.pipeline.options import (
    DEPTHS,
    METADATA_MODES,
    CutOptions,
    GarmentOptions,
    SingleFileOptions,
    check_depth,
    read_metadata_mode,
)
from cutline.pipeline.outputs.metadata import ResultMetadata, confidence_field
from cutline.pipeline.outputs.profiles import read_profiles

FINISH = ("shadow", "background", "background_fit", "metadata", "depth")
# A background picture as a file of a multipart form.
BACKGROUND_FILE = "background_file"
NAMES = (*READERS, "roi", "profile", *FINISH)
# Fields that a profile sets itself.
_PROFILED = ("format", "bg_color", "background", "crop", "depth", *READERS)


def with_own_fields(cut: CutOptions, fields: Mapping[str, str]) -> CutOptions:
    """Return the options with the framing, region and profile asked for. Raises InputRefused(PARAMETER_INVALID)."""
    asked = {name: text.strip() for name, text in fields.items() if text.strip()}
    profile = asked.get("profile", "")
    if profile and (cut.want_mask or any(name in asked for name in _PROFILED)):
        raise InputRefused(
            Reason.PARAMETER_INVALID,
            "`profile` cannot be combined with fields other than `type`, `roi`, `shadow` and `metadata`",
        )
    if profile and profile not in read_profiles():
        raise InputRefused(Reason.PARAMETER_INVALID, f"There is no profile {profile[:50]!r}")
    try:
        roi = read_region(asked["roi"]) if "roi" in asked else None
        return replace(cut, framing=read_framing(asked), roi=roi, profile=profile)
    except ValueError as error:
        raise InputRefused(Reason.PARAMETER_INVALID, f"Invalid {error}") from error


def with_finish(
    job: Job, fields: Mapping[str, str], file: bytes = b"", *, has_background: bool = False, deep: bool = True
) -> Job:
    """Return the job with the shadow, the background and the metadata asked for, and a background picture's source.

    file: that picture itself; has_background: whether a field of the vendor's sets one; deep:
    whether answers can carry 16 bits. Raises
    InputRefused(PARAMETER_INVALID | IMAGE_TOO_LARGE).
    """
    job = _with_file_options(job, fields, deep=deep)
    shadow, background = _read_finish(fields, is_file=bool(file))
    if shadow == NO_SHADOW and background is None:
        return _checked_depth(job)
    if background is not None and (has_background or job.cut.profile):
        raise InputRefused(
            Reason.PARAMETER_INVALID, "`background` cannot be combined with another field that sets the background"
        )
    if len(file) > job.limits.max_bytes:
        raise InputRefused(Reason.IMAGE_TOO_LARGE, "the background has too many bytes")
    source = Source(data=file) if file else backdrop_of(background)
    options, cut = job.options, job.cut
    if isinstance(options, GarmentOptions):
        options = replace(options, shadow=shadow, background=background)
    elif isinstance(options, SingleFileOptions):
        colour = (*background, 255) if isinstance(background, tuple) else background
        options = replace(options, shadow=shadow, background=colour or options.background)
    else:
        cut = replace(cut, shadow=shadow, background=background or cut.background)
    return _checked_depth(replace(job, options=options, cut=cut, backdrop=source))


def _with_file_options(job: Job, fields: Mapping[str, str], *, deep: bool) -> Job:
    depth = fields.get("depth", "").strip() or "8"
    if depth not in DEPTHS:
        raise InputRefused(Reason.PARAMETER_INVALID, f"Invalid depth: it is one of {', '.join(DEPTHS)}")
    try:
        mode = read_metadata_mode(fields.get("metadata", "").strip() or METADATA_MODES[0])
    except ValueError as error:
        raise InputRefused(Reason.PARAMETER_INVALID, f"Invalid metadata: {error}") from error
    is_cut = not isinstance(job.options, GarmentOptions | SingleFileOptions)
    if DEPTHS[depth] > DEPTHS["8"] and not (deep and is_cut):
        raise InputRefused(Reason.PARAMETER_INVALID, "Invalid depth: the results of this API have 8 bits")
    if isinstance(job.options, GarmentOptions | SingleFileOptions):
        return replace(job, options=replace(job.options, metadata=mode))
    return replace(job, cut=replace(job.cut, metadata=mode, depth=DEPTHS[depth]))


def _checked_depth(job: Job) -> Job:
    try:
        check_depth(job.cut)
    except ValueError as error:
        raise InputRefused(Reason.PARAMETER_INVALID, f"Invalid depth: {error}") from error
    return job


def backdrop_of(background: object) -> Source | None:
    """Return where the picture of a background is, or None if it is none."""
    return Source(url=background.source) if isinstance(background, BackgroundPicture) and background.source else None


def _read_finish(fields: Mapping[str, str], *, is_file: bool) -> tuple[Shadow, Background | None]:
    asked = {name: fields.get(name, "").strip() for name in FINISH}
    name = "shadow"
    try:
        shadow = read_shadow(asked["shadow"]) if asked["shadow"] else NO_SHADOW
        name = "background"
        if is_file and asked["background"]:
            raise ValueError(f"cannot be combined with {BACKGROUND_FILE}")
        if is_file:
            return shadow, BackgroundPicture(fit=read_fit(asked["background_fit"]))
        read_fit(asked["background_fit"])
        return shadow, read_background(asked["background"], asked["background_fit"]) if asked["background"] else None
    except ValueError as error:
        raise InputRefused(Reason.PARAMETER_INVALID, f"Invalid {name}: {error}") from error


def response_fields(metadata: ResultMetadata | None) -> dict[str, Any]:
    """Return the fields that Cutline adds to the vendor's answer about a result."""
    if metadata is None:
        return {}
    known = confidence_field(metadata.confidence) | metadata.finish
    if not metadata.profile:
        return known
    verdicts = [asdict(verdict) for verdict in metadata.verdicts]
    return {**known, "profile": metadata.profile, "passed": metadata.passed, "verdicts": verdicts}
