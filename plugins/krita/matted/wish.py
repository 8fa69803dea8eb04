"""What the person has chosen in the docker, and how the engine is asked for it.

Standard library only: no Qt, no Krita. Option names are those of the engine's `openapi.json`; sentences and
names for devices, models and sizes are made here too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from .prompt import NOTHING, Prompt

NOT_FOUND = "prompt-not-found"
MASK, SELECTION, LAYER, SUBJECTS = "mask", "selection", "layer", "subjects"
LIMITS, POINTS, IGNORED = "limits", "points", "ignored"

OUTPUTS = {
    MASK: "Transparency mask",
    SELECTION: "Selection",
    LAYER: "New layer with clean colours",
    SUBJECTS: "A masked layer for each subject",
}
SELECTION_USES = {
    LIMITS: "limits the result",
    POINTS: "is a box around the subject",
    IGNORED: "is ignored",
}
LEVELS = {
    "fine": "fine, for hair and fur",
    "fast": "fast",
    "neural": "neural, if a matting model is here",
}
_DEVICES = {
    "cpu": "processor",
    "cuda": "NVIDIA graphics",
    "tensorrt": "NVIDIA graphics (TensorRT)",
    "migraphx": "AMD graphics",
    "rocm": "AMD graphics",
    "coreml": "Apple Core ML",
    "directml": "graphics (DirectML)",
    "openvino": "Intel OpenVINO",
}
_STAGES = {
    "receive": "Sending the picture…",
    "decode": "Sending the picture…",
    "proxy": "Looking at the picture…",
    "model": "Looking for the subject…",
    "edges": "Following the edges…",
    "preview": "Adjusting…",
    "adjust": "Adjusting…",
    "colours": "Cleaning the colours…",
    "foreground": "Cleaning the colours…",
}
# The warning that decides most about what to do next is shown first.
_URGENCY = (
    NOT_FOUND,
    "prompt-not-told-apart",
    "nothing-found",
    "doubtful",
    "low-confidence",
    "several-subjects",
    "low-contrast",
    "small-picture",
)


@dataclass(frozen=True)
class Wish:
    """The docker's settings. Lengths in pixels of the layer; `keep`: numbers of subjects, () is all."""

    model: str | None = None
    level: str = "fine"
    grow_px: float = 0.0
    feather_px: float = 0.0
    smooth_px: float = 0.0
    contrast: float = 0.0
    keep: tuple[int, ...] = ()
    prompt: Prompt = NOTHING
    output: str = MASK
    selection: str = LIMITS

    def looked(
        self, *, box: list[int] | None = None, scale: tuple[float, float] = (1.0, 1.0)
    ) -> dict[str, Any]:
        """The options of the stages that look at the picture; `box` and `scale` as of `Prompt.asked`."""
        asked: dict[str, Any] = {"coarse": {"model": self.model}, "refine": {"level": self.level}}
        prompt = self.prompt.asked(box=box, scale=scale)
        if prompt is not None:
            asked["prompt"] = prompt
        return asked

    def options(
        self,
        *,
        side_px: int | None = None,
        box: list[int] | None = None,
        scale: tuple[float, float] = (1.0, 1.0),
    ) -> dict[str, Any]:
        """All options of a mask; `side_px`: the longest side of a preview."""
        asked = self.looked(box=box, scale=scale)
        adjust: dict[str, Any] = {
            "grow_px": self.grow_px * scale[0],
            "feather_px": self.feather_px * scale[0],
            "smooth_px": self.smooth_px * scale[0],
            "contrast": self.contrast,
        }
        adjust = {name: value for name, value in adjust.items() if value}
        if self.keep:
            adjust["keep"] = list(self.keep)
        if adjust:
            asked["adjust"] = adjust
        if side_px:
            asked["side_px"] = side_px
        return asked


class Choice(NamedTuple):
    """A model as the docker offers it; `id` None leaves the choice to Matted."""

    id: str | None
    label: str
    note: str
    installed: bool
    commercial: bool = True


def choices(models: list[dict[str, Any]]) -> list[Choice]:
    """The catalogue's models that cut out by themselves, installed ones first, and those that answer clicks.

    The latter are only offered to be downloaded: once they are here, every click and box is theirs.
    """
    offered = [Choice(None, "Automatic", "Matted's own choice among what is installed", True)]
    found = [model for model in models if model["kind"] == "saliency"]
    clicks = [model for model in models if model["kind"] == "prompt" and not model["installed"]]
    for model in sorted(found, key=lambda one: not one["installed"]) + clicks:
        good = ", ".join(model["good_for"])
        title = str(model["title"]) + (", for clicks" if model["kind"] == "prompt" else "")
        label = title if model["installed"] else f"{title} · {size_text(model['size'])} to download"
        note = f"Good for {good}." if good else ""
        if not model["commercial"]:
            note = f"{note} Not for commercial use ({model['licence']}).".strip()
        offered.append(Choice(model["id"], label, note, model["installed"], model["commercial"]))
    return offered


def size_text(size: int | None) -> str:
    """A download's size as a person says it."""
    if not size:
        return "unknown size"
    return (
        f"{size / 1e9:.1f} GB"
        if size >= 1e9
        else f"{size / 1e6:.0f} MB"
        if size >= 1e7
        else f"{size / 1e6:.1f} MB"
    )


def stage_text(stage: str) -> str:
    """What the engine is doing, for the progress bar."""
    return _STAGES.get(stage, "Working…")


def device_name(provider: str) -> str:
    """The device behind an execution provider."""
    return _DEVICES.get(provider, provider)


def advice(warnings: list[dict[str, str]]) -> str:
    """The most useful of an answer's warnings, a sentence with why and what to do; "" if there are none."""

    def urgency(warning: dict[str, str]) -> int:
        code = warning["code"]
        return _URGENCY.index(code) if code in _URGENCY else len(_URGENCY)

    return _in_krita(min(warnings, key=urgency)["sentence"]) if warnings else ""


def _in_krita(sentence: str) -> str:
    """A sentence of the engine, with the docker's own way to what it names a command for."""
    return re.sub(r"`matted models pull [^`]+` fetches", "the list “Model” below offers", sentence)
