"""How long Matted keeps a person in Krita waiting, in real Krita with a warm engine and the built-in model.

    MATTED_EDITORS=DIR python tests/bench/krita.py [--release trixie]

DIR is what `tests/editors/install.py` filled. Prints, for layers of 12 and 24 megapixels, the time of a
cut-out, from a click in the preview to its answer there, from a moved slider to the preview and to the canvas
(medians of 5), the longest time that Krita's event loop stood still for whatever reason, and the longest that
Matted's own code held it at a stretch, without the calls in which Krita itself reads and writes pixels.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from editors.editor import Krita
from editors.engine import Engine
from editors.room import Room


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--release", default="trixie")
    room = Room(Path(os.environ["MATTED_EDITORS"]) / asked.parse_args().release)
    try:
        krita = Krita(room)
        assert krita.install_plugin("krita").rc == 0
        engine = Engine(room.desk / "engine")
        engine.start()
        try:
            outcome = krita.run(
                "from krita_bench import main", room.desk, environment=engine.environment, timeout_s=600
            ).good()
        finally:
            engine.stop()
            krita.close()
        print(f"Krita {krita.version}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        for layer, figures in outcome.report.items():
            print(layer)
            for name, seconds in figures.items():
                print(f"  {name:50} {seconds:6.3f}")
    finally:
        room.close()


if __name__ == "__main__":
    main()
