"""Small files that ask for much cost no more than the largest honest picture."""

import time

import pytest

from cutline.errors import InputRefused
from cutline.limits import MIB
from cutline.pipeline.codecs.decode import decode_image
from cutline.pipeline.codecs.headers import jpeg_padding, jpeg_scans
from tools.trust.bomb_files import BOMBS
from tools.trust.bombs import CPU_LIMIT_S, LIMITS, PEAK_LIMIT_MIB, measured
from tools.trust.samples import samples


@pytest.mark.slow
def test_every_bomb_ends_in_bounded_time_and_memory() -> None:
    rows = measured()
    assert [row["bomb"] for row in rows] == list(BOMBS)
    assert [row for row in rows if row["cpu_s"] > CPU_LIMIT_S or row["peak_mib"] > PEAK_LIMIT_MIB] == []


@pytest.mark.parametrize(("name", "scans"), [("jpeg", 1), ("jpeg progressive", 10), ("jpeg exif icc", 1)])
def test_scans_of_true_pictures_are_counted(name: str, scans: int) -> None:
    assert jpeg_scans(samples()[name]) == (scans, True)


def test_what_follows_a_jpeg_is_not_taken_for_scans() -> None:
    motion = samples()["jpeg progressive"] + b"\xff\xda" * 1000
    assert jpeg_scans(motion) == (10, True)
    assert jpeg_scans(b"\xff\xd8") == jpeg_scans(samples()["jpeg"][:40]) == (0, False)


@pytest.mark.parametrize("padding", [b"\xff", b"\xff\0"], ids=["fill bytes", "stuffed bytes"])
def test_bytes_between_segments_are_bounded_before_a_reader_takes_them_one_by_one(padding: bytes) -> None:
    true = samples()["jpeg"]
    begun = time.process_time()
    with pytest.raises(InputRefused, match="too many bytes between its segments"):
        decode_image(true[:2] + padding * (7 * MIB) + true[2:], LIMITS)
    assert time.process_time() - begun < 1
    assert jpeg_padding(true) == 0


def test_a_little_padding_is_read() -> None:
    true = samples()["jpeg"]
    assert decode_image(true[:2] + b"\xff" * 4096 + true[2:], LIMITS).width == 32
