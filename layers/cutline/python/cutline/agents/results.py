"""JSON schemas of what the tools return: their documents. `schemas` has those of the arguments."""

from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]
PASSED: Final = ("yes", "no", "")


def object_of(required: tuple[str, ...], **properties: Schema) -> Schema:
    """Return the schema of an object that has no other properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _all(**properties: Schema) -> Schema:
    """Return the schema of a result, which always has all properties."""
    return object_of(tuple(properties), **properties)


_PATH: Schema = {"type": "string", "description": "Absolute path of the file that was made."}
_NUMBER: Schema = {"type": "number"}
_WHOLE: Schema = {"type": "integer"}
_CONFIDENCE: Schema = {
    "type": ["number", "null"],
    "description": "Probability in 0..1 that the cut-out is good: show a person the low ones. null: not known.",
}
_MADE: Mapping[str, Schema] = {
    "result": _PATH,
    "format": {"type": "string"},
    "bytes": _WHOLE,
    "width": _WHOLE,
    "height": _WHOLE,
    "confidence": _CONFIDENCE,
    "shadow": {"type": "string", "description": "The shadow that the result has: keep, drop or none."},
    "metadata": {"type": "string", "description": "Parts of the photograph's metadata that the result keeps."},
}
_VERDICTS: Schema = {
    "type": "array",
    "description": "One verdict per rule: what is wanted, what the file has, and whether that passes. `told` as wanted "
    "is a remark without a rule; `assumed` rules are not the marketplace's own words.",
    "items": object_of(
        ("rule", "wanted", "measured", "passed"),
        rule={"type": "string"},
        wanted={"type": "string"},
        measured={"type": "string"},
        passed={"type": "boolean"},
        source={"type": "string"},
        assumed={"type": "boolean"},
    ),
}
_JUDGED: Mapping[str, Schema] = {
    "profile": {"type": "string"},
    "passed": {"type": "boolean", "description": "Whether every rule is kept."},
    "verdicts": _VERDICTS,
}

CUT: Final = _all(
    **_MADE,
    depth={"type": "string", "description": "Where 16 bits were asked for: 16, or 8 in 16 if the photograph has 8."},
    subject={"type": "string"},
    coverage={"type": "number", "description": "The subject's share of the photograph, 0..1."},
    enlargement={"type": "number", "description": "Above 1 the result has more pixels than the photograph."},
    box={
        "type": "array",
        "items": _WHOLE,
        "description": "The subject in the photograph: left, top, right, bottom in pixels.",
    },
)
PUBLISH: Final = _all(
    **_MADE,
    **_JUDGED,
    subject={"type": "string"},
    warnings={
        "type": "array",
        "items": {"type": "string"},
        "description": "What a person should know: rules not kept, enlargement, a subject cut off.",
    },
)
GARMENTS: Final = _all(
    result={**_PATH, "description": "Absolute path of the file with all of the clothes together."},
    files={
        "type": "object",
        "additionalProperties": {"type": "string"},
        "description": "Absolute path of each class's own file.",
    },
    found={
        "type": "array",
        "items": {"type": "string"},
        "description": "All classes in the photograph, also those not asked for.",
    },
    width=_WHOLE,
    height=_WHOLE,
    confidence={
        **_CONFIDENCE,
        "description": "Of the outline around the clothes; says nothing of the classes.",
    },
    shadow=_MADE["shadow"],
    metadata=_MADE["metadata"],
)
CHECK: Final = _all(**_JUDGED, subject={"type": "string"}, coverage=_NUMBER, confidence=_CONFIDENCE)
REVIEW: Final = _all(
    total={"type": "integer", "description": "Pictures in the report."},
    matching={"type": "integer", "description": "Pictures to review, of which `results` are the first."},
    results={
        "type": "array",
        "items": _all(
            picture={"type": "string"},
            result={"type": "string", "description": "Absolute path, or empty where there is none."},
            problem={"type": "string", "description": "Why there is no result."},
            subject={"type": "string"},
            confidence={"type": ["number", "null"]},
            profile={"type": "string"},
            passed={"type": "string", "enum": list(PASSED)},
            verdicts={"type": "array", "items": {"type": "string"}},
            mended={"type": "string"},
        ),
    },
)
