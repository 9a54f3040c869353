"""HEIC in, where pi-heif is installed; and the contract's own refusal where it is not."""

import importlib.util
import io
import struct
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cutline.contracts import picwish, task_record
from cutline.errors import InputRefused, Reason
from cutline.limits import LOCAL_LIMITS, MIB, PictureLimits
from cutline.pipeline.codecs import decode
from cutline.pipeline.codecs.decode import decode_image
from cutline.pipeline.codecs.decoder_process import Decoder
from cutline.pipeline.codecs.headers import sniff_format
from devkit.patience import WAIT_S
from devkit.running import ROOT

HEIC = PictureLimits(frozenset({"HEIF"}), 10 * MIB, max_side_px=1000)
RED, BLUE = (220, 30, 40), (20, 40, 230)
NEEDED = [name for name in ("pi_heif", "pillow_heif") if importlib.util.find_spec(name) is None]
needs_heif = pytest.mark.skipif(bool(NEEDED), reason=f"{', '.join(NEEDED)} not installed: make installs both")


def halves(width: int = 64, height: int = 32) -> Image.Image:
    """Red at the left, blue at the right."""
    image = Image.new("RGB", (width, height), BLUE)
    image.paste(RED, (0, 0, width // 2, height))
    return image


def heic(*images: Image.Image, **options: Any) -> bytes:
    """A HEIC file, the first picture its primary one; x265's quickest way, or a large one takes 20 s."""
    import pillow_heif  # noqa: PLC0415

    file, heif_file = io.BytesIO(), pillow_heif.HeifFile()
    for image in images:
        heif_file.add_from_pillow(image)
    heif_file.save(file, enc_params={"preset": "ultrafast"}, **{"quality": 90, "primary_index": 0, **options})
    return file.getvalue()


def near(pixel: np.ndarray, colour: tuple[int, ...]) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() < 16)


def refusal(data: bytes, limits: PictureLimits = HEIC) -> Reason:
    with pytest.raises(InputRefused) as refused:
        decode_image(data, limits)
    return refused.value.reason


@needs_heif
def test_a_phones_picture_is_decoded_with_its_colours_and_turned_once() -> None:
    picture = decode_image(heic(halves()), LOCAL_LIMITS)
    assert (picture.format, picture.rgb_u8.shape, picture.alpha_u8) == ("HEIF", (32, 64, 3), None)
    assert near(picture.rgb_u8[16, 8], RED)
    assert near(picture.rgb_u8[16, 56], BLUE)
    exif = Image.Exif()
    exif[0x0112] = 6  # as a phone held upright writes it, in EXIF and in the container
    data = heic(halves(), exif=exif.tobytes())
    assert b"irot" in data
    upright = decode_image(data, LOCAL_LIMITS).rgb_u8
    assert upright.shape == (64, 32, 3)
    assert near(upright[8, 16], RED)


@needs_heif
def test_alpha_and_the_first_of_several_count() -> None:
    image = halves().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize((64, 32)))
    picture = decode_image(heic(image), LOCAL_LIMITS)
    assert picture.alpha_u8 is not None
    assert picture.alpha_u8[0, 0] < 20
    assert picture.alpha_u8[-1, 0] > 230
    several = heic(Image.new("RGB", (48, 40), RED), Image.new("RGB", (64, 64), BLUE))
    first = decode_image(several, LOCAL_LIMITS)
    assert (first.rgb_u8.shape, near(first.rgb_u8[20, 20], RED)) == ((40, 48, 3), True)


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIF"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf", "HEIF"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1miaf" + b"heic", None),
        (b"\xff\xff\xff\xffftypmsf1\0\0\0\0", None),
        (b"\0\0\0\x18ftypmp42\0\0\0\0heicheic", None),
    ],
)
def test_brands_tell_the_format(start: bytes, name: str | None) -> None:
    assert sniff_format(start) == name


@pytest.fixture
def without_layer(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(decode, "reads_heif", lambda: False)
    yield


def test_without_the_layer_a_contract_refuses_it_like_any_other_format(without_layer: None) -> None:
    data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
    with pytest.raises(InputRefused, check=lambda error: error.reason == Reason.IMAGE_TYPE) as refused:
        decode_image(data, picwish.LIMITS)
    assert refused.value.detail == "Not one of AVIF, BMP, JPEG, PNG, TIFF, WEBP."
    assert task_record.STATES[refused.value.reason] == -7


@needs_heif
def test_a_side_that_is_too_long_and_contracts_that_do_not_name_it() -> None:
    assert refusal(heic(Image.new("RGB", (1040, 16)))) is Reason.RESOLUTION_TOO_HIGH
    assert refusal(heic(halves()), PictureLimits(frozenset({"AVIF", "JPEG"}), MIB)) is Reason.IMAGE_TYPE


@needs_heif
def test_damaged_ones_are_refused_and_never_an_error_of_ours() -> None:
    whole, chance = heic(halves()), np.random.default_rng(7)
    for _ in range(80):
        data = bytearray(whole[: int(chance.integers(12, len(whole) + 1))])
        for at in chance.integers(0, len(data), 4):
            data[at] = int(chance.integers(0, 256))
        try:
            assert decode_image(bytes(data), HEIC).width > 0
        except InputRefused as error:
            assert error.reason in (
                Reason.IMAGE_CORRUPT,
                Reason.IMAGE_TYPE,
                Reason.RESOLUTION_TOO_HIGH,
                Reason.RESOLUTION_TOO_LOW,
            )


def claiming(data: bytes, width: int, height: int) -> bytes:
    """The file with another size in every `ispe` box (ISO/IEC 23008-12, 6.5.3)."""
    changed, at = bytearray(data), 0
    while (at := data.find(b"ispe", at)) >= 0:
        struct.pack_into(">II", changed, at + 8, width, height)
        at += 4
    return bytes(changed)


# What a bomb takes beyond a small picture, in a process of its own, whose peak the kernel knows.
_BOMB = """
import sys
from pathlib import Path
from cutline.errors import InputRefused
from cutline.limits import MIB, PictureLimits
from cutline.pipeline.codecs.decode import decode_image
def peak_kib():
    # Of only this program: getrusage starts from the parent's peak.
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
limits = PictureLimits(frozenset({"HEIF"}), 10 * MIB, max_side_px=1000)
decode_image(open(sys.argv[1], "rb").read(), limits)
before = peak_kib()
try:
    decode_image(sys.stdin.buffer.read(), limits)
except InputRefused as refusal:
    print(refusal.reason, (peak_kib() - before) // 1024)
"""


@needs_heif
@pytest.mark.parametrize(
    ("claimed", "reason"), [(None, b"resolution_too_high"), ((64, 64), b"image_corrupt")], ids=["honest", "liar"]
)
def test_a_bomb_is_refused_before_it_unpacks(tmp_path: Any, claimed: tuple[int, int] | None, reason: bytes) -> None:
    bomb = heic(Image.new("RGB", (3000, 3000)), quality=1)
    assert len(bomb) < 20_000
    small = tmp_path / "small.heic"
    small.write_bytes(heic(halves()))
    import pi_heif  # noqa: PLC0415

    packages = str(next(iter(pi_heif.__path__))).removesuffix("/pi_heif")
    ended = subprocess.run(
        [sys.executable, "-c", _BOMB, str(small)],
        input=bomb if claimed is None else claiming(bomb, *claimed),
        env={"PYTHONPATH": f"{ROOT / 'layers' / 'cutline' / 'python'}:{packages}"},
        capture_output=True,
        timeout=WAIT_S,
        check=True,
    )
    refused, grown_mb = ended.stdout.split()
    # Decoded it would be 27 MB.
    assert (refused, int(grown_mb) < 12) == (reason, True)


@needs_heif
def test_an_untrusted_heic_is_decoded_in_the_child_process() -> None:
    decoder = Decoder()
    try:
        assert decoder.decode(heic(halves()), HEIC).width == 64
        with pytest.raises(InputRefused, check=lambda error: error.reason == Reason.IMAGE_CORRUPT):
            decoder.decode(heic(halves())[:300], HEIC)
    finally:
        decoder.close()
