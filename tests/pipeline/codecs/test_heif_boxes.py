"""HEIC's and AVIF's container: what asks for more than it weighs is refused before a decoder reads it."""

import importlib.util
import io
import time
from pathlib import Path

import pytest
from PIL import Image

from cutline.errors import InputRefused, Reason
from cutline.limits import MIB, PictureLimits
from cutline.pipeline.codecs.decode import decode_image
from cutline.pipeline.codecs.heif_boxes import is_bounded
from tools.trust.heif_bombs import HEIF_BOMBS, Coded, coded_in

LIMITS = PictureLimits(frozenset({"AVIF", "HEIF"}), 15 * MIB, max_side_px=4096)
_PICTURE = Image.new("RGB", (64, 64), (9, 99, 9))


@pytest.fixture(scope="module", params=["AVIF", "HEIF"])
def coded(request: pytest.FixtureRequest) -> Coded:
    file = io.BytesIO()
    if request.param == "AVIF":
        _PICTURE.save(file, "AVIF", speed=10)
    elif importlib.util.find_spec("pi_heif") is None:
        pytest.skip("pi_heif is not installed: make installs it")
    else:
        made = pytest.importorskip("pillow_heif").HeifFile()
        made.add_from_pillow(_PICTURE)
        made.save(file, enc_params={"preset": "ultrafast"}, primary_index=0)
    return coded_in(file.getvalue())


def peak_mib() -> int:
    return int(Path("/proc/self/status").read_text("ascii").partition("VmHWM:")[2].split()[0]) // 1024


@pytest.mark.parametrize("name", HEIF_BOMBS)
def test_a_container_costs_no_more_than_it_shows(coded: Coded, name: str) -> None:
    make, refused = HEIF_BOMBS[name]
    data = make(coded)
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    before, begun = peak_mib(), time.process_time()
    try:
        picture = decode_image(data, LIMITS)
    except InputRefused as error:
        assert error.reason in (Reason.IMAGE_CORRUPT, Reason.RESOLUTION_TOO_HIGH)
        assert refused is not False
    else:
        assert refused is not True and max(picture.width, picture.height) <= 128
    assert time.process_time() - begun < 2
    assert peak_mib() - before < 100


@pytest.mark.parametrize("at", [4, 30, 44, 80, 120, 200, 300])
def test_damaged_sizes_of_boxes_end(coded: Coded, at: int) -> None:
    true = HEIF_BOMBS["honest grid"][0](coded)
    assert is_bounded(true)
    for value in (0, 1, 7, 8, 2**31, 2**32 - 1):
        is_bounded(true[: at - 4] + value.to_bytes(4, "big") + true[at:])
        is_bounded(true[:at])
