"""Measures exported models on folders of pictures with truth: MAE, IoU at 0.5 and max-F per set, as a
Markdown table.

    python evaluate.py --data DATA --model ../builtin.onnx [--csnet CSNET.onnx] [--timing]

Each alpha is resized to its picture's own size before it is judged. Models are told apart by their input:
ours takes bytes, the reference network csnet takes ImageNet-normalised planes and is min-max stretched,
which favours it slightly.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from metrics import f_curve, iou_at_half, mean_absolute_error
from pictures import pair_paths, read_mask, read_rgb, squash

SETS = ("davis", "grabcut", "bags", "cats", "ccp", "voc", "human", "am2k", "lemur")
_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_IMAGENET_STD = np.array([0.229, 0.224, 0.225], np.float32)


class Model:
    """An ONNX model that gives an alpha for a picture."""

    def __init__(self, path: Path, *, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0]
        self.ours = self.input.type == "tensor(uint8)"

    def alpha(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The alpha of an RGB picture, uint8 (H, W, 3), as float32 (H, W) in [0, 1]."""
        raw = self._squares(picture)
        height, width = picture.shape[:2]
        return np.clip(cv2.resize(raw, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1)

    def _squares(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        if self.ours:
            fed = squash(picture, self.input.shape[1])[None]
            return self.session.run(None, {self.input.name: fed})[0][0, 0]
        scaled = squash(picture, self.input.shape[2]).astype(np.float32) / 255
        planes = ((scaled - _IMAGENET_MEAN) / _IMAGENET_STD).transpose(2, 0, 1)[None]
        raw = self.session.run(None, {self.input.name: planes})[0][0, 0]
        return (raw - raw.min()) / max(float(raw.max() - raw.min()), 1e-6)


def judge(model: Model, folder: Path) -> tuple[int, float, float, float]:
    """How a model does on one set: number of pictures, MAE, IoU at 0.5, max-F."""
    errors, ious, curves = [], [], []
    for image, mask in pair_paths(folder):
        alpha = model.alpha(read_rgb(image))
        truth = read_mask(mask).astype(np.float32) / 255
        if truth.shape != alpha.shape:
            truth = cv2.resize(truth, alpha.shape[::-1], interpolation=cv2.INTER_LINEAR)
        errors.append(mean_absolute_error(alpha, truth))
        ious.append(iou_at_half(alpha, truth))
        curves.append(f_curve(alpha, truth))
    return len(errors), float(np.mean(errors)), float(np.mean(ious)), float(np.mean(curves, 0).max())


def median_ms(model: Model, runs: int = 30) -> float:
    """The median time of one picture in milliseconds, after three runs to warm up."""
    picture = np.random.default_rng(0).integers(0, 256, (320, 320, 3), np.uint8)
    times = []
    for _ in range(runs + 3):
        start = time.perf_counter()
        model.alpha(picture)
        times.append((time.perf_counter() - start) * 1000)
    return float(np.median(times[3:]))


def main() -> None:
    """Reads the command line and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with eval/")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--csnet", type=Path, help="the reference network, for comparison only")
    parser.add_argument("--timing", action="store_true", help="also time one picture on --threads threads")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    models = {"ours": Model(args.model, threads=args.threads)}
    if args.csnet:
        models["csnet"] = Model(args.csnet, threads=args.threads)
    print("| set | pictures |" + "".join(f" {m} MAE | {m} IoU | {m} max-F |" for m in models))
    print("|---|---|" + "---|" * 3 * len(models))
    for name in SETS:
        results = [judge(model, args.data / "eval" / name) for model in models.values()]
        print(
            f"| {name} | {results[0][0]} |"
            + "".join(f" {e:.3f} | {i:.3f} | {f:.3f} |" for _, e, i, f in results)
        )
    if args.timing:
        for name, model in models.items():
            print(f"{name}: {median_ms(model):.1f} ms a picture on {args.threads} threads")


if __name__ == "__main__":
    main()
