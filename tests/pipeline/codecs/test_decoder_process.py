"""Whatever a decoder does, its caller gets an answer in time, and the next picture a decoder."""

import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cutline.errors import InputRefused, MattingError, Reason, ServiceFault
from cutline.limits import MIB, PictureLimits
from cutline.pipeline.codecs import decoder_process
from cutline.pipeline.codecs.decode import Picture, decode_image
from cutline.pipeline.codecs.decoder_process import Decoder
from cutline.pipeline.codecs.encode import encode_png
from cutline.pipeline.options import Depth, MetadataMode
from cutline.serving.deadline import deadline
from devkit.patience import scaled
from tools.trust.samples import samples

LIMITS = PictureLimits(frozenset({"AVIF", "JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF"}), 15 * MIB)
HONEST = samples()["png"]


@contextmanager
def decoding_with(work: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> Iterator[Decoder]:
    """A decoder that does `work` with every picture but the honest one."""

    def decode(data: bytes, limits: PictureLimits, metadata: MetadataMode = "none", depth: Depth = 8) -> Picture:
        if data != HONEST:
            work()
        return decode_image(data, limits, metadata, depth)

    monkeypatch.setattr(decoder_process, "decode_image", decode)
    decoder = Decoder(cpu_limit_s=1)
    try:
        yield decoder
    finally:
        decoder.close()


def refusal_of(decoder: Decoder, data: bytes = b"hostile", limits: PictureLimits = LIMITS) -> MattingError:
    with pytest.raises(MattingError) as refusal:
        decoder.decode(data, limits)
    return refusal.value


def never_returns() -> None:
    """As native code does: no signal's handler runs meanwhile."""
    ctypes.PyDLL(None).sleep(60)


def spins() -> None:
    while True:
        pass


def takes_memory() -> None:
    """A gigabyte; what `decode_image` makes of having none."""
    try:
        np.ones(2**27)
    except MemoryError as error:
        raise InputRefused(Reason.IMAGE_CORRUPT) from error


@pytest.mark.parametrize("name", sorted(samples()))
def test_pictures_are_the_same_as_in_this_process(name: str) -> None:
    here, there = decode_image(samples()[name], LIMITS), decoder_process.decode_in_subprocess(samples()[name], LIMITS)
    assert np.array_equal(here.rgb_u8, there.rgb_u8) and here.format == there.format
    assert (here.alpha_u8 is None) == (there.alpha_u8 is None)
    if here.alpha_u8 is not None and there.alpha_u8 is not None:
        assert np.array_equal(here.alpha_u8, there.alpha_u8)


def test_a_picture_outlives_the_next_one_and_may_be_changed() -> None:
    first = decoder_process.decode_in_subprocess(HONEST, LIMITS)
    kept = first.rgb_u8.copy()
    decoder_process.decode_in_subprocess(samples()["jpeg"], LIMITS)
    assert np.array_equal(first.rgb_u8, kept)
    first.rgb_u8[:] = 0
    assert decoder_process.decode_in_subprocess(HONEST, LIMITS).rgb_u8.any()


@pytest.mark.parametrize("data", [b"", b"text", HONEST[:-40]])
def test_refusals_are_the_same_too(data: bytes) -> None:
    with pytest.raises(InputRefused) as here:
        decode_image(data, LIMITS)
    with pytest.raises(InputRefused) as there:
        decoder_process.decode_in_subprocess(data, LIMITS)
    assert (here.value.reason, here.value.detail) == (there.value.reason, there.value.detail)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (replace(LIMITS, formats=frozenset({"JPEG"})), Reason.IMAGE_TYPE),
        (replace(LIMITS, max_bytes=10), Reason.IMAGE_TOO_LARGE),
        (replace(LIMITS, min_side_px=2000), Reason.RESOLUTION_TOO_LOW),
        (replace(LIMITS, max_side_px=10), Reason.RESOLUTION_TOO_HIGH),
        (replace(LIMITS, max_pixels=100), Reason.RESOLUTION_TOO_HIGH),
    ],
)
def test_limits_of_every_kind_reach_the_decoder(limits: PictureLimits, reason: Reason) -> None:
    with pytest.raises(InputRefused) as refusal:
        decoder_process.decode_in_subprocess(HONEST, limits)
    assert refusal.value.reason is reason


def test_a_deadline_ends_native_code_and_the_next_picture_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    with decoding_with(never_returns, monkeypatch) as decoder:
        begun = time.monotonic()
        with pytest.raises(ServiceFault) as fault, deadline(500):
            decoder.decode(b"hostile", LIMITS)
        assert fault.value.reason is Reason.TIMED_OUT and not fault.value.retry
        assert time.monotonic() - begun < scaled(5)
        assert decoder.decode(HONEST, LIMITS).format == "PNG"


@pytest.mark.parametrize("work", [spins, takes_memory, os.abort, lambda: ctypes.string_at(1)])
def test_what_costs_too_much_or_breaks_the_decoder_is_corrupt(
    monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]
) -> None:
    with decoding_with(work, monkeypatch) as decoder:
        assert refusal_of(decoder).reason is Reason.IMAGE_CORRUPT
        assert decoder.decode(HONEST, LIMITS).format == "PNG"


def test_a_decoder_that_was_killed_is_replaced_and_its_picture_decoded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def killed_once() -> None:
        if not (tmp_path / "killed").exists():
            (tmp_path / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)

    with decoding_with(killed_once, monkeypatch) as decoder:
        assert decoder.decode(samples()["jpeg"], LIMITS).format == "JPEG"
    assert (tmp_path / "killed").exists()


def test_a_decoder_that_is_killed_again_is_a_fault_of_ours_and_not_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with decoding_with(lambda: os.kill(os.getpid(), signal.SIGKILL), monkeypatch) as decoder:
        fault = refusal_of(decoder)
        assert fault.reason is Reason.INTERNAL and not fault.retry
        assert decoder.decode(HONEST, LIMITS).format == "PNG"


def test_a_decoder_that_died_between_two_pictures_fails_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    with decoding_with(spins, monkeypatch) as decoder:
        decoder.decode(HONEST, LIMITS)
        assert decoder._worker is not None
        os.kill(decoder._worker.pid, signal.SIGKILL)
        os.waitid(os.P_PID, decoder._worker.pid, os.WEXITED | os.WNOWAIT)
        assert decoder.decode(HONEST, LIMITS).format == "PNG"


def test_it_ends_with_its_parent_and_holds_none_of_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    with decoding_with(spins, monkeypatch) as decoder:
        decoder.start()
        os.close(write)
        assert os.read(read, 1) == b""
        os.close(read)
        worker = decoder._worker
        assert worker is not None
        worker.line.close()
        assert os.waitpid(worker.pid, 0) == (worker.pid, 0)
        decoder._worker = None


def test_a_deadline_ends_an_encoder_too() -> None:
    """Encoding runs in this process: a PNG is written block by block, and its time depends only on Cutline's pixels."""
    noise_u8 = np.random.default_rng(1).integers(0, 256, (4096, 4096, 4), np.uint8)
    begun = time.monotonic()
    with pytest.raises(ServiceFault) as fault, deadline(100):
        encode_png(noise_u8)
    assert fault.value.reason is Reason.TIMED_OUT
    assert time.monotonic() - begun < scaled(1)
