"""The networks to choose from: the shipped one, the same without its wide look-around, and a nested U.

All have the contract of `network.SubjectNet`, so that `train.py --design` can teach any. PyTorch only.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from network import PUSH, Context, SubjectNet, conv


class DenseNet(SubjectNet):
    """`SubjectNet` with a dense 3x3 convolution wherever that has a 7x7 depthwise look-around and a gate."""

    def __init__(self) -> None:
        super().__init__()
        for parent in list(self.modules()):
            for name, child in parent.named_children():
                if isinstance(child, Context):
                    channels = child.around.in_channels
                    setattr(parent, name, conv(channels, channels))


class _SmallU(nn.Module):
    """A U within a stage, added to its own input (the residual U-block of Qin et al. 2020, made light)."""

    def __init__(self, inputs: int, middle: int, outputs: int, depth: int) -> None:
        super().__init__()
        self.enter = conv(inputs, outputs)
        self.down = nn.ModuleList([conv(outputs if i == 0 else middle, middle) for i in range(depth)])
        self.bottom = conv(middle, middle)
        self.up = nn.ModuleList([conv(2 * middle, outputs if i == 0 else middle) for i in range(depth)])

    def forward(self, x: Tensor) -> Tensor:
        entered = self.enter(x)
        steps = [self.down[0](entered)]
        for block in self.down[1:]:
            steps.append(block(functional.max_pool2d(steps[-1], 2, ceil_mode=True)))
        y = self.bottom(steps[-1])
        for block, step in zip(reversed(self.up), reversed(steps), strict=True):
            y = functional.interpolate(y, size=step.shape[-2:], mode="bilinear", align_corners=False)
            y = block(torch.cat((y, step), 1))
        return y + entered


class NestedU(nn.Module):
    """A U whose every stage is a small U, after U2-Net, starting at half size as `SubjectNet` does."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            [
                _SmallU(12, 12, 32, 5),
                _SmallU(32, 16, 48, 4),
                _SmallU(48, 24, 80, 3),
                _SmallU(80, 40, 112, 3),
                _SmallU(112, 64, 160, 2),
            ]
        )
        self.up = nn.ModuleList(
            [
                _SmallU(160 + 112, 40, 96, 3),
                _SmallU(96 + 80, 24, 80, 3),
                _SmallU(80 + 48, 16, 48, 4),
                _SmallU(48 + 32, 12, 16, 5),
            ]
        )
        self.presence = nn.Conv2d(160, 1, 1)
        self.coarse_sixteenth = nn.Conv2d(96, 1, 1)
        self.coarse_eighth = nn.Conv2d(80, 1, 1)
        self.refine = nn.Conv2d(16 + 12, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor, Tensor, Tensor]:
        packed = functional.pixel_unshuffle(x, 2)
        stages = [self.down[0](packed)]
        for stage in self.down[1:]:
            stages.append(stage(functional.max_pool2d(stages[-1], 2)))
        y, decoded = stages[-1], []
        presence = self.presence(y.mean((2, 3), keepdim=True))
        for block, skip in zip(self.up, reversed(stages[:-1]), strict=True):
            y = functional.interpolate(y, scale_factor=2.0, mode="bilinear", align_corners=False)
            y = block(torch.cat((y, skip), 1))
            decoded.append(y)
        logits = functional.pixel_shuffle(self.refine(torch.cat((y, packed), 1)), 2)
        logits = logits - PUSH * functional.softplus(-presence)
        if not self.training:
            return logits
        return logits, self.coarse_eighth(decoded[1]), self.coarse_sixteenth(decoded[0]), presence


DESIGNS: dict[str, type[nn.Module]] = {"subject": SubjectNet, "dense": DenseNet, "nested": NestedU}
"""The designs by the name that `train.py --design` knows."""


def averaged(checkpoint: Path, *, other: Path | None = None, share: float = 0.25) -> nn.Module:
    """The network of a checkpoint with its averaged weights, in eval mode.

    `other`: the checkpoint of a run that this one began with, or that began with the same; its weights count
    by `share`, 0 to 1.
    """
    state = torch.load(checkpoint, weights_only=True)
    weights = state["average"]
    if other is not None:
        before = torch.load(other, weights_only=True)["average"]
        weights = {
            name: torch.lerp(tensor, before[name], share) if tensor.is_floating_point() else tensor
            for name, tensor in weights.items()
        }
    network = DESIGNS[state["design"]]()
    network.load_state_dict(weights)
    return network.eval()
