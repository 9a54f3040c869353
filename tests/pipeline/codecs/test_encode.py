"""Files are written only where their native encoder, which no clock ends, will be done in time."""

import time

import numpy as np
import pytest

from cutline.errors import Reason, ServiceFault
from cutline.pipeline.codecs.encode import ENCODERS, WORST_S_PER_PX, encode_jpeg, encode_png, encode_webp
from cutline.pipeline.options import ImageFormat
from cutline.pipeline.timing import SLOWDOWN
from cutline.serving.deadline import deadline
from devkit.patience import scaled

NOISE_U8 = np.random.default_rng(1).integers(0, 256, (1000, 1000, 4), np.uint8)


@pytest.mark.parametrize("name", ["jpeg", "webp"])
def test_no_encoder_takes_longer_than_it_is_said_to(name: ImageFormat) -> None:
    pixels_u8 = NOISE_U8 if name == "webp" else NOISE_U8[..., :3]
    took_s = []
    for _ in range(3):
        begun = time.thread_time()
        ENCODERS[name](pixels_u8)
        took_s.append(time.thread_time() - begun)
    assert min(took_s) < WORST_S_PER_PX[name.upper()] * 1_000_000


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
