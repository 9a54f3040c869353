"""Files are written only where their native encoder, which no clock ends, will be done in time."""

import io
import time

import numpy as np
import pytest
from PIL import Image

from cutline.errors import InputRefused, Reason, ServiceFault
from cutline.pipeline.codecs import encode
from cutline.pipeline.codecs.encode import (
    ENCODERS,
    WORST_S_PER_PX,
    encode_avif,
    encode_jpeg,
    encode_png,
    encode_webp,
)
from cutline.pipeline.options import ImageFormat
from cutline.pipeline.timing import SLOWDOWN
from cutline.serving.deadline import deadline
from devkit.patience import scaled

NOISE_U8 = np.random.default_rng(1).integers(0, 256, (1000, 1000, 4), np.uint8)


@pytest.mark.parametrize("name", ["jpeg", "webp", "avif"])
def test_no_encoder_takes_longer_than_it_is_said_to(name: ImageFormat) -> None:
    pixels_u8 = NOISE_U8[..., :3] if name == "jpeg" else NOISE_U8
    took_s = []
    for _ in range(3):
        begun = time.thread_time()
        ENCODERS[name](pixels_u8)
        took_s.append(time.thread_time() - begun)
    assert min(took_s) < WORST_S_PER_PX[name.upper()] * 1_000_000


def test_avif_keeps_alpha_exactly_and_colours_nearly() -> None:
    shades = np.linspace(0, 255, 300, dtype=np.uint8)
    pixels_u8 = np.dstack(np.broadcast_arrays(shades, shades[:, None], np.uint8(90), shades[::-1]))
    with Image.open(io.BytesIO(encode_avif(pixels_u8))) as image:
        assert image.format == "AVIF"
        read_u8 = np.asarray(image)
    assert np.array_equal(read_u8[..., 3], pixels_u8[..., 3])
    assert np.abs(read_u8[..., :3].astype(int) - pixels_u8[..., :3]).mean() < 2


def test_without_its_encoder_avif_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, "writes_avif", lambda: False)
    with pytest.raises(InputRefused, match="AVIF") as refused:
        encode_avif(NOISE_U8)
    assert refused.value.reason is Reason.PARAMETER_INVALID


def test_an_encoder_that_would_overrun_its_deadline_is_not_started() -> None:
    large_u8 = np.broadcast_to(np.uint8(200), (5000, 5000, 4))
    begun = time.monotonic()
    with pytest.raises(ServiceFault) as fault, deadline(3000):
        encode_webp(large_u8)
    assert fault.value.reason is Reason.TIMED_OUT and not fault.value.retry
    assert time.monotonic() - begun < scaled(1)


def test_a_slower_processor_needs_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    small_u8 = np.zeros((100, 100, 4), np.uint8)
    with deadline(3000):
        assert encode_webp(small_u8)
        monkeypatch.setattr(SLOWDOWN, "wall", 3 / (WORST_S_PER_PX["WEBP"] * 10_000))
        with pytest.raises(ServiceFault):
            encode_webp(small_u8)


def test_with_time_enough_or_no_deadline_it_is() -> None:
    assert encode_webp(NOISE_U8)
    with deadline(60_000):
        assert encode_webp(NOISE_U8) and encode_jpeg(NOISE_U8[..., :3]) and encode_png(NOISE_U8)
