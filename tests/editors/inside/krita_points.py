"""A person points in Matted's preview in Krita: clicks, drags, what is taken back, and the mask of it.

Runs inside the root. `two.png` holds two discs, the left one around (145, 210) and the right one around
(460, 200) of 600 x 400 pixels.
"""

from array import array

import krita_desk as k
from desk import arguments, shot, xdotool
from krita import Krita
from PyQt5 import QtCore, QtGui, QtWidgets

krita = Krita.instance()
CAT, TWO = [*arguments[1:3], "", ""][:2]
LEFT, RIGHT = (145, 210), (460, 200)
_KEYS = QtCore.Qt.KeyboardModifier
_BUTTONS = QtCore.Qt.MouseButton


def looked(matted, layer):
    """Wait until the docker shows a layer."""
    yield lambda: matted.session._looked_at == layer.uniqueId().toString()
    yield lambda: matted.panel.preview._picture is not None
    yield 0.05


def click(matted, at, button=_BUTTONS.LeftButton, keys=_KEYS.NoModifier, to=None):
    """Press at a pixel of the layer, let go there or at `to`; then wait for what comes of it."""
    preview = matted.panel.preview
    kinds = QtCore.QEvent.Type
    begun, ended = preview.to_widget(*at), preview.to_widget(*(to or at))
    for kind, place, down in (
        (kinds.MouseButtonPress, begun, button),
        (kinds.MouseMove, ended, button),
        (kinds.MouseButtonRelease, ended, _BUTTONS.NoButton),
    ):
        which = _BUTTONS.NoButton if kind == kinds.MouseMove else button
        QtWidgets.QApplication.sendEvent(preview, QtGui.QMouseEvent(kind, place, which, down, keys))
    yield from k.settled(matted)


def prompt(matted):
    return matted.session.wish.prompt.asked()


def seen(matted):
    """How much of each disc the preview shows: 0 to 255 at the middle of the left and of the right one."""
    data, width, height = matted.panel.preview._mask
    return [data[y * height // 400 * width + x * width // 600] for x, y in (LEFT, RIGHT)]


def pointed(matted):
    document, layer = yield from k.open_picture(TWO)
    yield from looked(matted, layer)
    step = k.last_step()
    yield from click(matted, RIGHT)
    facts = {"prompt": prompt(matted), "seen": seen(matted), "before": k.masks(layer)}
    facts["no step"] = k.last_step() == step
    facts["told"] = matted.panel.message.text()
    yield from k.pressed_cut(matted)
    k.keep("pointed", k.whole(document, layer.childNodes()[0]))
    yield from k.undo()
    facts["undone"] = k.masks(layer)
    yield from k.redo()
    facts["redone"] = k.masks(layer)
    k.keep("pointed-redone", k.whole(document, layer.childNodes()[0]))
    return facts


def unwanted(matted):
    facts = {}
    for name, button, keys in (
        ("right button", _BUTTONS.RightButton, _KEYS.NoModifier),
        ("alt", _BUTTONS.LeftButton, _KEYS.AltModifier),
        ("shift", _BUTTONS.LeftButton, _KEYS.ShiftModifier),
    ):
        document, layer = yield from k.open_picture(TWO)
        yield from looked(matted, layer)
        yield from click(matted, RIGHT, button, keys)
        facts[name] = {"prompt": prompt(matted), "seen": seen(matted)}
        if name == "right button":
            yield from k.pressed_cut(matted)
            k.keep("unwanted", k.whole(document, layer.childNodes()[0]))
        yield from k.close(document)
    return facts


def boxed(matted):
    document, layer = yield from k.open_picture(TWO)
    yield from looked(matted, layer)
    yield from click(matted, (250, 330), to=(40, 100))
    facts = {"prompt": prompt(matted), "seen": seen(matted)}
    yield from k.pressed_cut(matted)
    k.keep("boxed", k.whole(document, layer.childNodes()[0]))
    return facts


def beyond(matted):
    """On a layer that begins outside of the canvas."""
    source = krita.openDocument(TWO)
    data = bytes(source.topLevelNodes()[0].pixelData(0, 0, 600, 400))
    source.close()
    document, layer = yield from k.new_document(700, 500)
    k.filled(layer, data, -100, 150, 600, 400)
    document.refreshProjection()
    yield from looked(matted, layer)
    yield from click(matted, RIGHT)
    facts = {"prompt": prompt(matted), "seen": seen(matted)}
    yield from k.pressed_cut(matted)
    k.export(document, "beyond")
    layer.move(layer.position().x() + 60, layer.position().y() - 30)
    document.refreshProjection()
    yield 0.8
    facts["moved"] = prompt(matted)
    bounds = layer.bounds()
    k.filled(layer, b"\x10\x20\x30\xff" * 100, bounds.x() - 20, bounds.y() - 10, 10, 10)
    document.refreshProjection()
    yield 0.8
    yield from k.settled(matted)
    facts["grown"] = prompt(matted)
    return facts


def taken_back(matted):
    _document, layer = yield from k.open_picture(TWO)
    yield from looked(matted, layer)
    viewer = matted.panel.viewer
    facts = {"buttons before": [viewer.undo.isEnabled(), viewer.clear.isEnabled()]}
    yield from click(matted, LEFT)
    yield from click(matted, RIGHT)
    facts["both"] = seen(matted)
    krita.action("matted_point_back").trigger()
    yield from k.settled(matted)
    facts["one"] = [prompt(matted), seen(matted)]
    viewer.clear.click()
    yield from k.settled(matted)
    facts["none"] = [prompt(matted), matted.panel.preview._mask is None]
    return facts


def followed(matted):
    """Points on a layer that has its mask: the mask follows, within the step that made it."""
    document, layer = yield from k.open_picture(TWO)
    yield from looked(matted, layer)
    yield from k.pressed_cut(matted)
    yield 0.6
    step = k.last_step()
    yield from click(matted, LEFT)
    facts = {"prompt": prompt(matted), "same step": k.last_step() == step, "masks": k.masks(layer)}
    k.keep("followed", k.whole(document, layer.childNodes()[0]))
    matted.panel.viewer.clear.click()
    yield from k.settled(matted)
    k.keep("followed-cleared", k.whole(document, layer.childNodes()[0]))
    yield from k.undo()
    facts["undone"] = k.masks(layer)
    yield from click(matted, RIGHT)
    facts["after undo"] = [k.masks(layer), seen(matted), matted.panel.message.text()]
    return facts


def layers(matted):
    """Each layer has its own points."""
    document, layer = yield from k.open_picture(TWO)
    copy = layer.duplicate()
    document.rootNode().addChildNode(copy, None)
    yield from k.active(document, layer)
    yield from looked(matted, layer)
    yield from click(matted, LEFT)
    yield from k.active(document, copy)
    yield from looked(matted, copy)
    facts = {"copy": prompt(matted)}
    yield from click(matted, RIGHT)
    yield from k.active(document, layer)
    yield from looked(matted, layer)
    yield from k.settled(matted)
    facts["layer"] = [prompt(matted), seen(matted)]
    krita.action("select_all_layers").trigger()
    yield 0.2
    yield from k.pressed_cut(matted)
    yield 0.3
    for name, node in (("layers-layer", layer), ("layers-copy", copy)):
        k.keep(name, k.whole(document, node.childNodes()[0]))
    return facts


def nothing(matted):
    document, layer = yield from k.open_picture(TWO)
    yield from looked(matted, layer)
    yield from click(matted, (590, 10))
    facts = {"told": matted.panel.message.text(), "shown": matted.panel.message.isVisible()}
    yield from k.pressed_cut(matted)
    facts["told then"], facts["masks"] = matted.panel.message.text(), k.masks(layer)
    matted.panel.viewer.clear.click()
    yield from k.select(document, 300, 0, 300, 400)
    yield from click(matted, LEFT)
    facts["selected elsewhere"] = [matted.panel.message.text()]
    yield from k.pressed_cut(matted)
    facts["selected elsewhere"] += [matted.panel.message.text(), k.masks(layer)]
    return facts


def hurried(matted):
    """A second click before the first one is answered."""
    _document, layer = yield from k.open_picture(TWO)
    yield from looked(matted, layer)
    answers = []
    shown = matted.panel.show_mask
    matted.panel.show_mask = lambda answer: (answers.append(answer is not None), shown(answer))
    try:
        first = click(matted, LEFT)
        next(first)
        matted.panel.viewer.undo.click()
        yield from click(matted, RIGHT)
    finally:
        del matted.panel.show_mask
    return {"prompt": prompt(matted), "seen": seen(matted), "answers": sum(answers)}


def closer(matted):
    """Closer to the right disc: a click there, and the layer's own pixels, of 8 and of 16 bits."""
    facts = {}
    for depth, bits in (("U8", 1), ("U16", 257)):
        document, layer = yield from k.new_document(600, 400, depth=depth)
        pattern = [(x * 7 % 256, y * 5 % 256, (x + y) % 256, 255) for y in range(400) for x in range(600)]
        samples = array("B" if depth == "U8" else "H", [value * bits for one in pattern for value in one])
        k.filled(layer, samples.tobytes(), 0, 0, 600, 400)
        document.refreshProjection()
        step = k.last_step()
        preview = matted.panel.preview
        preview.show_picture(None)
        matted._look_anew()
        yield lambda preview=preview: preview._picture is not None
        preview.go_closer(6.0, preview.to_widget(*RIGHT))
        yield lambda preview=preview: preview._detail is not None
        image, part = preview._detail
        left, top, width, height = (int(one) for one in (part.x(), part.y(), part.width(), part.height()))
        worst = 0
        for y in range(height):
            for x in range(width):
                shown = image.pixelColor(x, y)
                blue, green, red, _ = pattern[(top + y) * 600 + left + x]
                there = (shown.red() - red, shown.green() - green, shown.blue() - blue)
                worst = max(worst, *(abs(one) for one in there))
        facts[depth] = {"size": [image.width(), image.height()] == [width, height], "worst": worst}
        facts[depth]["part"] = [left, top, width, height]
        facts[depth]["untouched"] = [k.last_step() == step, len(document.topLevelNodes())]
        yield from k.close(document)
    _document, layer = yield from k.open_picture(TWO)
    yield from looked(matted, layer)
    preview.go_closer(6.0, preview.to_widget(*RIGHT))
    yield from click(matted, RIGHT)
    facts["clicked"] = [prompt(matted), seen(matted)]
    return facts


def mouse(matted):
    """The real pointer, on the real window."""
    krita.activeWindow().qwindow().setGeometry(0, 0, 1390, 890)
    document, layer = yield from k.open_picture(TWO)
    yield from looked(matted, layer)
    for other in krita.dockers():
        if other.objectName() not in ("matted_docker", "KisLayerBox"):
            other.hide()
    yield 0.5
    preview = matted.panel.preview

    def spot(at):
        place = preview.mapToGlobal(preview.to_widget(*at).toPoint())
        return [str(place.x()), str(place.y())]

    xdotool("mousemove", *spot(RIGHT))
    yield 0.3
    shot("near")
    xdotool("mousemove", *spot(RIGHT), "click", "1")
    yield lambda: bool(matted.session.wish.prompt)
    yield from k.settled(matted)
    facts = {"clicked": [prompt(matted), seen(matted)]}
    xdotool("mousemove", *spot(LEFT), "click", "3")
    yield lambda: len(matted.session.wish.prompt.marks) == 2
    yield from k.settled(matted)
    facts["right-clicked"] = [prompt(matted), seen(matted)]
    xdotool("mousemove", *spot((300, 300)))
    yield 0.3
    shot("points")
    matted.panel.viewer.clear.click()
    yield from k.settled(matted)
    xdotool("mousemove", *spot((40, 100)), "mousedown", "1")
    yield 0.1
    xdotool("mousemove", *spot((150, 200)))
    yield 0.1
    xdotool("mousemove", *spot((250, 330)))
    yield 0.1
    xdotool("mouseup", "1")
    yield lambda: bool(matted.session.wish.prompt)
    yield from k.settled(matted)
    facts["dragged"] = [prompt(matted), seen(matted)]
    shot("box")
    matted.panel.viewer.apart.click()
    yield lambda: preview._picture is not None and preview.width() > 600
    yield from k.settled(matted)
    yield 0.5
    xdotool("mousemove", *spot(RIGHT), "click", "3")
    yield lambda: bool(matted.session.wish.prompt.points)
    yield from k.settled(matted)
    facts["apart"] = [prompt(matted), seen(matted)]
    xdotool("mousemove", *spot(RIGHT), *["click", "4"] * 8)
    yield lambda: preview._detail is not None and len(preview.seen()) == 4
    facts["wheel"] = preview.seen()
    yield 0.3
    shot("closer")
    viewer = matted.panel.viewer
    viewer.whole.click()
    xdotool("mousemove", *spot((300, 300)))
    yield 0.3
    shot("apart")
    matted.panel.viewer.apart.click()
    yield 0.3
    facts["back"] = preview.window() is matted.window()
    yield from k.pressed_cut(matted)
    yield 0.5
    xdotool("mousemove", *spot((300, 380)))
    yield 0.3
    shot("cut")
    k.keep("mouse", k.whole(document, layer.childNodes()[0]))
    return facts
