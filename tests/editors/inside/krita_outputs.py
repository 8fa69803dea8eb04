"""More cases for `krita_cases`: every depth, selections, layers and subjects as outputs.

Runs inside the root.
"""

import krita_desk as k
from desk import arguments

CAT, TWO = [*arguments[1:3], "", ""][:2]

DEPTHS = (
    ("u16", "RGBA", "U16", k.SRGB),
    ("f16", "RGBA", "F16", "sRGB-elle-V2-g10.icc"),
    ("f32", "RGBA", "F32", "sRGB-elle-V2-g10.icc"),
    ("gray", "GRAYA", "U8", "Gray-D50-elle-V2-srgbtrc.icc"),
    ("cmyk", "CMYKA", "U8", "Chemical proof"),
    ("lab", "LABA", "U16", "Lab identity built-in"),
    ("wide", "RGBA", "U8", "ClayRGB-elle-V2-g22.icc"),
)


def depths(matted):
    facts = {}
    for name, model, depth, profile in DEPTHS:
        document, layer = yield from k.open_picture(CAT)
        document.setColorSpace(model, depth, profile)
        document.waitForDone()
        yield 0.1
        yield from k.pressed_cut(matted)
        facts[name] = [layer.colorModel(), layer.colorDepth(), layer.colorProfile(), *k.masks(layer)]
        mask = layer.childNodes()[0] if layer.childNodes() else None
        k.keep(f"depth-{name}", k.whole(document, mask) if mask else b"")
        matted.panel.outputs["layer"].trigger()
        yield from k.pressed_cut(matted)
        top = document.topLevelNodes()[-1]
        facts[name + " layer"] = [top.colorModel(), top.colorDepth(), top.colorProfile(), *k.masks(top)]
        layer.setVisible(False)
        document.refreshProjection()
        document.setColorSpace("RGBA", "U8", k.SRGB)
        k.export(document, f"layer-{name}")
        matted.panel.outputs["mask"].trigger()
        yield from k.close(document)
    return facts


def selections(matted):
    document, layer = yield from k.open_picture(TWO)
    facts = {}
    yield from k.select(document, 0, 0, 300, 400)
    yield from k.pressed_cut(matted)
    k.keep("limited", k.whole(document, layer.childNodes()[0]))
    facts["limited"] = k.masks(layer)
    yield from k.close(document)
    for use in ("points", "ignored"):
        document, layer = yield from k.open_picture(TWO)
        yield from k.select(document, 40, 100, 210, 230)
        matted.panel.selection.setCurrentIndex(matted.panel.selection.findData(use))
        yield from k.pressed_cut(matted)
        k.keep(use, k.whole(document, layer.childNodes()[0]))
        yield from k.close(document)
    return facts


def to_selection(matted):
    document, layer = yield from k.open_picture(CAT)
    yield from k.select(document, 0, 0, 40, 30)
    matted.panel.show_wish(type(matted.panel.wish())(output="selection", selection="ignored"))
    matted.session.change(matted.panel.wish())
    yield from k.pressed_cut(matted)
    selection = document.selection()
    k.keep("selection", selection.pixelData(0, 0, 451, 300))
    facts = {"masks": k.masks(layer)}
    yield from k.undo()
    old = document.selection()
    facts["undone"] = [old.x(), old.y(), old.width(), old.height()] if old is not None else None
    return facts


def to_subjects(matted):
    document, layer = yield from k.open_picture(TWO)
    matted.panel.outputs["subjects"].trigger()
    yield from k.pressed_cut(matted)
    top = document.topLevelNodes()
    facts = {"nodes": [one.name() for one in top], "told": matted.panel.message.text()}
    group = top[-1]
    facts["inside"] = [[one.name(), *k.masks(one)] for one in group.childNodes()]
    for number, one in enumerate(group.childNodes(), 1):
        k.keep(f"subject-{number}", k.whole(document, one.childNodes()[0]))
    layer.setVisible(False)
    document.refreshProjection()
    k.export(document, "subjects")
    document.saveAs(str(k.OUT / "subjects.kra"))
    yield from k.undo()
    facts["undone"] = [one.name() for one in document.topLevelNodes()]
    yield from k.redo()
    facts["redone"] = [one.name() for one in document.topLevelNodes()]
    return facts


def subjects(matted):
    document, layer = yield from k.open_picture(TWO)
    yield from k.pressed_cut(matted)
    yield lambda: len(matted.panel.strip.buttons) == 2
    matted.panel.strip.buttons[0].click()
    yield from k.settled(matted)
    k.keep("second-only", k.whole(document, layer.childNodes()[0]))
    facts = {"visible": matted.panel.strip.isVisible()}
    matted.panel.strip.buttons[1].click()
    yield from k.settled(matted)
    facts["the last one stays"] = matted.panel.strip.buttons[1].isChecked()
    matted.panel.strip.buttons[0].click()
    yield from k.settled(matted)
    k.keep("both", k.whole(document, layer.childNodes()[0]))
    return facts
