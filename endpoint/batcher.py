"""Runs the pictures of several callers through the network together."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Protocol

from cutline.errors import MattingError, Reason, ServiceFault
from cutline.pipeline.filters import F32, U8
from cutline.pipeline.inference.model_config import Calibration, ModelEntry
from cutline.pipeline.inference.network import Prepared
from cutline.pipeline.inference.passes import predict_in_passes

_Waiting = tuple[Prepared, "Future[F32]"]
# A lost GPU fails every run; a single failure may come from one picture.
_FAILURES_TO_GIVE_UP = 3


class BatchNetwork(Protocol):
    """The part of `cutline.pipeline.inference.network.Network` that a batcher uses."""

    @property
    def entry(self) -> ModelEntry: ...

    def prepare(self, rgb_u8: U8) -> Prepared: ...

    def run(self, pictures: Sequence[Prepared]) -> list[F32]: ...

    def finish(self, prepared: Prepared, planes: F32) -> dict[str, F32]: ...


class Batcher:
    """Implements `inference.Predictor` for many threads: one thread of its own runs up to `max_batch` at a time.

    A picture waits for others at most `max_delay_ms`. Pictures that arrive during a run form the next batch. `predict`
    gives up after `limit_s`. `on_run` receives each run's size and milliseconds.
    """

    def __init__(
        self,
        network: BatchNetwork,
        max_batch: int,
        max_delay_ms: float,
        limit_s: float,
        on_run: Callable[[int, float], None] = lambda size, ms: None,
    ) -> None:
        self._network = network
        self._max_batch = max_batch
        self._max_delay_s = max_delay_ms / 1000
        self._limit_s = limit_s
        self._on_run = on_run
        self._waiting: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        self._failures = 0
        threading.Thread(target=self._work, daemon=True, name="batcher").start()

    @property
    def healthy(self) -> bool:
        """False after several failed runs in a row, so that the instance is replaced."""
        return self._failures < _FAILURES_TO_GIVE_UP

    @property
    def calibration(self) -> Calibration | None:
        """The fit of the network's confidence."""
        return self._network.entry.confidence

    @property
    def waiting(self) -> int:
        """How many pictures wait for a run."""
        return self._waiting.qsize()

    def predict(self, rgb_u8: U8, alpha_u8: U8 | None = None) -> dict[str, F32]:
        """The same as the network's own `predict`. Raises ServiceFault(MODEL_FAILED or TIMED_OUT)."""
        return predict_in_passes(self._network.entry, self._predict_once, rgb_u8, alpha_u8)

    def _predict_once(self, rgb_u8: U8) -> dict[str, F32]:
        prepared = self._network.prepare(rgb_u8)
        future: Future[F32] = Future()
        self._waiting.put((prepared, future))
        try:
            return self._network.finish(prepared, future.result(self._limit_s))
        except FutureTimeout as error:
            future.cancel()  # a picture that still waits need not run
            raise ServiceFault(Reason.TIMED_OUT, "the network is too busy") from error

    def _work(self) -> None:
        while True:
            batch = [
                (prepared, future) for prepared, future in self._collect() if future.set_running_or_notify_cancel()
            ]
            if batch:
                self._run(batch)

    def _collect(self) -> list[_Waiting]:
        """The next picture and those that arrive within the delay."""
        batch = [self._waiting.get()]
        end = time.monotonic() + self._max_delay_s
        while len(batch) < self._max_batch:
            try:
                batch.append(self._waiting.get(timeout=max(0.0, end - time.monotonic())))
            except queue.Empty:
                break
        return batch

    def _run(self, batch: list[_Waiting]) -> None:
        begun = time.perf_counter()
        try:
            results = self._network.run([prepared for prepared, _ in batch])
        except Exception as error:  # the thread must go on; every caller gets the failure
            self._failures += 1
            fault = error if isinstance(error, MattingError) else ServiceFault(Reason.INTERNAL, type(error).__name__)
            for _, future in batch:
                future.set_exception(fault)
            return
        self._failures = 0
        self._on_run(len(batch), (time.perf_counter() - begun) * 1000)
        for (_, future), planes in zip(batch, results, strict=True):
            future.set_result(planes)
