"""What a caller wants cut out and how it is to be delivered. Imports nothing, so that contracts can build it."""

from dataclasses import dataclass
from typing import Literal

Subject = Literal["auto", "person", "object", "stamp"]
ImageFormat = Literal["png", "jpeg"]
GarmentForm = Literal["cutout", "mask", "white"]

GARMENTS = ("tops", "coat", "skirt", "pants", "bag", "shoes", "hat")


@dataclass(frozen=True)
class CutRequest:
    """Options of one cut-out.

    `background` None keeps transparency; otherwise the subject is composed on that sRGB colour. `target_*` None keeps
    the picture's own size. `crop` cuts both image and mask to the subject's box.
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
class GarmentRequest:
    """Options of one garment cut-out.

    `classes` are delivered one by one beside their union; the union is of all garments found, or, if `merged`, of
    `classes` alone. `form` "white" stands on white, "mask" is the alpha alone.
    """

    classes: tuple[str, ...] = ()
    form: GarmentForm = "cutout"
    merged: bool = False
