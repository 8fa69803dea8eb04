"""How long Matted keeps a person in Krita waiting: seconds for a large layer, reported for `bench/krita.py`.

Runs inside the root.
"""

import statistics
import sys
import time

import krita_desk as k
from desk import report
from krita import Krita
from PyQt5 import QtCore

krita = Krita.instance()
RUNS = 5
CALLS = {  # where Krita itself works: its pixels read, its masks written, its picture composed again
    "canvas": ("pixels", "target", "problem_with", "small_picture", "selection_plane", "selection_box"),
    "masks": ("put", "rewrite", "read", "mark"),
}


class Watch:
    """Notes how long the event loop stood still, and how long Matted's own code held it at a stretch."""

    def __init__(self, matted):
        self.gaps, self.stretches, self.inside = [], [], 0.0
        self.depth = 0
        self.timer = QtCore.QTimer()
        self.timer.setInterval(2)
        self.timer.timeout.connect(self.tick)
        package = type(matted).__module__.rpartition(".")[0]
        for module, names in CALLS.items():
            owner = sys.modules[f"{package}.{module}"]
            for name in names:
                setattr(owner, name, self.kritas(getattr(owner, name)))
        for name in ("cut_out", "change", "look_at_layer"):
            setattr(matted.session, name, self.ours(getattr(matted.session, name)))
        for lane in matted.engine._lanes.values():
            lane._post = lambda call, post=lane._post: post(self.ours(call))

    def kritas(self, call):
        def timed(*values, **named):
            began = time.perf_counter()
            self.depth += 1
            try:
                return call(*values, **named)
            finally:
                self.depth -= 1
                if not self.depth:
                    self.inside += time.perf_counter() - began

        return timed

    def ours(self, call):
        def timed(*values, **named):
            began, before = time.perf_counter(), self.inside
            try:
                return call(*values, **named)
            finally:
                self.stretches.append(time.perf_counter() - began - (self.inside - before))

        return timed

    def start(self):
        self.gaps, self.stretches = [], [0.0]
        self.last = time.perf_counter()
        self.timer.start()

    def tick(self):
        now = time.perf_counter()
        self.gaps.append(now - self.last)
        self.last = now

    def stop(self):
        self.tick()
        self.timer.stop()
        return max(self.gaps), max(self.stretches)


def picture(width, height):
    """A red disc on gray, B,G,R,A."""
    middle, radius = width // 2, height // 3
    rows, plain = [], b"\x70\x70\x70\xff" * width
    for y in range(height):
        half = int(max(0, radius**2 - (y - height // 2) ** 2) ** 0.5)
        rows.append(
            plain[: (middle - half) * 4] + b"\x20\x30\xd0\xff" * (2 * half) + plain[(middle + half) * 4 :]
        )
    return b"".join(rows)


def pointed(matted, layer, watch, width, height):
    """Clicks on a layer that has no mask yet: how long until the preview shows what they mean."""
    yield lambda: matted.session._looked_at == layer.uniqueId().toString()
    yield lambda: matted.panel.preview._picture is not None
    yield 1.0
    seen, clicks, gaps, rests = [], [], [], []
    preview = matted.panel.preview
    preview.shown.connect(lambda: seen.append(time.perf_counter()))
    for run in range(1 + RUNS):
        seen.clear()
        watch.start()
        began = time.perf_counter()
        at = (width // 2 + run * width // 40, height // 2)
        preview._say(preview.prompt.with_point(*at, wanted=True))
        yield lambda: bool(seen)
        clicks.append(seen[0] - began)
        yield lambda: matted.session.is_settled
        gap, rest = watch.stop()
        gaps.append(gap)
        rests.append(rest)
        yield 0.5
    matted.panel.viewer.clear.click()
    yield lambda: matted.session.is_settled
    return {
        "first click to preview, s": clicks[0],
        "a further click to preview, s": statistics.median(clicks[1:]),
        "a further click to preview, slowest, s": max(clicks[1:]),
        "longest standstill while clicking, s": max(gaps),
        "longest stretch of Matted's own code, clicking, s": max(rests),
    }


def main():
    matted = k.dock()
    watch = Watch(matted)
    yield 1.0
    for name, width, height in (("12", 4000, 3000), ("24", 6000, 4000)):
        document, layer = yield from k.new_document(width, height)
        k.filled(layer, picture(width, height), 0, 0, width, height)
        document.refreshProjection()
        document.waitForDone()
        yield 1.0
        clicked = yield from pointed(matted, layer, watch, width, height)
        cuts, gaps, rests = [], [], []
        for _ in range(3):
            yield from k.active(document, layer)
            watch.start()
            began = time.perf_counter()
            matted.panel.cut.click()
            yield lambda: matted.session.is_settled
            cuts.append(time.perf_counter() - began)
            yield 0.5
            gap, rest = watch.stop()
            gaps.append(gap)
            rests.append(rest)
        shown, written, slides, slide_rests = [], [], [], []
        seen = []
        matted.panel.preview.shown.connect(lambda seen=seen: seen.append(time.perf_counter()))
        for run in range(RUNS):
            yield 1.0
            seen.clear()
            watch.start()
            began = time.perf_counter()
            matted.panel.grow.setValue(2 + run)
            yield lambda seen=seen: bool(seen)
            shown.append(seen[0] - began)
            yield lambda: matted.session.is_settled
            written.append(time.perf_counter() - began)
            gap, rest = watch.stop()
            slides.append(gap)
            slide_rests.append(rest)
        report(
            **{
                f"{name} MP": {
                    **clicked,
                    "cut out, s": statistics.median(cuts),
                    "longest standstill while cutting out, s": max(gaps),
                    "longest stretch of Matted's own code, s": max(rests),
                    "slider to preview, s": statistics.median(shown),
                    "slider to preview, slowest, s": max(shown),
                    "slider to canvas, s": statistics.median(written),
                    "slider to canvas, slowest, s": max(written),
                    "longest standstill while sliding, s": max(slides),
                    "longest stretch of Matted's own code, sliding, s": max(slide_rests),
                }
            }
        )
        yield from k.close(document)
