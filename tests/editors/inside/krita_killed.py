"""The engine dies under Matted's docker and comes back; the test outside kills it when asked by a file.

Runs inside the root.
"""

import krita_desk as k
from desk import report
from krita_cases import CAT


def main():
    matted = k.dock()
    document, layer = yield from k.open_picture(CAT)
    yield from k.pressed_cut(matted)
    yield 0.5
    mask = layer.childNodes()[0]
    before = k.whole(document, mask)
    (k.OUT / "kill").touch()
    yield lambda: (k.OUT / "killed").exists()
    matted.panel.grow.setValue(9)
    yield lambda: matted.session.is_settled
    yield 0.3
    facts = {"slider": matted.panel.message.text(), "mask kept": k.whole(document, mask) == before}
    matted.panel.cut.click()
    yield lambda: matted.session.is_settled
    yield 0.2
    facts["cut out"] = matted.panel.message.text()
    facts["masks"] = k.masks(layer)
    facts["mask still kept"] = k.whole(document, layer.childNodes()[0]) == before
    facts["state"] = matted.panel.state.text()
    (k.OUT / "revive").touch()
    yield lambda: (k.OUT / "revived").exists()
    yield from k.pressed_cut(matted)
    facts["after"] = matted.panel.message.text()
    k.export(document, "revived")
    report(**facts)
