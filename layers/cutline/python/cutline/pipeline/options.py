"""Options of cut-outs. Imports no library, so that contracts can use it."""

from dataclasses import dataclass
from typing import Literal

Subject = Literal["auto", "person", "object", "stamp"]
ImageFormat = Literal["png", "jpeg"]
GarmentForm = Literal["cutout", "mask", "white"]

GARMENTS = ("tops", "coat", "skirt", "pants", "bag", "shoes", "hat")


@dataclass(frozen=True)
class CutOptions:
    """Options of one cut-out.

    background: None for transparency, else the sRGB colour behind the subject; target_*: None for the picture's own
    size; crop: cuts image and mask to the subject's box.
    """

    subject: Subject = "auto"
    background: tuple[int, int, int] | None = None
    crop: bool = False
    target_width: int | None = None
    target_height: int | None = None
    image_format: ImageFormat = "png"
    want_image: bool = True
    want_mask: bool = False


@dataclass(frozen=True)
class GarmentOptions:
    """Options of one garment cut-out.

    classes: of `GARMENTS`, each delivered by itself beside the union; merged: the union holds `classes` alone instead
    of all garments found; form: "cutout" is transparent, "white" stands on white, "mask" is the alpha alone.
    """

    classes: tuple[str, ...] = ()
    form: GarmentForm = "cutout"
    merged: bool = False
