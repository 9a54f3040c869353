"""A person's strokes over a picture, and their JSON. Imports no library, so that contracts can use it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Do = Literal["keep", "remove"]
Point = tuple[float, float]

MAX_STROKES, MAX_POINTS, MAX_RADIUS = 100, 2000, 0.5
_BOX_NUMBERS = 4
_NAMES_CHARS = 100


@dataclass(frozen=True)
class Stroke:
    """One stroke of a brush, or a filled box.

    points: (x, y) in shares of the picture's width and height; radius: in shares of its longer side; is_box: whether
    `points` are two opposite corners of a rectangle instead of a line.
    """

    do: Do
    radius: float
    points: tuple[Point, ...]
    is_box: bool = False

    def to_document(self) -> dict[str, Any]:
        """Return the JSON that `read_strokes` reads."""
        if self.is_box:
            return {"do": self.do, "box": [number for point in self.points for number in point]}
        return {"do": self.do, "radius": self.radius, "points": [list(point) for point in self.points]}


@dataclass(frozen=True)
class MendOptions:
    """Options of one mend of a stored result: `strokes`, over the result.

    token, received_at, base_url: the link's token, when it was used and where links to results begin.
    """

    token: str
    strokes: tuple[Stroke, ...]
    received_at: float = field(compare=False)
    base_url: str = field(compare=False)


def read_strokes(documents: object) -> tuple[Stroke, ...]:
    """Read a list of {"do", "radius", "points"} or {"do", "box": [left, top, right, bottom]}. Raises ValueError."""
    if not isinstance(documents, Sequence) or isinstance(documents, str | bytes) or not documents:
        raise ValueError("`strokes` must be a list with at least one stroke")
    if len(documents) > MAX_STROKES:
        raise ValueError(f"`strokes` has {len(documents)} strokes; at most {MAX_STROKES} are allowed")
    strokes = tuple(_read(document, f"strokes[{at}]") for at, document in enumerate(documents))
    count = sum(len(stroke.points) for stroke in strokes)
    if count > MAX_POINTS:
        raise ValueError(f"the strokes have {count} points; at most {MAX_POINTS} are allowed")
    return strokes


def _read(document: object, name: str) -> Stroke:
    if isinstance(document, Stroke):
        document = document.to_document()
    if not isinstance(document, Mapping):
        raise ValueError(f"`{name}` must be an object with `do`, `radius` and `points`")
    unknown = set(document) - {"do", "radius", "points", "box"}
    if unknown:
        raise ValueError(f"`{name}` has unknown fields: {', '.join(sorted(map(str, unknown)))[:_NAMES_CHARS]}")
    if document.get("do") not in get_args(Do):
        raise ValueError(f"`{name}.do` must be keep or remove")
    if "box" in document:
        return Stroke(document["do"], 0.0, _corners(document, name), is_box=True)
    radius = _number(document.get("radius"), f"{name}.radius", MAX_RADIUS)
    if radius == 0:
        raise ValueError(f"`{name}.radius` must be above 0")
    points = document.get("points")
    if not isinstance(points, Sequence) or isinstance(points, str | bytes) or not points:
        raise ValueError(f"`{name}.points` must be a list with at least one point")
    if len(points) > MAX_POINTS:
        raise ValueError(f"`{name}` has {len(points)} points; at most {MAX_POINTS} are allowed")
    return Stroke(document["do"], radius, tuple(_point(point, f"{name}.points[{i}]") for i, point in enumerate(points)))


def _corners(document: Mapping[str, Any], name: str) -> tuple[Point, Point]:
    box = document["box"]
    if set(document) != {"do", "box"} or not isinstance(box, Sequence) or len(box) != _BOX_NUMBERS:
        raise ValueError(f"`{name}` with a `box` must be only `do` and four numbers: left, top, right, bottom")
    left, top, right, bottom = (_number(value, f"{name}.box") for value in box)
    if left >= right or top >= bottom:
        raise ValueError(f"`{name}.box` must have left below right and top below bottom")
    return (left, top), (right, bottom)


def _point(point: object, name: str) -> Point:
    if not isinstance(point, Sequence) or len(point) != len(("x", "y")):
        raise ValueError(f"`{name}` must be [x, y]")
    return _number(point[0], name), _number(point[1], name)


def _number(value: object, name: str, most: float = 1.0) -> float:
    # NaN is in no range.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise ValueError(f"`{name}` must be a number in 0..{most:g}")
    return float(value)
