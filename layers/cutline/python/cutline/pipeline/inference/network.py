"""A network: a picture in, its predictions out, one named plane in [0, 1] per output channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from cutline.errors import Reason, ServiceFault
from cutline.pipeline.filters import F32, U8
from cutline.pipeline.inference.model_config import Calibration, ModelEntry, read_entry
from cutline.pipeline.inference.passes import predict_in_passes
from cutline.pipeline.inference.preprocess import fit_picture, to_predictions, to_tensor

Provider = tuple[str, dict[str, Any]]
CPU: Provider = ("CPUExecutionProvider", {})
# onnxruntime's binding raises plain RuntimeErrors besides its own classes.
_ORT_ERRORS = (
    RuntimeError,
    ValueError,
    ort.capi.onnxruntime_pybind11_state.Fail,
    ort.capi.onnxruntime_pybind11_state.InvalidArgument,
    ort.capi.onnxruntime_pybind11_state.InvalidGraph,
    ort.capi.onnxruntime_pybind11_state.InvalidProtobuf,
    ort.capi.onnxruntime_pybind11_state.NoSuchFile,
    ort.capi.onnxruntime_pybind11_state.NotImplemented,
    ort.capi.onnxruntime_pybind11_state.RuntimeException,
)


@dataclass(frozen=True)
class Prepared:
    """A picture as the network's input: tensor (1, 3, height, width), whose inner part the picture fills."""

    tensor: F32
    inner_height: int
    inner_width: int


class Network:
    """An open ONNX session and its entry in models.toml; open it once per process and share it between threads."""

    def __init__(self, entry: ModelEntry, session: ort.InferenceSession) -> None:
        self.entry = entry
        self._session = session

    @classmethod
    def open(cls, models_dir: Path, name: str, threads: int, providers: Sequence[Provider] = (CPU,)) -> Network:
        """Open the network `name` of `models_dir`, on the first of `providers` that starts, with `threads` CPU threads.

        Raises:
            ServiceFault: if the model is missing, damaged or differs from its entry.
        """
        entry = read_entry(models_dir, name)
        if not entry.path.is_file():
            raise ServiceFault(Reason.MODEL_FAILED, f"{entry.path.name} is not there.")
        try:
            session = ort.InferenceSession(
                str(entry.path), sess_options=_session_options(threads), providers=list(providers)
            )
        except _ORT_ERRORS as error:
            raise ServiceFault(Reason.MODEL_FAILED, f"{entry.path.name} cannot be opened.") from error
        _check_interface(entry, session)
        return cls(entry, session)

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the planes that `predict` returns."""
        return self.entry.channels

    @property
    def calibration(self) -> Calibration | None:
        """The fit of the network's confidence, or None if there is none."""
        return self.entry.confidence

    @property
    def view_size(self) -> tuple[int, int]:
        """The largest height and width of use to `predict`; a picture reduced to them loses nothing."""
        return self.entry.view_height, self.entry.view_width

    @property
    def provider(self) -> str:
        """onnxruntime's name of the provider that runs the network; one that does not start falls back to the next."""
        return str(self._session.get_providers()[0])

    @property
    def batches(self) -> bool:
        """Whether the model takes several pictures in one run; a fixed batch axis takes one."""
        nodes = (*self._session.get_inputs(), *self._session.get_outputs())
        shapes = {node.name: node.shape for node in nodes}
        return not any(isinstance(shapes[name][0], int) for name in (self.entry.input, self.entry.output))

    def predict(self, rgb_u8: U8, alpha_u8: U8 | None = None) -> dict[str, F32]:
        """Predictions (h, w) in [0, 1] by channel name; each covers the whole picture at the network's scale.

        rgb_u8: (H, W, 3); alpha_u8: (H, W), the picture's own alpha. To batch pictures, call
        `passes.predict_in_passes` with a `predict` made of `prepare`, `run` and `finish`. Raises ServiceFault.
        """
        return predict_in_passes(self.entry, self._predict_once, rgb_u8, alpha_u8)

    def _predict_once(self, rgb_u8: U8) -> dict[str, F32]:
        prepared = self.prepare(rgb_u8)
        return self.finish(prepared, self.run([prepared])[0])

    def prepare(self, rgb_u8: U8) -> Prepared:
        """Return the picture as input for `run`."""
        small_u8 = fit_picture(self.entry, rgb_u8, None)
        return Prepared(to_tensor(self.entry, small_u8), *small_u8.shape[:2])

    def run(self, pictures: Sequence[Prepared]) -> list[F32]:
        """Return each picture's raw planes (C, height, width), in one run if the model `batches`, else in one run each.

        Raises:
            ServiceFault: if the network fails.
        """
        tensors = [prepared.tensor for prepared in pictures]
        if self.batches and len(tensors) > 1:
            return list(self._run(np.concatenate(tensors)))
        return [self._run(tensor)[0] for tensor in tensors]

    def finish(self, prepared: Prepared, planes: F32) -> dict[str, F32]:
        """Return the predictions of one pass from the planes that `run` returned for this picture."""
        return to_predictions(self.entry, planes, prepared.inner_height, prepared.inner_width)

    def _run(self, tensor: F32) -> F32:
        try:
            planes: F32 = self._session.run([self.entry.output], {self.entry.input: tensor})[0]
        except _ORT_ERRORS as error:
            raise ServiceFault(Reason.MODEL_FAILED, f"{self.entry.path.name} failed.") from error
        # An axis without a number was not checked when the model was opened.
        if planes.shape != (len(tensor), len(self.entry.channels), *tensor.shape[2:]):
            raise ServiceFault(Reason.MODEL_FAILED, f"{self.entry.path.name} made planes {planes.shape}.")
        return planes


def _session_options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    # On `matte` with one thread the arena saves 40 % of the time; planning its pattern ahead costs 36 MB and saves
    # none.
    options.enable_cpu_mem_arena = True
    options.enable_mem_pattern = False
    # Spinning workers would take the vCPU from the NumPy stages.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def _check_interface(entry: ModelEntry, session: ort.InferenceSession) -> None:
    inputs = {node.name: node.shape for node in session.get_inputs()}
    outputs = {node.name: node.shape for node in session.get_outputs()}
    given = _fits(inputs.get(entry.input), (3, entry.height, entry.width))
    made = _fits(outputs.get(entry.output), (len(entry.channels), entry.height, entry.width))
    if not given or not made:
        raise ServiceFault(Reason.MODEL_FAILED, f"{entry.path.name} is not what its entry {entry.name!r} describes.")


def _fits(shape: list[int | str | None] | None, sides: tuple[int, int, int]) -> bool:
    """Return whether a tensor may have one picture and these sides; an axis without a number takes any."""
    expected = (1, *sides)
    return (
        shape is not None
        and len(shape) == len(expected)
        and all(axis == side for axis, side in zip(shape, expected, strict=True) if isinstance(axis, int))
    )
