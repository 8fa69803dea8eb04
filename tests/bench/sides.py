"""The sides of a comparison, each a process that answers one line of JSON for each line it reads.

`sides.py matted|rembg|editor|bare|start|fine|closed-form FOLDER`; driven by `against_rembg.py`.
"""

import atexit
import io
import json
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

import psutil

Answer = dict[str, Any]


def peak_mib() -> float:
    """Largest resident size this process has had, in MiB."""
    info = psutil.Process().memory_info()
    if hasattr(info, "peak_wset"):
        return float(info.peak_wset) / 2**20
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak) / (2**20 if sys.platform == "darwin" else 2**10)


def matted(folder: Path) -> Callable[[Answer], Answer]:
    """File bytes in, file bytes out, as `matted cut` does it for many files."""
    from matted.config import load_settings
    from matted.delivery import Delivery, deliver
    from matted.engines import LocalEngine, Wish
    from matted.matting.adjust import AdjustOptions
    from matted.memory import keep_memory
    from matted.options import CoarseOptions, RefineOptions

    keep_memory()

    @cache
    def engine(edges: Any) -> LocalEngine:
        wish = Wish(CoarseOptions(model="bench"), RefineOptions(edges), AdjustOptions())
        return LocalEngine(load_settings(), wish)

    def answer(ask: Answer) -> Answer:
        source = (folder / ask["file"]).read_bytes()
        started = time.perf_counter()
        picture, matte = engine(ask["edges"]).matte(source)
        made = time.perf_counter()
        target = io.BytesIO()
        deliver(picture, matte.mask, Delivery(what=ask["what"]), target)
        ended = time.perf_counter()
        stages = {**matte.times, "write": ended - made}
        shown = {stage: round(seconds * 1000) for stage, seconds in stages.items()}
        return {"seconds": ended - started, "stages": shown, "bytes": len(target.getvalue())}

    return answer


def rembg(folder: Path) -> Callable[[Answer], Answer]:
    """File bytes in, file bytes out, through rembg's API with a session kept."""
    from rembg import new_session, remove

    session = new_session("u2netp")

    def answer(ask: Answer) -> Answer:
        source = (folder / ask["file"]).read_bytes()
        started = time.perf_counter()
        result = remove(source, session=session, only_mask=ask["what"] == "mask")
        return {"seconds": time.perf_counter() - started, "bytes": len(result)}

    return answer


def editor(folder: Path) -> Callable[[Answer], Answer]:
    """What a plugin does: the layer's pixels in memory, a running daemon, the mask's bytes back."""
    from matted.client import Client, Planes

    client = Client.connect(start=True)
    atexit.register(client.shutdown)
    layers: dict[str, tuple[bytearray, int, int]] = {}
    turn = 0

    def answer(ask: Answer) -> Answer:
        nonlocal turn
        if ask["planes"] not in layers:
            layers[ask["planes"]] = _layer(folder / ask["file"], ask["planes"])
        pixels, width, height = layers[ask["planes"]]
        turn += 1
        pixels[0] = turn % 256  # another picture each time: nothing may come from the daemon's cache
        options = {"coarse": {"model": "bench"}, "refine": {"level": ask["edges"]}}
        started = time.perf_counter()
        mask = client.mask(Planes(pixels, width, height, ask["planes"]), options)
        seconds = time.perf_counter() - started
        assert len(mask.data) == width * height
        stages = {stage: round(taken * 1000) for stage, taken in mask.times_s.items()}
        return {"seconds": seconds, "stages": stages}

    return answer


def bare(folder: Path) -> Callable[[Answer], Answer]:
    """The same graph alone, on a ready tensor, with the runtime's defaults."""
    import numpy as np

    from matted.inference.runtime import import_runtime

    session = import_runtime().InferenceSession(folder / "u2netp.onnx", providers=["CPUExecutionProvider"])
    tensor = np.random.default_rng(0).standard_normal((1, 3, 320, 320), np.float32)

    def answer(_ask: Answer) -> Answer:
        started = time.perf_counter()
        session.run(None, {"input.1": tensor})
        return {"seconds": time.perf_counter() - started}

    return answer


def start(_folder: Path) -> Callable[[Answer], Answer]:
    """No daemon yet; connect starts one; the first mask; then it is told to end."""
    from matted.client import Client, Planes

    width, height = 1280, 800
    pixels = memoryview(bytes(range(256)) * (width * height * 3 // 256))

    def answer(_ask: Answer) -> Answer:
        started = time.perf_counter()
        client = Client.connect(start=True)
        client.mask(Planes(pixels, width, height, "rgb8"))
        seconds = time.perf_counter() - started
        client.shutdown()
        return {"seconds": seconds}

    return answer


def fine(_folder: Path) -> Callable[[Answer], Answer]:
    """Matted's solved edges: a decoded picture and its coarse alpha to the mask at its own size."""
    from matted.matting.fine import fine_upsample

    return lambda ask: _timed(ask, fine_upsample)


def closed_form(_folder: Path) -> Callable[[Answer], Answer]:
    """The same by rembg's alpha matting: its trimap with its defaults, and pymatting's closed form."""
    import numpy as np
    from PIL import Image
    from pymatting import estimate_alpha_cf
    from scipy.ndimage import binary_erosion

    def matte(alpha: Any, picture: Any) -> Any:
        small = Image.fromarray((alpha * 255).astype(np.uint8))
        mask = np.asarray(small.resize(picture.shape[1::-1], Image.Resampling.LANCZOS))
        square = np.ones((10, 10), np.uint8)
        trimap = np.full(mask.shape, 0.5)
        trimap[binary_erosion(mask > 240, structure=square)] = 1
        trimap[binary_erosion(mask < 10, structure=square, border_value=1)] = 0
        with redirect_stdout(sys.stderr):  # where it warns of a slow solution
            return estimate_alpha_cf(picture / 255.0, trimap)

    return lambda ask: _timed(ask, matte)


def _timed(ask: Answer, matte: Callable[[Any, Any], Any]) -> Answer:
    import pictures

    picture = pictures.photograph(ask["megapixels"])
    alpha = pictures.coarse_alpha(picture)
    before, started, cpu = psutil.Process().memory_info().rss, time.perf_counter(), time.process_time()
    try:
        made = matte(alpha, picture)
    except ValueError as error:  # what pymatting raises on its limits; rembg then gives its plain cut-out
        return {"failed": str(error)}
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    assert made.shape == picture.shape[:2]
    return {"seconds": seconds, "cpu": cpu, "held_mib": before / 2**20}


def _layer(path: Path, planes: str) -> tuple[bytearray, int, int]:
    import cv2

    colour = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    if planes == "rgba8":
        colour = cv2.cvtColor(colour, cv2.COLOR_RGB2RGBA)
    return bytearray(colour.tobytes()), colour.shape[1], colour.shape[0]


def main() -> None:
    side, folder = sys.argv[1], Path(sys.argv[2])
    sides = {"matted": matted, "rembg": rembg, "editor": editor, "bare": bare, "start": start}
    sides |= {"fine": fine, "closed-form": closed_form}
    answer = sides[side](folder)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line)) | {"peak_mib": peak_mib()}), flush=True)


if __name__ == "__main__":
    main()
