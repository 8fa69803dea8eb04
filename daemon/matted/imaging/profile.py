"""Colour profiles as bytes: what space one is for. Knows no file format. Source: ICC.1:2010 section 7.2."""

from matted.imaging.picture import Space

_SIGNATURES: dict[Space, bytes] = {"gray": b"GRAY", "rgb": b"RGB ", "cmyk": b"CMYK", "lab": b"Lab "}
_HEADER_BYTES = 128


def matching_profile(icc: bytes | None, space: Space) -> bytes | None:
    """The profile when it is one for pixels of this space, else None: a wrong one would only do harm."""
    if icc is None or len(icc) <= _HEADER_BYTES or icc[16:20] != _SIGNATURES[space] or icc[36:40] != b"acsp":
        return None
    return icc
