"""A person paints on the mask with Krita's own brush and has it refined; what the engine is sent is kept.

Runs inside the root.
"""

import sys

import krita_desk as k
from desk import arguments, shot, xdotool
from krita import Krita
from PyQt5 import QtCore, QtWidgets

krita = Krita.instance()
CAT, TWO = [*arguments[1:3], "", ""][:2]


class Sent:
    """Notes the masks that go to the engine with each Refine: as it was made, and as it was painted."""

    def __init__(self, matted):
        package = type(matted).__module__.rpartition(".")[0]
        self.owner = sys.modules[f"{package}.matted_client"].Client
        self.real = self.owner.refine
        self.made, self.painted = [], []

        def refine(client, picture, painted, options, *, made, **more):
            self.made.append(bytes(made.data))
            self.painted.append(bytes(painted.data))
            return self.real(client, picture, painted, options, made=made, **more)

        self.owner.refine = refine

    def stop(self):
        self.owner.refine = self.real


def large_window():
    """The whole screen for Krita, and the brush in hand."""
    krita.activeWindow().qwindow().setGeometry(0, 0, 1390, 890)
    yield 0.5
    krita.action("KritaShape/KisToolBrush").trigger()
    krita.action("view_zoom_fit" if krita.action("view_zoom_fit") else "zoom_to_fit").trigger()
    yield 0.5


def stroke(places):
    """Draw through pixels of the document, with the left button of the real pointer."""
    view = krita.activeWindow().activeView()
    canvas = next(
        one
        for one in krita.activeWindow().qwindow().findChildren(QtWidgets.QWidget)
        if one.metaObject().className() in ("KisOpenGLCanvas2", "KisQPainterCanvas") and one.isVisible()
    )
    to_canvas = view.flakeToImageTransform().inverted()[0] * view.flakeToCanvasTransform()

    def spot(place):
        at = canvas.mapToGlobal(to_canvas.map(QtCore.QPointF(*place)).toPoint())
        return [str(at.x()), str(at.y())]

    xdotool("mousemove", *spot(places[0]))
    yield 0.2
    xdotool("mousedown", "1")
    yield 0.1
    for place in places:
        xdotool("mousemove", *spot(place))
        yield 0.05
    xdotool("mouseup", "1")
    yield 0.4


def brush(matted):
    document, layer = yield from k.open_picture(CAT)
    yield from large_window()
    yield from k.pressed_cut(matted)
    yield 0.6

    def kept(name):
        document.waitForDone()
        k.keep(f"brush-{name}", k.whole(document, layer.childNodes()[0]))

    kept("made")
    sent = Sent(matted)
    try:
        yield from stroke([(190, 130), (200, 140), (210, 150), (220, 160)])
        kept("painted")
        facts = {"step": k.last_step()}
        shot("painted")
        matted.panel.refine.click()
        yield from k.settled(matted)
        yield 0.6
    finally:
        sent.stop()
    kept("refined")
    shot("refined")
    facts["masks"] = k.masks(layer)
    k.keep("brush-sent-made", sent.made[0])
    k.keep("brush-sent-painted", sent.painted[0])
    for name, act in (
        ("undone", k.undo),
        ("undone twice", k.undo),
        ("redone", k.redo),
        ("redone twice", k.redo),
    ):
        yield from act()
        kept(name)
        facts[name] = k.masks(layer)
    return facts


def made(matted):
    """Refine again and again: what the engine is told of the mask before the strokes."""
    document, layer = yield from k.open_picture(CAT)
    yield from k.pressed_cut(matted)
    yield 0.6
    sent = Sent(matted)

    def kept(name):
        k.keep(f"made-{name}", k.whole(document, layer.childNodes()[0]))

    def refined():
        matted.panel.refine.click()
        yield from k.settled(matted)
        yield 0.6

    try:
        kept("cut")
        yield from k.paint(document, layer.childNodes()[0], 180, 120, 60, 50)
        yield from refined()
        kept("refined")
        for _ in range(4):  # the deselecting and selecting around a stroke are steps of their own
            yield from k.undo()
            if k.whole(document, layer.childNodes()[0]) != (k.OUT / "made-refined").read_bytes():
                break
        yield from refined()  # the stroke is there again, and so is the mask it was painted on
        kept("refined again")
        yield from k.paint(document, layer.childNodes()[0], 100, 200, 30, 20)
        yield from refined()
        kept("third")
        matted.panel.grow.setValue(3)
        yield from k.settled(matted)
        yield 0.6
        kept("grown")
        yield from k.paint(document, layer.childNodes()[0], 300, 100, 30, 20)
        yield from refined()
        matted.panel.grow.setValue(0)
        yield from k.settled(matted)
        other, second = yield from k.open_picture(TWO)
        yield from k.pressed_cut(matted)
        yield 0.6
        k.keep("made-other", k.whole(other, second.childNodes()[0]))
        yield from k.paint(other, second.childNodes()[0], 100, 180, 60, 50)
        yield from refined()
    finally:
        sent.stop()
    for number, data in enumerate(sent.made):
        k.keep(f"made-sent-{number}", data)
    return {"refined": len(sent.made)}


def reopened(matted):
    """A file that was closed with newer work unsaved, and opened again: its mask is what the file says."""
    document, layer = yield from k.open_picture(CAT)
    yield from k.pressed_cut(matted)
    yield 0.6
    k.keep("reopened-cut", k.whole(document, layer.childNodes()[0]))
    document.saveAs(str(k.OUT / "reopened.kra"))
    yield 0.2
    matted.panel.grow.setValue(12)
    yield from k.settled(matted)
    yield from k.close(document)
    matted.panel.grow.setValue(0)
    yield from k.settled(matted)
    document, layer = yield from k.open_picture(k.OUT / "reopened.kra")
    layer = layer if layer.childNodes() else layer.parentNode()
    yield from k.paint(document, layer.childNodes()[0], 180, 120, 60, 50)
    sent = Sent(matted)
    try:
        matted.panel.refine.click()
        yield from k.settled(matted)
    finally:
        sent.stop()
    k.keep("reopened-sent", sent.made[0])
    return {"masks": k.masks(layer)}
