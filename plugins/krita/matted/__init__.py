"""Matted in Krita: the docker and the actions are announced to Krita here, and only here.

Outside Krita (in tests of the parts that need none) importing this package announces nothing.
"""

try:
    from krita import DockWidgetFactory, DockWidgetFactoryBase, Krita
except ImportError:
    Krita = None

if Krita is not None:
    from .dock import MattedDock
    from .extension import MattedExtension
    from .qt import scoped

    Krita.instance().addExtension(MattedExtension(Krita.instance()))
    Krita.instance().addDockWidgetFactory(
        DockWidgetFactory(
            "matted_docker", scoped(DockWidgetFactoryBase, "DockPosition", "DockRight"), MattedDock
        )
    )
