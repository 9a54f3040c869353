"""Shadow, background, metadata and depth give the same over every way in: the library's file."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from cutline import remove_background
from cutline.limits import LOCAL_LIMITS
from cutline.pipeline.codecs.decode import decode_image
from cutline.pipeline.codecs.encode import png_file
from devkit.accounts import Accounts
from devkit.running import RunningCloud
from tests.support.drops import Drops
from tools.load.wires import WIRES, Caller, served, visible_pixels

_RIGHTS = 0x8298
# Wires whose fields are the vendor's, or whose answers carry no 16 bits.
OWN_FIELDS = {"remove.bg": {"shadow": "shadow_type", "background": "bg_color"}}
EIGHT_BITS = ("JD SelfieSeg", "remove.bg", "rembg")
CASES: Mapping[str, Mapping[str, str]] = {
    "shadow and gradient": {"shadow": "drop", "background": "ffffff,203040"},
    "blur": {"background": "blur"},
    "metadata": {"metadata": "keep"},
    "depth": {"depth": "16"},
}


def photo() -> bytes:
    """A PNG of 16 bits with a copyright and a resolution."""
    exif = Image.Exif()
    exif[_RIGHTS] = "A shop"
    eight = data.astronaut()[:240, 60:300].astype(np.uint16)
    low = np.random.default_rng(4).integers(0, 256, eight.shape, dtype=np.uint16)
    return png_file(eight * 256 + low, [(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))])


PHOTO = photo()


@pytest.fixture(scope="module")
def caller(cloud: RunningCloud, accounts: Accounts) -> Caller:
    accounts.create("finished", qps=1000)
    return Caller(cloud.url, "finished")


def expected(fields: Mapping[str, str], subject: Any) -> bytes:
    options: dict[str, Any] = {**fields, **({"depth": 16} if "depth" in fields else {})}
    return remove_background(PHOTO, subject=subject, **options)


def parts_of(file: bytes) -> tuple[object, ...]:
    """Return pixels, 16-bit pixels and metadata."""
    picture = decode_image(file, LOCAL_LIMITS, "all", 16)
    deep = None if picture.rgb_u16 is None else picture.rgb_u16.tobytes()
    with Image.open(io.BytesIO(file)) as image:
        rights = image.getexif().get(_RIGHTS)
    return visible_pixels(file).tobytes(), deep, rights, picture.metadata


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("wire", WIRES)
def test_every_wire_gives_the_librarys_file(caller: Caller, wire: str, case: str) -> None:
    fields = CASES[case]
    named = {OWN_FIELDS.get(wire, {}).get(name, name): value for name, value in fields.items()}
    file = served(WIRES[wire], caller, PHOTO, fields=named)
    if "depth" in fields and wire in EIGHT_BITS:
        assert file is None or (wire == "remove.bg" and file[24] == 8)
        return
    assert file is not None
    assert parts_of(file) == parts_of(expected(fields, WIRES[wire].subject))


@pytest.mark.parametrize("case", CASES)
def test_a_drop_gives_the_librarys_file(cloud: RunningCloud, caller: Caller, case: str) -> None:
    drops, key = Drops(cloud, cloud.client("s3")), f"in/{caller.account}/auto/{case}"
    drops.put(key, PHOTO, **CASES[case])
    (result,) = drops.wait(key)
    assert parts_of(drops.get(result)["Body"].read()) == parts_of(expected(CASES[case], "auto"))
