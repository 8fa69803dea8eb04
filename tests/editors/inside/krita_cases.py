"""What a person does with Matted in Krita, case after case in one Krita; what came of it is reported.

Runs inside the root. Each case is a generator that returns facts; one that fails reports its traceback, and
the next one starts afresh.
"""

import json
import sys
import traceback

import krita_brush
import krita_desk as k
import krita_outputs
import krita_points
from desk import arguments, report
from krita import Krita, Selection

krita = Krita.instance()
CAT = arguments[1] if len(arguments) > 1 else ""


def main():
    matted = k.dock()
    yield 0.3
    named = json.loads(arguments[3])
    for name in named:
        matted.panel.show_wish(type(matted.panel.wish())())
        matted.session.change(matted.panel.wish())
        try:
            places = (sys.modules[__name__], krita_outputs, krita_points, krita_brush)
            play = next(getattr(place, name) for place in places if hasattr(place, name))
            facts = yield from play(matted)
            report(**{name: facts or {}})
        except Exception:
            report(**{name: {"error": traceback.format_exc()}})
        for document in krita.documents():
            yield from k.close(document)


def cut_out(matted):
    document, layer = yield from k.open_picture(CAT)
    yield from k.pressed_cut(matted)
    facts = {"masks": k.masks(layer), "step": k.last_step(), "active": document.activeNode().type()}
    facts["state"] = matted.panel.state.text()
    k.export(document, "cut")
    document.saveAs(str(k.OUT / "cut.kra"))
    yield from k.undo()
    facts["undone"] = k.masks(layer)
    k.export(document, "undone")
    yield from k.redo()
    facts["redone"] = k.masks(layer)
    k.export(document, "redone")
    return facts


def sliders(matted):
    document, layer = yield from k.open_picture(CAT)
    yield from k.pressed_cut(matted)
    before = k.last_step()
    matted.panel.grow.setValue(6)
    yield from k.settled(matted)
    k.export(document, "grown")
    matted.panel.grow.setValue(0)
    matted.panel.feather.setValue(8)
    yield from k.settled(matted)
    k.export(document, "feathered")
    facts = {"masks": k.masks(layer), "same_step": k.last_step() == before}
    yield 0.5
    yield from k.undo()
    facts["undone"] = k.masks(layer)
    yield from k.redo()
    k.export(document, "feathered-redone")
    matted.panel.grow.setValue(-3)
    yield from k.settled(matted)
    facts["after redo"] = k.masks(layer)
    return facts


def strokes(matted):
    document, layer = yield from k.open_picture(CAT)
    yield from k.pressed_cut(matted)
    yield 0.5
    mask = layer.childNodes()[0]
    k.keep("strokes-cut", k.whole(document, mask))
    yield from k.paint(document, mask, 150, 100, 70, 60)
    k.keep("strokes-painted", k.whole(document, mask))
    matted.panel.grow.setValue(4)
    yield from k.settled(matted)
    yield 0.6
    k.keep("strokes-grown", k.whole(document, layer.childNodes()[0]))
    matted.panel.grow.setValue(8)
    yield from k.settled(matted)
    k.keep("strokes-grown-more", k.whole(document, layer.childNodes()[0]))
    facts = {"masks": k.masks(layer)}
    yield 0.6
    yield from k.undo()
    k.keep("strokes-undone", k.whole(document, layer.childNodes()[0]))
    for _ in range(
        4
    ):  # the deselecting and selecting around a stroke are steps of their own in some versions
        yield from k.undo()
        if k.whole(document, layer.childNodes()[0])[100 * 451 + 150] != 0:
            break
    k.keep("strokes-undone-more", k.whole(document, layer.childNodes()[0]))
    for _ in range(8):
        if not krita.action("edit_redo").isEnabled():
            break
        yield from k.redo()
    k.keep("strokes-redone", k.whole(document, layer.childNodes()[0]))
    return facts


def again(matted):
    document, layer = yield from k.open_picture(CAT)
    own = document.createTransparencyMask("My own")
    selection = Selection()
    selection.select(0, 0, 451, 150, 255)
    own.setSelection(selection)
    layer.addChildNode(own, None)
    yield 0.2
    yield from k.active(document, layer)
    yield from k.pressed_cut(matted)
    facts = {"first": k.masks(layer)}
    first = k.whole(document, layer.childNodes()[-1])
    matted.panel.show_wish(type(matted.panel.wish())(grow_px=10))
    matted.session.wish = matted.panel.wish()
    yield 0.6
    yield from k.pressed_cut(matted)
    facts["second"] = k.masks(layer)
    k.export(document, "again")
    yield 0.3
    yield from k.undo()
    facts["undone"] = k.masks(layer)
    facts["first is back"] = k.whole(document, layer.childNodes()[-1]) == first
    return facts


def placed(matted):
    document, layer = yield from k.new_document(600, 500)
    source = krita.openDocument(CAT)
    data = bytes(source.activeNode().pixelData(0, 0, 451, 300)) if source.activeNode() else None
    data = data or bytes(source.topLevelNodes()[0].pixelData(0, 0, 451, 300))
    source.close()
    k.filled(layer, data, -60, 250, 451, 300)
    document.refreshProjection()
    yield 0.1
    yield from k.pressed_cut(matted)
    k.export(document, "placed")
    return {"masks": k.masks(layer)}


def kinds(matted):
    document, layer = yield from k.open_picture(CAT)
    root, facts = document.rootNode(), {}
    group = document.createGroupLayer("group")
    root.addChildNode(group, None)
    group.addChildNode(layer.duplicate(), None)
    clone = document.createCloneLayer("clone", layer)
    file = document.createFileLayer("file", CAT, "None")
    vector = document.createVectorLayer("vector")
    for node in (clone, file, vector):
        root.addChildNode(node, None)
    yield 0.3
    vector.addShapesFromSvg(
        '<svg xmlns="http://www.w3.org/2000/svg" width="451px" height="300px" viewBox="0 0 451 300">'
        '<circle cx="220" cy="150" r="90" fill="#d04030"/></svg>'
    )
    yield 0.8
    layer.setVisible(False)
    for name, node in (("group", group), ("clone", clone), ("file", file), ("vector", vector)):
        for other in (group, clone, file, vector):
            other.setVisible(other == node)
        document.refreshProjection()
        yield from k.active(document, node)
        yield from k.pressed_cut(matted)
        facts[name] = k.masks(node) or [matted.panel.message.text()]
        k.export(document, f"kind-{name}")
    return facts


def meanwhile(matted):
    facts = {}
    for name in ("closed", "deleted", "changed", "locked", "stopped", "other in front"):
        document, layer = yield from k.open_picture(CAT)
        other = None
        matted.panel.cut.click()
        if name == "closed":
            yield from k.close(document)
        elif name == "deleted":
            layer.remove()
        elif name == "changed":
            k.filled(layer, b"\x10\x20\x30\xff" * 10000, 50, 50, 100, 100)
        elif name == "locked":
            layer.setLocked(True)
        elif name == "stopped":
            matted.panel.stop.click()
        else:
            other, _ = yield from k.new_document(50, 50)
        yield lambda: matted.session.is_settled
        yield 0.1
        told = matted.panel.message.text()
        facts[name] = [told, [] if name == "closed" else k.masks(layer)]
        if other is not None:
            facts[name].append([k.masks(one) for one in other.topLevelNodes()])
        for one in krita.documents():
            yield from k.close(one)
    return facts


def refusals(matted):
    facts = {}
    matted.panel.cut.click()
    facts["no document"] = matted.panel.message.text()
    document, layer = yield from k.new_document(60, 40)
    matted.panel.cut.click()
    facts["empty"] = matted.panel.message.text()
    k.filled(layer, b"\x10\x20\x30\xff" * 2400, 0, 0, 60, 40)
    layer.setLocked(True)
    matted.panel.cut.click()
    facts["locked"] = matted.panel.message.text()
    layer.setLocked(False)
    inverted = krita.filter("invert")
    inverted.setConfiguration(inverted.configuration())
    everywhere = Selection()
    everywhere.select(0, 0, 60, 40, 255)
    above = document.createFilterLayer("invert", inverted, everywhere)
    document.rootNode().addChildNode(above, None)
    yield from k.active(document, above)
    matted.panel.cut.click()
    facts["filter layer"] = matted.panel.message.text()
    yield from k.active(document, layer)
    matted.panel.refine.click()
    facts["nothing to refine"] = matted.panel.message.text()
    return facts


def refine(matted):
    document, layer = yield from k.open_picture(CAT)
    yield from k.pressed_cut(matted)
    yield 0.5
    mask = layer.childNodes()[0]
    k.keep("refine-made", k.whole(document, mask))
    yield from k.paint(document, mask, 180, 120, 60, 50)
    k.keep("refine-painted", k.whole(document, mask))
    matted.panel.refine.click()
    yield from k.settled(matted)
    facts = {"told": matted.panel.message.text(), "masks": k.masks(layer)}
    k.keep("refine-refined", k.whole(document, layer.childNodes()[0]))
    yield 0.6
    matted.panel.grow.setValue(5)
    yield from k.settled(matted)
    k.keep("refine-grown", k.whole(document, layer.childNodes()[0]))
    yield 0.6
    yield from k.undo()
    k.keep("refine-undone", k.whole(document, layer.childNodes()[0]))
    return facts


def guide(matted):
    document, layer = yield from k.open_picture(CAT)
    yield from k.pressed_cut(matted)
    yield 0.5
    yield from k.active(document, layer)
    krita.action("matted_guide").trigger()
    yield 0.3
    facts = {"nodes": [one.name() for one in document.topLevelNodes()]}
    strokes = document.topLevelNodes()[-1]
    k.filled(strokes, b"\x00\x00\x00\xff" * 3000, 180, 120, 60, 50)
    k.filled(strokes, b"\xff\xff\xff\xff" * 400, 5, 5, 20, 20)
    document.refreshProjection()
    yield from k.active(document, layer)
    matted.panel.refine.click()
    yield from k.settled(matted)
    k.keep("guided", k.whole(document, layer.childNodes()[0]))
    facts["masks"] = k.masks(layer)
    facts["told"] = matted.panel.message.text()
    return facts


def several(matted):
    document, layer = yield from k.open_picture(CAT)
    copy = layer.duplicate()
    copy.setName("copy")
    document.rootNode().addChildNode(copy, None)
    yield 0.2
    yield from k.active(document, layer)
    krita.action("select_all_layers").trigger()
    yield 0.2
    yield from k.pressed_cut(matted)
    yield 0.3
    return {one.name(): k.masks(one) for one in document.topLevelNodes()}


def animation(matted):
    _document, layer = yield from k.open_picture(CAT)
    layer.enableAnimation()
    yield 0.1
    yield from k.pressed_cut(matted)
    return {"masks": k.masks(layer), "told": matted.panel.message.text()}


def compare(matted):
    document, _layer = yield from k.open_picture(CAT)
    yield from k.pressed_cut(matted)
    step = k.last_step()
    krita.action("matted_before").trigger()
    yield 0.2
    k.export(document, "before")
    krita.action("matted_before").trigger()
    yield 0.2
    k.export(document, "after")
    return {"same step": k.last_step() == step}


def actions(matted):
    names = sorted(one.objectName() for one in krita.actions() if one.objectName().startswith("matted"))
    _document, layer = yield from k.open_picture(CAT)
    krita.action("matted_cut_out").trigger()
    yield from k.settled(matted)
    return {"names": names, "masks": k.masks(layer)}
