"""A scene as the layers of a file that stays editable: the subject under its mask, what lies behind it below.

May import the scene and the layered file's classes; writes nothing.
"""

import numpy as np

from matted.compose.blend import Rows, in_depth
from matted.compose.scene import Scene
from matted.compose.shadow import Layer
from matted.imaging.psd_layers import PsdLayer


def stack(scene: Scene, *, keep_colours: bool) -> tuple[PsdLayer, ...]:
    """The layers, the lowest first: background, shadows, the hidden original, and the subject with its mask.

    The subject's layer has the picture's colours everywhere, so that white painted into the mask brings them
    back; only its soft edge is freed of the old background. With `keep_colours` that is left as it was, so
    that the original below is not needed.
    """
    layers = list[PsdLayer]()
    if scene.background is not None:
        layers.append(_ground(scene))
    names = ("Shadow",) if len(scene.shades) == 1 else ("Natural shadow", "Shadow")
    layers += [_shadow(scene, shade, name) for shade, name in zip(scene.shades, names, strict=False)]
    if not keep_colours:
        layers.append(PsdLayer("Original", scene.subject.untouched, visible=False))
    layers.append(PsdLayer("Cut-out", scene.subject.unmasked, scene.subject.mask))
    return tuple(layers)


def _ground(scene: Scene) -> PsdLayer:
    assert scene.background is not None
    behind = scene.subject.behind(scene.background)

    def rows(wanted: slice) -> Rows:
        drawn = behind(wanted)
        return _filled(scene, wanted, drawn, np.full((1, 1), 255, np.uint8))

    return PsdLayer("Background", rows)


def _shadow(scene: Scene, shade: Layer, name: str) -> PsdLayer:
    pixel = scene.form.pixel(shade.colour)
    return PsdLayer(name, lambda wanted: _filled(scene, wanted, pixel, shade.rows(wanted)))


def _filled(scene: Scene, wanted: slice, colour: Rows, alpha: Rows) -> Rows:
    """Colours and alpha, either of which may be a single pixel, as rows of the canvas."""
    made = np.empty((wanted.stop - wanted.start, scene.place.width, colour.shape[2] + 1), scene.form.dtype)
    made[..., :-1] = colour
    made[..., -1] = in_depth(alpha, scene.form.dtype)
    return made
