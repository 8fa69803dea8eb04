"""The built-in subject-matting network: a small encoder-decoder that says how much each pixel is subject.

Only PyTorch is imported here. The network knows nothing of files, data sets or training; `train.py` teaches
it and `export.py` wraps it with the normalisation and the sigmoid that the shipped graph contains.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDE = 32
"""Height and width of the input must be multiples of this."""
PUSH = 3.0
"""How far a picture's logits sink for each unit of certainty that it holds no subject."""


def conv(inputs: int, outputs: int, *, stride: int = 1) -> nn.Sequential:
    """A 3x3 convolution, its batch norm and a ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """Two dense 3x3 convolutions around a skip."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv(channels, channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.norm(self.second(self.first(x))))


class Context(nn.Module):
    """A 7x7 depthwise look-around, an inverted bottleneck and a squeeze-excite gate that sees the whole
    picture.

    The kernel follows ConvNeXt (Liu et al. 2022), the gate squeeze-excite (Hu et al. 2018).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.around = nn.Conv2d(channels, channels, 7, padding=3, groups=channels, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.widen = nn.Conv2d(channels, channels * 2, 1)
        self.narrow = nn.Conv2d(channels * 2, channels, 1, bias=False)
        self.out_norm = nn.BatchNorm2d(channels)
        self.squeeze = nn.Conv2d(channels, channels // 4, 1)
        self.excite = nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.widen(self.norm(self.around(x))))
        y = self.out_norm(self.narrow(y))
        gate = torch.sigmoid(self.excite(functional.relu(self.squeeze(y.mean((2, 3), keepdim=True)))))
        return x + y * gate


class Decode(nn.Module):
    """Doubles the coarse features' size, joins the skip from the encoder and mixes both with one 3x3
    convolution."""

    def __init__(self, coarse: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(coarse, outputs, 1, bias=False)
        self.mix = conv(outputs + skip, outputs)

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        up = functional.interpolate(
            self.reduce(coarse), scale_factor=2.0, mode="bilinear", align_corners=False
        )
        return self.mix(torch.cat((up, skip), 1))


class SubjectNet(nn.Module):
    """Subject matting in one pass.

    `forward` takes float32 (N, 3, H, W), sRGB scaled to about [-2, 2] (see `normalise`), H and W multiples of
    `STRIDE`. It returns the logits (N, 1, H, W); while training, a tuple of them, of the coarse logits at 1/8
    and 1/16, which exist only to teach the inner layers, and of `presence` (N, 1, 1, 1), the logit of there
    being a subject at all. A picture that is thought to hold none has all its logits pushed down.
    """

    def __init__(self) -> None:
        super().__init__()
        self.at_half = conv(12, 16)
        self.at_quarter = nn.Sequential(conv(16, 32, stride=2), Residual(32))
        self.at_eighth = nn.Sequential(conv(32, 64, stride=2), Residual(64))
        self.at_sixteenth = nn.Sequential(conv(64, 112, stride=2), Residual(112), Residual(112), Context(112))
        self.at_deepest = nn.Sequential(conv(112, 176, stride=2), *(Context(176) for _ in range(6)))
        self.scene = nn.Sequential(nn.Conv2d(176, 176, 1), nn.ReLU(inplace=True), nn.Conv2d(176, 176, 1))
        self.presence = nn.Conv2d(176, 1, 1)
        self.to_sixteenth = Decode(176, 112, 96)
        self.around = nn.Sequential(Context(96), Context(96))
        self.to_eighth = Decode(96, 64, 64)
        self.to_quarter = Decode(64, 32, 32)
        self.to_half = Decode(32, 16, 16)
        self.refine = nn.Sequential(conv(16 + 12, 20), nn.Conv2d(20, 4, 3, padding=1))
        self.coarse_eighth = nn.Conv2d(64, 1, 1)
        self.coarse_sixteenth = nn.Conv2d(96, 1, 1)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor, Tensor, Tensor]:
        # Each 2x2 square of pixels becomes one place with twelve channels: full resolution at a quarter of
        # the cost.
        packed = functional.pixel_unshuffle(x, 2)
        half = self.at_half(packed)
        quarter = self.at_quarter(half)
        eighth = self.at_eighth(quarter)
        sixteenth = self.at_sixteenth(eighth)
        deepest = self.at_deepest(sixteenth)
        deepest = functional.relu(deepest + self.scene(deepest.mean((2, 3), keepdim=True)))
        presence = self.presence(deepest.mean((2, 3), keepdim=True))
        d16 = self.around(self.to_sixteenth(deepest, sixteenth))
        d8 = self.to_eighth(d16, eighth)
        d4 = self.to_quarter(d8, quarter)
        d2 = self.to_half(d4, half)
        logits = functional.pixel_shuffle(self.refine(torch.cat((d2, packed), 1)), 2)
        logits = logits - PUSH * functional.softplus(-presence)
        if not self.training:
            return logits
        return logits, self.coarse_eighth(d8), self.coarse_sixteenth(d16), presence


def normalise(image: Tensor) -> Tensor:
    """Turns sRGB values in [0, 255], any shape, into about [-2, 2], the range the network expects."""
    return image.float() * (1 / 64) - 2.0


def parameter_count(network: nn.Module) -> int:
    """How many trained numbers the network holds."""
    return sum(p.numel() for p in network.parameters())
