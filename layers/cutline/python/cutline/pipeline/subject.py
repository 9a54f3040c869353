"""Which of the network's maps is the subject that the caller asked for."""

from __future__ import annotations

from typing import Literal

import numpy as np

from cutline.pipeline.filters import F32, box_mean, grow
from cutline.pipeline.options import Subject

# A thing beside a person counts from this share of the foreground on; less is the rim between the two maps.
_LEAST_THING_SHARE = 0.02
_RIM_SHARE = 0.012
_HALF = 0.5
_WHOLE = 0.99


def select_subject(maps: dict[str, F32], wanted: Subject) -> tuple[Literal["person", "object"], F32]:
    """The kind of subject and its map (h, w) in [0, 1], from the network's maps by channel name.

    "auto" is the whole foreground, persons and things together; it is called a person where the person map holds most
    of it. Without a person map every answer is the foreground.
    """
    foreground = maps["foreground"]
    person = maps.get("person")
    if person is None:
        return ("person" if wanted == "person" else "object"), foreground
    if wanted == "person":
        return "person", person
    if wanted == "object":
        return "object", _without_person(foreground, person)
    mostly_person = float(np.minimum(foreground, person).sum()) > _HALF * float(foreground.sum())
    return ("person" if mostly_person else "object"), foreground


def _without_person(foreground: F32, person: F32) -> F32:
    """The foreground less the person, where a thing of some thickness is left; else the foreground.

    The two maps never agree on the last pixel, so the difference has a thin rim all around a person. Only what
    survives an erosion is a thing; it grows back to its own edge.
    """
    rest = foreground * (1 - person)
    radius = max(1, round(_RIM_SHARE * max(rest.shape)))
    core = box_mean((rest > _HALF).astype(np.float32), radius) > _WHOLE
    if float(core.sum()) < _LEAST_THING_SHARE * float((foreground > _HALF).sum()):
        return foreground
    return np.where(grow(core, 2 * radius), rest, np.float32(0))
