"""Fields of Cutline's own for tasks: how the subject stands in the result, a region, and marketplaces' profiles."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from cutline.errors import InputRefused, Reason
from cutline.pipeline.layout.framing_parser import READERS, read_framing, read_region
from cutline.pipeline.options import CutOptions
from cutline.pipeline.outputs.metadata import ResultMetadata, confidence_field
from cutline.pipeline.outputs.profiles import read_profiles

NAMES = (*READERS, "roi", "profile")
# Fields that a profile sets itself.
_PROFILED = ("format", "bg_color", "crop", *READERS)


def with_own_fields(cut: CutOptions, fields: Mapping[str, str]) -> CutOptions:
    """Return the options with the framing, region and profile asked for. Raises InputRefused(PARAMETER_INVALID)."""
    asked = {name: text.strip() for name, text in fields.items() if text.strip()}
    profile = asked.get("profile", "")
    if profile and (cut.want_mask or any(name in asked for name in _PROFILED)):
        raise InputRefused(
            Reason.PARAMETER_INVALID, "`profile` cannot be combined with fields other than `type` and `roi`"
        )
    if profile and profile not in read_profiles():
        raise InputRefused(Reason.PARAMETER_INVALID, f"There is no profile {profile[:50]!r}")
    try:
        roi = read_region(asked["roi"]) if "roi" in asked else None
        return replace(cut, framing=read_framing(asked), roi=roi, profile=profile)
    except ValueError as error:
        raise InputRefused(Reason.PARAMETER_INVALID, f"Invalid {error}") from error


def response_fields(metadata: ResultMetadata | None) -> dict[str, Any]:
    """Return the fields that Cutline adds to the vendor's answer about a result."""
    if metadata is None:
        return {}
    confidence = confidence_field(metadata.confidence)
    if not metadata.profile:
        return confidence
    verdicts = [asdict(verdict) for verdict in metadata.verdicts]
    return {**confidence, "profile": metadata.profile, "passed": metadata.passed, "verdicts": verdicts}
