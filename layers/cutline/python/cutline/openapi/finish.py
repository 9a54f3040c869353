"""The fields of shadow, background and metadata, which Cutline adds to the requests of every API that has fields."""

from cutline.contracts.extensions import BACKGROUND_FILE, FINISH
from cutline.openapi.schema import Schema, choice, file, text
from cutline.pipeline.finish.options import FITS, SHADOWS
from cutline.pipeline.options import DEPTHS, METADATA_MODES

_COLOUR = "#?[0-9a-fA-F]{6}"
_KINDS = "|".join(SHADOWS)


def finish_fields(*, deep: bool = True) -> dict[str, Schema]:
    """Return the schemas by name. deep: whether results can have 16 bits."""
    shadow, background, fit, metadata, depth = FINISH
    return {
        shadow: text(
            f"Cutline's extension: {', '.join(SHADOWS)}; opacity, softness and angle may follow, and `whole`, which "
            "makes a cropped frame hold the shadow too.",
            pattern=f"^({_KINDS})( [0-9]{{1,3}}%)*( -?[0-9]{{1,2}}deg)?( whole)?$",
            example="drop 60% 30% 20deg",
        ),
        background: text(
            "Cutline's extension: transparent, a colour, a gradient of two with or without an angle, blur for the "
            "photograph's own, or the address of a picture: a URL, or an upload's `source`.",
            pattern=f"^(transparent|white|blur|{_COLOUR}(, ?{_COLOUR}(, ?-?[0-9]{{1,3}}deg)?)?|(https?://|upload:).+)$",
            example="ffffff,d0d0d0",
        ),
        fit: choice("Cutline's extension: a background picture fills the result, or fits into it.", FITS, FITS[0]),
        metadata: choice(
            "Cutline's extension: what the result keeps of the file's Exif, XMP and resolution. keep: date, camera, "
            "rights and resolution; all: also the place.",
            METADATA_MODES,
            METADATA_MODES[0],
        ),
        depth: choice(
            "Cutline's extension: bits of a sample. 16 is for a transparent PNG, of a PNG or TIFF that has them; a "
            "picture with 8 is scaled.",
            list(DEPTHS.values()) if deep else [8],
            8,
        ),
    }


def finish_file() -> dict[str, Schema]:
    """Return the schema of a background picture in a multipart form."""
    return {BACKGROUND_FILE: file("Cutline's extension: a background picture, in place of `background`.")}
