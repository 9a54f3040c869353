"""Selects the subject that the caller asked for from the network's predictions."""

from __future__ import annotations

from typing import Literal

import numpy as np

from cutline.pipeline.filters import F32, box_mean, grow
from cutline.pipeline.options import Subject

# A thing next to a person counts if it is at least this share of the foreground; less is the rim between both planes.
_MIN_THING_SHARE = 0.02
_RIM_SHARE = 0.012
_HALF = 0.5
_WHOLE = 0.99


def select_subject(predictions: dict[str, F32], wanted: Subject) -> tuple[Literal["person", "object"], F32]:
    """Return the kind of subject and its alpha (h, w) in [0, 1], from the network's predictions by channel name.

    "auto" is the whole foreground, persons and things together; its kind is "person" if the person plane holds more
    than half of it. Without a person plane every answer is the foreground.
    """
    foreground = predictions["foreground"]
    person = predictions.get("person")
    if person is None:
        return ("person" if wanted == "person" else "object"), foreground
    if wanted == "person":
        return "person", person
    if wanted == "object":
        return "object", _without_person(foreground, person)
    mostly_person = float(np.minimum(foreground, person).sum()) > _HALF * float(foreground.sum())
    return ("person" if mostly_person else "object"), foreground


def _without_person(foreground: F32, person: F32) -> F32:
    """Return the foreground without the person if that leaves a thing of some thickness, else the whole foreground.

    The two planes differ by a pixel along their edges, so their difference has a thin rim all around a person. A thing
    is what survives an erosion, grown back to its own edge.
    """
    rest = foreground * (1 - person)
    radius = max(1, round(_RIM_SHARE * max(rest.shape)))
    core = box_mean((rest > _HALF).astype(np.float32), radius) > _WHOLE
    if float(core.sum()) < _MIN_THING_SHARE * float((foreground > _HALF).sum()):
        return foreground
    return np.where(grow(core, 2 * radius), rest, np.float32(0))
