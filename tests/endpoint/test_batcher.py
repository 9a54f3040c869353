"""Micro-batching: who joins whom, what a failure means, and that a batch changes no answer."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batcher import Batcher
from cutline.errors import Reason, ServiceFault
from cutline.pipeline.inference.network import Network
from devkit.patience import WAIT_S
from devkit.serving import GatedNetwork, noise


@pytest.fixture
def gated(tiny: Network) -> GatedNetwork:
    return GatedNetwork(tiny)


def run_together(batcher: Batcher, network: Any, pictures: list[Any]) -> list[Any]:
    """The first picture's run is held until all the others wait behind it."""
    network.gate.clear()
    with ThreadPoolExecutor(len(pictures)) as pool:
        answers = [pool.submit(batcher.predict, pictures[0])]
        assert network.started.acquire(timeout=WAIT_S)
        answers += [pool.submit(batcher.predict, picture) for picture in pictures[1:]]
        end = time.monotonic() + WAIT_S
        while batcher.waiting < len(pictures) - 1 and time.monotonic() < end:
            time.sleep(0.01)
        network.gate.set()
        return [answer.result(WAIT_S) for answer in answers]


def test_what_arrives_during_a_run_makes_up_the_next_batch(gated: Any) -> None:
    run_together(Batcher(gated, 4, 0, WAIT_S), gated, [noise(seed) for seed in range(8)])
    assert gated.sizes == [1, 4, 3]


def test_a_batch_changes_no_answer(gated: Any, tiny: Network) -> None:
    pictures = [noise(seed) for seed in range(9)]
    together = run_together(Batcher(gated, 8, 0, WAIT_S), gated, pictures)
    assert gated.sizes == [1, 8]
    for picture, predictions in zip(pictures, together, strict=True):
        single = tiny.predict(picture)
        for name, plane in single.items():
            assert np.abs(predictions[name] - plane).max() <= 1e-6


def test_a_batch_of_a_model_for_one_runs_one_by_one_with_the_same_answers(matte: Network) -> None:
    pictures = [np.roll(noise(3, 320), shift, 0) for shift in (0, 90)]
    prepared = [matte.prepare(picture) for picture in pictures]
    together = [matte.finish(each, planes) for each, planes in zip(prepared, matte.run(prepared), strict=True)]
    for each, predictions in zip(prepared, together, strict=True):
        for name, plane in matte.finish(each, matte.run([each])[0]).items():
            assert np.abs(predictions[name] - plane).max() <= 1 / 255


def test_a_picture_waits_for_company_until_the_batch_is_full(gated: Any) -> None:
    batcher = Batcher(gated, 2, 1000 * WAIT_S, WAIT_S)
    with ThreadPoolExecutor(2) as pool:
        assert len(list(pool.map(batcher.predict, [noise(1), noise(2)]))) == 2
    assert gated.sizes == [2]


def test_a_lonely_picture_waits_no_longer_than_the_bound(gated: Any) -> None:
    Batcher(gated, 8, 20, WAIT_S).predict(noise(1))
    assert gated.sizes == [1]


def test_a_failed_run_is_everybodys_fault_and_the_next_one_works(gated: Any) -> None:
    batcher = Batcher(gated, 4, 0, WAIT_S)
    gated.failure = ValueError("no such device")
    with pytest.raises(ServiceFault) as fault:
        batcher.predict(noise(1))
    assert (fault.value.reason, fault.value.detail) == (Reason.INTERNAL, "ValueError")
    assert batcher.healthy
    gated.failure = None
    assert set(batcher.predict(noise(1))) == {"foreground", "person"}


def test_three_failures_in_a_row_are_ill_health_until_a_run_succeeds(gated: Any) -> None:
    batcher = Batcher(gated, 4, 0, WAIT_S)
    gated.failure = ServiceFault(Reason.MODEL_FAILED)
    for _ in range(3):
        assert batcher.healthy
        with pytest.raises(ServiceFault):
            batcher.predict(noise(1))
    assert not batcher.healthy
    gated.failure = None
    batcher.predict(noise(1))
    assert batcher.healthy


def test_who_waited_too_long_is_not_run_any_more(gated: Any) -> None:
    batcher = Batcher(gated, 1, 0, 0.2)
    gated.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(batcher.predict, noise(1))
        assert gated.started.acquire(timeout=WAIT_S)
        with pytest.raises(ServiceFault) as fault:
            batcher.predict(noise(2))
        assert fault.value.reason is Reason.TIMED_OUT
        with pytest.raises(ServiceFault):
            first.result(WAIT_S)
    gated.gate.set()
    Batcher(gated, 1, 0, WAIT_S).predict(noise(3))
    assert gated.sizes == [1, 1]


def test_a_model_for_one_says_so(tiny_models: Path, tiny: Network) -> None:
    assert tiny.batches
    assert not Network.open(tiny_models, "isnet", 1).batches
