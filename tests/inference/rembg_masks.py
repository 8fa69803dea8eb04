"""Runs rembg's own session classes on graphs and pictures given to it; used by the parity test.

Called in an interpreter that has rembg: `rembg_masks.py HOME PICTURES OUT NAME...`, where HOME holds a
NAME.onnx for each of rembg's names. Writes OUT/NAME--PICTURE.npy, the mask of `remove(only_mask=True)`.
"""

import os
import sys
from pathlib import Path

home, pictures, out = (Path(argument) for argument in sys.argv[1:4])
os.environ |= {"U2NET_HOME": str(home), "MODEL_CHECKSUM_DISABLED": "1"}

import numpy as np  # noqa: E402 (the environment must be set before rembg is loaded)
from PIL import Image  # noqa: E402
from rembg import new_session, remove  # noqa: E402

for name in sys.argv[4:]:
    session = new_session(name, providers=["CPUExecutionProvider"])
    for path in sorted(pictures.iterdir()):
        mask = remove(Image.open(path), session=session, only_mask=True)
        np.save(out / f"{name}--{path.stem}.npy", np.asarray(mask))
