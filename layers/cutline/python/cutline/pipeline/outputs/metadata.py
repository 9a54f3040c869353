"""Metadata of a result: subject, confidence, and the verdicts of a profile's rules. Imports no library."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Verdict:
    """One rule's check: what it asked for, what was measured on the file, and whether that passes.

    source: where the rule stands, or what is assumed in its place; assumed: whether it is the latter.
    """

    rule: str
    wanted: str
    measured: str
    passed: bool
    source: str = ""
    assumed: bool = False

    @property
    def text(self) -> str:
        """The verdict in one line."""
        known = f"{self.rule} {self.measured}" if self.passed else f"{self.rule} {self.measured}, not {self.wanted}"
        return f"{known} (assumed)" if self.assumed else known


@dataclass(frozen=True)
class ResultMetadata:
    """Facts of one result.

    subject, coverage, confidence, enlargement: as of `cutline.pipeline.cutout.Cutout`; profile: the name of the one
    that made it, with a verdict per rule; shadow: the one that it has, "none" where one was asked for in vain, "" where
    none was; file_metadata: what it keeps of its picture's file, as of `FileMetadata.text`, or "";
    depth: "16", or "8 in 16" for one whose picture has 8 bits, where 16 were asked for.
    """

    subject: str
    coverage: float
    confidence: float | None
    enlargement: float = 1.0
    profile: str = ""
    verdicts: tuple[Verdict, ...] = ()
    shadow: str = ""
    file_metadata: str = ""
    depth: str = ""

    @property
    def passed(self) -> bool:
        """Whether every rule of the profile is kept."""
        return all(verdict.passed for verdict in self.verdicts)

    @property
    def object_metadata(self) -> dict[str, str]:
        """For an object's metadata, and by the names of a report's columns."""
        known = {"subject": self.subject, "enlargement": f"{self.enlargement:.3f}"}
        if self.confidence is not None:
            known["confidence"] = f"{self.confidence:.4f}"
        known |= self.finish
        return {**known, **_judgement(self)} if self.profile else known

    @property
    def notes(self) -> dict[str, Any]:
        """For a log line."""
        known: dict[str, Any] = {"subject": self.subject, "coverage": round(self.coverage, 4)}
        named = {"profile": self.profile} if self.profile else {}
        return {**known, **confidence_field(self.confidence), **named, **self.finish}

    @property
    def finish(self) -> dict[str, str]:
        """Return what the result has of the shadow and the metadata that were asked for."""
        return finish_notes(self.shadow, self.file_metadata, self.depth)

    def to_json(self) -> str:
        """For storage; `from_json` reads it back."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ResultMetadata:
        """The metadata that `to_json` wrote."""
        fields: Mapping[str, Any] = json.loads(text)
        return cls(**{**fields, "verdicts": tuple(Verdict(**verdict) for verdict in fields["verdicts"])})


def confidence_field(confidence: float | None) -> dict[str, float]:
    """Return the field of answers and log lines, or none if the network has no fitted confidence."""
    return {} if confidence is None else {"confidence": round(confidence, 4)}


def finish_notes(shadow: str, file_metadata: str, depth: str = "") -> dict[str, str]:
    """Return the fields of answers and log lines about what was asked for."""
    return {name: value for name, value in (("shadow", shadow), ("metadata", file_metadata), ("depth", depth)) if value}


def _judgement(metadata: ResultMetadata) -> dict[str, str]:
    return {
        "profile": metadata.profile,
        "passed": "yes" if metadata.passed else "no",
        "verdicts": "; ".join(verdict.text for verdict in metadata.verdicts),
    }
