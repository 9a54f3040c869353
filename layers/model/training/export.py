"""Writes a checkpoint as ONNX: `python -m training.export matte|costume CHECKPOINT FILE.onnx [--size 384]`.

The same checkpoint and the same pinned packages give the same bytes: the graph carries no date, path or host name.
Weights are stored as fp16 behind Cast nodes, which onnxruntime folds away when it opens the file, so the file is half
as large while every kernel still runs in fp32. Batch norms stay nodes of their own, which onnxruntime folds into the
convolutions then too (11 ms more of CPU for `matte`): so `--start FILE.onnx` trains on from what ships.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn
from torch.nn.utils.parametrize import register_parametrization

from training.losses import CLASS_SHARES
from training.network import TRAINED_ONLY, Deployed, encoder_of, load_weights, read_state
from training.plan import OUTPUTS
from training.train import new_net

OPSET = 17
OUTPUT_NAMES = {"matte": "alphas", "costume": "classes"}
# The loss makes rare classes likelier than they are, and this takes some of it back (https://arxiv.org/abs/2007.07314).
# Of 0 to .5 the best on figures whole and cut.
PRIOR_POWER = 0.3
# Below this many values a tensor is a constant of the graph (a bias, a size), not worth a node to widen it.
MIN_HALVED = 256


class Shift(nn.Module):
    """Adds a constant to a parameter."""

    def __init__(self, by: Tensor) -> None:
        super().__init__()
        self.register_buffer("by", by)

    def forward(self, x: Tensor) -> Tensor:
        """`x` plus the constant, of the same shape."""
        return x + self.by


def traced_graph(job: str, checkpoint: Path, size: int) -> ModelProto:
    """The fp32 graph with every tensor under its own name; input `image` (batch, 3, size, size) RGB 0..255.

    The batch axis is free, which costs a batch of one nothing and lets the GPU endpoint run several pictures at once.
    """
    net = new_net(job, encoder_of(read_state(checkpoint)))
    missing = [name for name in load_weights(net, checkpoint) if not name.startswith(TRAINED_ONLY)]
    if missing:
        raise ValueError(f"{checkpoint} does not fit {job}: {missing[:3]}")
    if job == "costume":
        # A sum of constants in the graph, so that the bias as it was trained can be read back.
        register_parametrization(net.head, "bias", Shift(PRIOR_POWER * torch.tensor(CLASS_SHARES).log()))
    deployed = Deployed(net, exclusive=job == "costume").eval()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # The tracing exporter's successor announces itself on every call.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            deployed,
            (torch.zeros(1, 3, size, size),),
            str(Path(folder) / "traced.onnx"),
            input_names=["image"],
            output_names=[OUTPUT_NAMES[job]],
            opset_version=OPSET,
            dynamic_axes={"image": {0: "batch"}, OUTPUT_NAMES[job]: {0: "batch"}},
            dynamo=False,
            # Evaluation mode folds batch norms; the network itself is in evaluation mode.
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
        )
        model = onnx.load(Path(folder) / "traced.onnx")
    # With one axis free the exporter gives up on the output's others, although they are the input's.
    for axis, length in enumerate((OUTPUTS[job], size, size), start=1):
        model.graph.output[0].type.tensor_type.shape.dim[axis].dim_value = length
    return model


def fold_padding(model: ModelProto) -> None:
    """Gives each zero padding before a convolution to the convolution itself, whose result is the same.

    As nodes of their own they cost a quarter of the time, most of it for leaving onnxruntime's blocked layout.
    """
    constants = onnx.utils.Extractor(onnx.shape_inference.infer_shapes(model))
    pads = {node.output[0]: node for node in model.graph.node if node.op_type == "Pad"}
    for conv in model.graph.node:
        pad = pads.pop(conv.input[0], None) if conv.op_type == "Conv" else None
        if pad is None:
            continue
        # The tracing exporter leaves the amounts as a calculation on constants.
        (amounts,) = ReferenceEvaluator(constants.extract_model([], [pad.input[1]])).run(None, {})
        sides = len(amounts) // 2
        folded = [*amounts[2:sides], *amounts[sides + 2 :]]
        (own,) = (attribute for attribute in conv.attribute if attribute.name == "pads")
        own.ints[:] = [int(more) + less for more, less in zip(folded, own.ints, strict=True)]
        conv.input[0] = pad.input[0]
    prune(model)


def prune(model: ModelProto) -> None:
    """Removes nodes whose results are unused."""
    wanted = {result.name for result in model.graph.output}
    kept = []
    for node in reversed(model.graph.node):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            kept.append(node)
    del model.graph.node[:]
    model.graph.node.extend(reversed(kept))


def halve_weights(model: ModelProto) -> None:
    """Replaces every large fp32 initialiser of `model` by an fp16 one and a Cast back to fp32."""
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < MIN_HALVED:
            continue
        wide, narrow = tensor.name, f"{tensor.name}.fp16"
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), narrow))
        casts.append(helper.make_node("Cast", [narrow], [wide], name=f"{wide}.widen", to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def strip(model: ModelProto) -> None:
    """Removes what says where and by which module the graph was made."""
    for node in model.graph.node:
        node.doc_string = ""
    model.graph.doc_string = model.doc_string = ""
    model.graph.name = "cutline"
    model.producer_name, model.producer_version = "cutline", ""
    del model.metadata_props[:]


def export(job: str, checkpoint: Path, target: Path, size: int, half: bool) -> str:
    """Writes `target` and returns its sha256."""
    model = traced_graph(job, checkpoint, size)
    fold_padding(model)
    if half:
        halve_weights(model)
    strip(model)
    onnx.checker.check_model(model, full_check=True)
    content = model.SerializeToString(deterministic=True)
    target.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def main() -> None:
    """Exports as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", choices=sorted(OUTPUTS))
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--full", action="store_true", help="store fp32 weights")
    given = parser.parse_args()
    digest = export(given.job, given.checkpoint, given.target, given.size, half=not given.full)
    print(f"{given.target.name} {given.target.stat().st_size} bytes sha256 {digest}")


if __name__ == "__main__":
    main()
