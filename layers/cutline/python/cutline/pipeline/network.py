"""A matting network: picture in, one named alpha map per output plane out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
from PIL import Image

from cutline.errors import Reason, ServiceFault
from cutline.pipeline.grids import F32, U8, resize_u8
from cutline.pipeline.model_entry import ModelEntry, read_entry

_MID_GREY = 128
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


class Network:
    """An open ONNX session and its entry of models.toml; opened once per process, safe to share between threads."""

    def __init__(self, entry: ModelEntry, session: ort.InferenceSession) -> None:
        self.entry = entry
        self._session = session

    @classmethod
    def open(cls, models_dir: Path, name: str, threads: int) -> Network:
        """The network `name` of `models_dir`, running on `threads` threads.

        Raises:
            ServiceFault: where the model is missing, damaged or not what its entry says.
        """
        entry = read_entry(models_dir, name)
        if not entry.path.is_file():
            raise ServiceFault(Reason.MODEL_FAILED, f"{entry.path.name} is not there.")
        try:
            session = ort.InferenceSession(
                str(entry.path), sess_options=_session_options(threads), providers=["CPUExecutionProvider"]
            )
        except _ORT_ERRORS as error:
            raise ServiceFault(Reason.MODEL_FAILED, f"{entry.path.name} cannot be opened.") from error
        _check_interface(entry, session)
        return cls(entry, session)

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the maps that `predict` returns."""
        return self.entry.channels

    def predict(self, rgb_u8: U8, alpha_u8: U8 | None = None) -> dict[str, F32]:
        """Maps (h, w) in [0, 1] by channel name; each covers the whole picture at the network's own resolution.

        rgb_u8: (H, W, 3); alpha_u8: (H, W), the picture's own alpha. What it hides is shown as mid-grey, because the
        bytes below a transparent pixel may be anything.
        """
        small_u8 = self._fit(rgb_u8, alpha_u8)
        inner_height, inner_width = small_u8.shape[:2]
        tensor = self._to_tensor(small_u8)
        try:
            planes = self._session.run([self.entry.output], {self.entry.input: tensor})[0][0]
        except _ORT_ERRORS as error:
            raise ServiceFault(Reason.MODEL_FAILED, f"{self.entry.path.name} failed.") from error
        top, left = self._margins(inner_height, inner_width)
        planes = planes[:, top : top + inner_height, left : left + inner_width]
        return {name: self._to_unit(plane) for name, plane in zip(self.channels, planes, strict=True)}

    def _fit(self, rgb_u8: U8, alpha_u8: U8 | None) -> U8:
        """The picture at the network's size, or at the part of it that a letterboxed picture fills."""
        height, width = self.entry.height, self.entry.width
        if self.entry.letterbox:
            scale = min(height / rgb_u8.shape[0], width / rgb_u8.shape[1])
            height = max(1, round(rgb_u8.shape[0] * scale))
            width = max(1, round(rgb_u8.shape[1] * scale))
        small_u8 = resize_u8(rgb_u8, width, height, Image.Resampling.BILINEAR)
        if alpha_u8 is None:
            return small_u8
        share = resize_u8(alpha_u8, width, height, Image.Resampling.BILINEAR)[..., None].astype(np.float32) / 255
        return np.rint(small_u8 * share + _MID_GREY * (1 - share)).astype(np.uint8)

    def _margins(self, inner_height: int, inner_width: int) -> tuple[int, int]:
        return (self.entry.height - inner_height) // 2, (self.entry.width - inner_width) // 2

    def _to_tensor(self, small_u8: U8) -> F32:
        """(1, 3, height, width) as the entry's white, mean and std ask for."""
        inner_height, inner_width = small_u8.shape[:2]
        if (inner_height, inner_width) != (self.entry.height, self.entry.width):
            canvas = np.full((self.entry.height, self.entry.width, 3), _MID_GREY, np.uint8)
            top, left = self._margins(inner_height, inner_width)
            canvas[top : top + inner_height, left : left + inner_width] = small_u8
            small_u8 = canvas
        std = np.asarray(self.entry.std, np.float32)[:, None, None]
        gain = np.float32(self.entry.white / 255) / std
        offset = np.asarray(self.entry.mean, np.float32)[:, None, None] / std
        tensor: F32 = np.ascontiguousarray((small_u8.transpose(2, 0, 1) * gain - offset)[None], np.float32)
        return tensor

    def _to_unit(self, plane: F32) -> F32:
        plane = np.nan_to_num(plane.astype(np.float32), nan=0.0, posinf=1.0, neginf=0.0)
        if self.entry.rescale:
            low, high = float(plane.min()), float(plane.max())
            plane = (plane - low) / max(high - low, 1e-6)
        return np.clip(plane, 0.0, 1.0).astype(np.float32)


def _session_options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    # Measured on `matte`, one thread: the arena saves 40 % of the time; its pattern, planned ahead, costs 36 MB for
    # nothing.
    options.enable_cpu_mem_arena = True
    options.enable_mem_pattern = False
    # Spinning workers would burn the vCPU that the NumPy stages need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def _check_interface(entry: ModelEntry, session: ort.InferenceSession) -> None:
    inputs = {node.name: node.shape for node in session.get_inputs()}
    outputs = {node.name: node.shape for node in session.get_outputs()}
    wanted_in = [1, 3, entry.height, entry.width]
    wanted_out = [1, len(entry.channels), entry.height, entry.width]
    if inputs.get(entry.input) != wanted_in or outputs.get(entry.output) != wanted_out:
        raise ServiceFault(Reason.MODEL_FAILED, f"{entry.path.name} is not what its entry {entry.name!r} describes.")
