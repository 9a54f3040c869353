"""Names, descriptions and arguments of the tools. An agent reads nothing else, so they say all that it needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from cutline.agents import results
from cutline.agents.results import Schema, object_of
from cutline.pipeline.finish.options import FITS
from cutline.pipeline.options import DEPTHS, FORMATS, GARMENTS, METADATA_MODES, GarmentForm, Subject

DEFAULT_LISTED: Final = 20
MAX_LISTED: Final = 200
_MAX_TEXT = 4096


@dataclass(frozen=True)
class Declared:
    """A tool as an agent sees it; writes: whether it makes files. No tool changes or deletes one."""

    name: str
    title: str
    description: str
    arguments: Schema
    result: Schema
    writes: bool


def declare(profiles: Mapping[str, str]) -> tuple[Declared, ...]:
    """Return the tools; `profiles` has each one's title by name."""
    titles = "; ".join(f"{name}: {title}" for name, title in profiles.items())
    profile = {"type": "string", "enum": list(profiles), "description": f"The marketplace. {titles}."}
    return (_cut(), _publish(profile), _garments(), _check(profile), _review())


def _text(description: str, **more: Any) -> Schema:
    return {"type": "string", "maxLength": _MAX_TEXT, "description": description, **more}


def _choice(values: tuple[str, ...], description: str, default: str) -> Schema:
    return {"type": "string", "enum": list(values), "default": default, "description": description}


def _flag(description: str, *, default: bool = False) -> Schema:
    return {"type": "boolean", "default": default, "description": description}


_PICTURE = _text(
    "Path of the photograph, absolute or relative to a folder of this server: JPEG, PNG, WebP, AVIF, GIF, TIFF, BMP."
)
_PREVIEW = _flag("Whether the answer holds a small image of the picture (512 px at most).", default=True)
_SUBJECT = _choice(
    get_args(Subject),
    "What to keep: auto finds the main subject, person keeps only people, object keeps all in front of the background, "
    "stamp keeps the coloured ink of a seal or stamp on a page.",
    "auto",
)
_ROI = _text("Only if the photograph shows more than the subject: its region, left top right bottom: '0% 0% 50% 100%'.")
_SHADOW = _text(
    "Shadow under the subject: none; keep (the photograph's own, where its background is plain); drop (a drawn one); "
    "auto (keep where there is one, else drop). With opacity, softness and angle: 'drop 60% 30% 20deg'.",
    default="none",
)
_BACKGROUND = _text(
    "What is behind the subject: transparent; a colour as six hexadecimal digits, 'ffffff'; a gradient from top to "
    "bottom, 'ffffff,d0d0d0', or with an angle, 'ffffff,d0d0d0,90deg'; blur (the photograph's own); or the path of a "
    "picture. Addresses are not fetched.",
    default="transparent",
)
_FIT = _choice(
    FITS, "How a background picture fills the result: cover crops it, contain leaves white around it.", "cover"
)

_METADATA = _choice(
    METADATA_MODES,
    "What the result keeps of the photograph's Exif, XMP and resolution: none; keep (date, camera, rights); all "
    "(also the place where it was taken).",
    METADATA_MODES[0],
)


def _cut() -> Declared:
    return Declared(
        "cut",
        "Cut out the subject",
        "Remove the background of one photograph and write the cut-out as a new file: transparent, on a colour, a "
        "gradient or another picture, with a shadow, cropped and framed as asked. For a marketplace's rules call "
        "publish instead; for single clothes call garments. A picture in which no subject is found is an error.",
        object_of(
            ("picture",),
            picture=_PICTURE,
            subject=_SUBJECT,
            format=_choice(tuple(FORMATS), "Format of the result. jpg has no transparency: white is behind it.", "png"),
            background=_BACKGROUND,
            background_fit=_FIT,
            shadow=_SHADOW,
            crop=_flag("Crop to the subject, plus margin, scale and ratio."),
            mask=_flag("Write the mask instead of the picture: the subject white, the rest black."),
            margin=_text("With crop, space around the subject, 1, 2 or 4 lengths as in CSS: '5%', '30px', '10% 5%'."),
            scale=_text("The subject's share of the result, '10%' to '100%'."),
            position=_text("Where the subject stands: original, center, or shares of the free space: '50% 100%'."),
            ratio=_text("Width to height of the result: '1:1', '4:5'."),
            min_size=_text("Least size in pixels, '1000' or '800x1000'; a smaller result is enlarged."),
            max_size=_text("Largest size in pixels, '1000' or '800x1000'; a larger result is reduced."),
            roi=_ROI,
            metadata=_METADATA,
            depth={
                "type": "integer",
                "enum": list(DEPTHS.values()),
                "default": 8,
                "description": "Bits of a sample: 16 for a transparent PNG of a photograph with 16 bits.",
            },
            preview=_PREVIEW,
        ),
        results.CUT,
        writes=True,
    )


def _publish(profile: Schema) -> Declared:
    return Declared(
        "publish",
        "Make a marketplace picture",
        "Cut out one photograph and write it as a marketplace wants its product pictures: background, framing, size, "
        "format and bytes follow the profile. The answer has a verdict per rule, measured on the file that was made. "
        "A rule that cannot be kept, such as a size that would need enlarging, is a verdict that does not pass and no "
        "error; the file is written all the same.",
        object_of(
            ("picture", "profile"),
            picture=_PICTURE,
            profile=profile,
            subject=_SUBJECT,
            shadow=_SHADOW,
            roi=_ROI,
            metadata=_METADATA,
            preview=_PREVIEW,
        ),
        results.PUBLISH,
        writes=True,
    )


def _garments() -> Declared:
    return Declared(
        "garments",
        "Cut out clothes",
        "Find the clothes in one photograph, worn or lying, and write a PNG file of the photograph's size for each "
        "class found, and one of all of them together. A photograph without the clothes asked for is an error.",
        object_of(
            ("picture",),
            picture=_PICTURE,
            classes={
                "type": "array",
                "items": {"type": "string", "enum": list(GARMENTS)},
                "uniqueItems": True,
                "minItems": 1,
                "description": "Only these classes (default: all that are found).",
            },
            form=_choice(
                get_args(GarmentForm), "cutout is transparent or on `background`; mask is white on black.", "cutout"
            ),
            background=_BACKGROUND,
            background_fit=_FIT,
            shadow=_SHADOW,
            metadata=_METADATA,
            preview=_PREVIEW,
        ),
        results.GARMENTS,
        writes=True,
    )


def _check(profile: Schema) -> Declared:
    return Declared(
        "check",
        "Check a picture",
        "Judge one finished picture file against a marketplace's rules without changing it: a verdict per rule on "
        "background, share of the frame, size, format, bytes, whether the subject is whole and the only one. Text and "
        "watermarks are not looked for. A picture that fails is no error; publish can make one that passes.",
        object_of(("picture", "profile"), picture=_PICTURE, profile=profile, preview=_PREVIEW),
        results.CHECK,
        writes=False,
    )


def _review() -> Declared:
    return Declared(
        "review",
        "List results to review",
        "List the results of `cutline batch` or `cutline cut --report` that a person should see, worst first: "
        "pictures without a result, then rules not kept, then rising confidence. Reads the folder's report.csv only.",
        object_of(
            ("folder",),
            folder=_text("Folder of results, which holds report.csv."),
            below={
                "type": "number",
                "minimum": 0,
                "maximum": 1,
                "description": "Leave out results without a fault whose confidence is this or more (default: none is "
                "left out); `cutline calibrate` computes it for a shop.",
            },
            limit={
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_LISTED,
                "default": DEFAULT_LISTED,
                "description": "List this many at most.",
            },
        ),
        results.REVIEW,
        writes=False,
    )
