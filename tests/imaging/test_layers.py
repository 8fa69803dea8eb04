"""What PSD and layered TIFF have in common: layers that come back exactly, written in strips."""

import io
from typing import Any

import numpy as np
import pytest

from matted.imaging.layered_tiff import write_layered_tiff
from matted.imaging.psd_layers import PsdCanvas, PsdLayer
from matted.imaging.psd_writer import write_psd
from psd_reader import LayeredTiff, Psd

from .layers import HEIGHT, WIDTH, pixels, rows_of

each_format = pytest.mark.parametrize(
    ("write", "reader"), [(write_psd, Psd), (write_layered_tiff, LayeredTiff)], ids=["psd", "tiff"]
)


@each_format
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("space", "channels"), [("rgb", 3), ("gray", 1)])
def test_layers_and_their_masks_come_back_exactly(
    write: Any, reader: Any, dtype: type, space: Any, channels: int
):
    low, high = pixels(channels + 1, dtype), pixels(channels + 1, dtype, seed=2)
    mask = pixels(1, dtype, seed=3)[..., 0]
    layers = [
        PsdLayer("Unten", rows_of(low), visible=False),
        PsdLayer("Oben ä", rows_of(high), rows_of(mask)),
    ]
    target = io.BytesIO()
    write(target, PsdCanvas(WIDTH, HEIGHT, dtype, space), layers, rows_of(high), has_alpha=True)
    found = reader.read(target.getvalue())
    assert [(layer.name, layer.visible) for layer in found.layers] == [("Unten", False), ("Oben ä", True)]
    assert np.array_equal(found.layers[0].pixels, low)
    assert np.array_equal(found.layers[1].pixels, high)
    assert found.layers[0].mask is None
    assert np.array_equal(found.layers[1].mask, mask)
    assert found.first_alpha_is_transparency


@each_format
def test_rows_are_asked_for_in_strips(write: Any, reader: Any):
    asked = list[slice]()
    width, height = 20_000, 400
    strip = np.full((height, width, 4), 200, np.uint8)

    def rows(wanted: slice) -> np.ndarray:
        asked.append(wanted)
        return strip[wanted]

    target = io.BytesIO()
    write(target, PsdCanvas(width, height, np.uint8), [PsdLayer("x", rows)], rows, has_alpha=True)
    assert max(part.stop - part.start for part in asked) * width * 4 <= 4 << 20
    assert np.array_equal(reader.read(target.getvalue()).layers[0].pixels, strip)
