"""AVIF in; and animated files of every kind by their first picture."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cutline.errors import InputRefused, Reason
from cutline.limits import LOCAL_LIMITS, MIB, PictureLimits
from cutline.pipeline.codecs.decode import decode_image
from cutline.pipeline.codecs.headers import sniff_format
from devkit.patience import WAIT_S
from devkit.running import ROOT

AVIF = PictureLimits(frozenset({"AVIF"}), 10 * MIB)
RED, BLUE = (220, 30, 40), (20, 40, 230)


def saved(image: Image.Image, name: str = "AVIF", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, name, **options)
    return file.getvalue()


def halves(width: int = 64, height: int = 32) -> Image.Image:
    """Red at the left, blue at the right."""
    image = Image.new("RGB", (width, height), BLUE)
    image.paste(RED, (0, 0, width // 2, height))
    return image


def near(pixel: np.ndarray, colour: tuple[int, ...]) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() < 12)


def test_an_avif_is_decoded_with_its_colours() -> None:
    picture = decode_image(saved(halves()), LOCAL_LIMITS)
    assert (picture.format, picture.rgb_u8.shape, picture.alpha_u8) == ("AVIF", (32, 64, 3), None)
    assert near(picture.rgb_u8[16, 8], RED)
    assert near(picture.rgb_u8[16, 56], BLUE)


def test_its_alpha_and_orientation_count() -> None:
    image = halves().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize((64, 32)))
    picture = decode_image(saved(image), LOCAL_LIMITS)
    assert picture.alpha_u8 is not None
    assert picture.alpha_u8[0, 0] < 20
    assert picture.alpha_u8[-1, 0] > 230
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = decode_image(saved(halves(), exif=exif), LOCAL_LIMITS).rgb_u8
    assert turned.shape == (64, 32, 3)
    assert near(turned[8, 16], RED)


def test_contracts_that_do_not_name_it_refuse_it() -> None:
    with pytest.raises(InputRefused, check=lambda error: error.reason == Reason.IMAGE_TYPE):
        decode_image(saved(halves()), PictureLimits(frozenset({"JPEG", "PNG"}), MIB))


@pytest.mark.parametrize("name", ["AVIF", "GIF", "PNG", "WEBP", "TIFF", "MPO"])
def test_of_several_pictures_the_first_is_taken(name: str) -> None:
    frames = [Image.new("RGB", (64, 48), colour) for colour in (RED, BLUE, (0, 200, 0))]
    data = saved(frames[0], name, save_all=True, append_images=frames[1:])
    picture = decode_image(data, LOCAL_LIMITS)
    assert picture.rgb_u8.shape == (48, 64, 3)
    assert near(picture.rgb_u8[24, 32], RED)


@pytest.mark.parametrize("size", [(4200, 16), (16, 4200)])
def test_a_side_that_is_too_long_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(InputRefused, check=lambda error: error.reason == Reason.RESOLUTION_TOO_HIGH):
        decode_image(saved(Image.new("RGB", size), quality=1, speed=10), AVIF)


def test_damaged_ones_are_refused_and_never_an_error_of_ours() -> None:
    whole = saved(halves())
    chance = np.random.default_rng(7)
    for _ in range(60):
        data = bytearray(whole[: int(chance.integers(12, len(whole) + 1))])
        for at in chance.integers(0, len(data), 4):
            data[at] = int(chance.integers(0, 256))
        try:
            assert decode_image(bytes(data), AVIF).width > 0
        except InputRefused as refusal:
            assert refusal.reason in (
                Reason.IMAGE_CORRUPT,
                Reason.IMAGE_TYPE,
                Reason.RESOLUTION_TOO_HIGH,
                Reason.RESOLUTION_TOO_LOW,
            )


def test_other_files_of_the_same_family_are_not_taken_for_it() -> None:
    assert sniff_format(b"\0\0\0\x18ftypmp42") is None
    assert sniff_format(saved(halves())[:12]) == "AVIF"


# A few kilobytes that would unpack to 110 MB and more, in a process of their own, whose peak the kernel knows.
_BOMB = """
import sys
from pathlib import Path
from cutline.errors import InputRefused
from cutline.limits import MIB, PictureLimits
from cutline.pipeline.codecs.decode import decode_image
def peak_kib():
    # Of only this program: getrusage starts from the parent's peak.
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
data = sys.stdin.buffer.read()
decode_image(open(sys.argv[1], "rb").read(), PictureLimits(frozenset({"AVIF"}), 10 * MIB))
before = peak_kib()
try:
    decode_image(data, PictureLimits(frozenset({"AVIF"}), 10 * MIB))
except InputRefused as refusal:
    print(refusal.reason, (peak_kib() - before) // 1024)
"""


def test_a_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    bomb = saved(Image.new("RGB", (6000, 6000)), quality=1, speed=10)
    assert len(bomb) < 20_000
    small = tmp_path / "small.avif"
    small.write_bytes(saved(halves()))
    environment = {"PYTHONPATH": str(ROOT / "layers" / "cutline" / "python")}
    ended = subprocess.run(
        [sys.executable, "-c", _BOMB, str(small)],
        input=bomb,
        env=environment,
        capture_output=True,
        timeout=WAIT_S,
        check=True,
    )
    reason, grown_mb = ended.stdout.split()
    assert (reason, int(grown_mb) < 20) == (b"resolution_too_high", True)
