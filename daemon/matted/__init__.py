"""Matted: local AI cut-outs for people who edit pictures.

The package imports nothing here, so that `matted --help` and the editors' client start at once.
"""

__version__ = "0.1.0"
