"""The wire's forms: raw planes and the headers that declare them, and options as JSON.

Turns what a client sent into a `Picture` without copying its pixels, and into the chain's own frozen
options; every refusal is one exact sentence. Knows no HTTP server and no socket.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt

from matted.errors import BadOption, PictureTooLarge
from matted.imaging.picture import Picture, Space

Options = TypeVar("Options")

MAX_PROFILE_BYTES = 1 << 20  # base64 of it must fit the header limit of the server
MAX_OPTIONS_BYTES = 1 << 16
_MAX_SIDE = 1 << 24


@dataclass(frozen=True, slots=True)
class PlaneFormat:
    """How raw pixels lie: `channels` interleaved little-endian values of `dtype` each.

    `blue_first`: B, G, R[, A] as Krita holds integer pixels.
    """

    space: Space
    channels: int
    dtype: np.dtype[Any]
    has_alpha: bool = False
    blue_first: bool = False

    @property
    def pixel_bytes(self) -> int:
        """Bytes of one pixel."""
        return self.channels * self.dtype.itemsize


def _formats() -> dict[str, PlaneFormat]:
    found = {}
    depths = {"8": "<u1", "16": "<u2", "f16": "<f2", "f32": "<f4"}
    kinds: dict[str, tuple[Space, int, bool]] = {
        "gray": ("gray", 1, False),
        "graya": ("gray", 2, True),
        "rgb": ("rgb", 3, False),
        "rgba": ("rgb", 4, True),
    }
    for depth, code in depths.items():
        for name, (space, channels, has_alpha) in kinds.items():
            found[name + depth] = PlaneFormat(space, channels, np.dtype(code), has_alpha)
    for depth in ("8", "16"):
        found["bgra" + depth] = PlaneFormat("rgb", 4, np.dtype(depths[depth]), True, True)
    return found


PLANE_FORMATS: Mapping[str, PlaneFormat] = _formats()


@dataclass(frozen=True, slots=True)
class Planes:
    """A declared raw picture whose bytes are still to come; `size` is how many there must be."""

    width: int
    height: int
    format: PlaneFormat
    name: str
    icc: bytes | None
    linear: bool

    @property
    def size(self) -> int:
        """Bytes of all pixels."""
        return self.width * self.height * self.format.pixel_bytes

    @property
    def declaration(self) -> bytes:
        """What, besides the pixels, makes this picture the one it is; part of its content name."""
        head = f"{self.name} {self.width} {self.height} {int(self.linear)} ".encode()
        return head + (self.icc or b"")

    def picture(self, received: npt.NDArray[np.uint8]) -> Picture:
        """The picture over `received` (uint8, `size` long), which it shares and, for B,G,R, reorders."""
        plane = self.format
        pixels = received.view(plane.dtype).reshape(self.height, self.width, plane.channels)
        if plane.blue_first:
            _swap_in_place(pixels)
        return Picture(pixels, space=plane.space, has_alpha=plane.has_alpha, icc=self.icc, linear=self.linear)


def _swap_in_place(pixels: npt.NDArray[Any]) -> None:
    for top in range(0, len(pixels), 256):  # strips, so that the copy of one channel stays small
        strip = pixels[top : top + 256]
        blue = strip[..., 0].copy()
        strip[..., 0] = strip[..., 2]
        strip[..., 2] = blue


def planes_from_headers(headers: Mapping[str, str], *, max_pixels: int) -> Planes:
    """The raw picture that X-Matted-Width, -Height, -Format, -Profile and -Linear declare.

    Raises BadOption, and PictureTooLarge before anything is allocated.
    """
    name = headers.get("X-Matted-Format", "")
    plane = PLANE_FORMATS.get(name)
    if plane is None:
        known = ", ".join(PLANE_FORMATS)
        raise BadOption(f"Raw pixels need X-Matted-Format, one of {known}; {name!r} is none of them.")
    width = _side(headers, "X-Matted-Width")
    height = _side(headers, "X-Matted-Height")
    if width * height > max_pixels:
        raise PictureTooLarge(
            f"The picture has {width} x {height} pixels; at most {max_pixels / 1e6:g} megapixels are taken "
            "(the setting max_pixels)."
        )
    return Planes(width, height, plane, name, _profile(headers), _flag(headers, "X-Matted-Linear"))


def _side(headers: Mapping[str, str], name: str) -> int:
    text = headers.get(name, "")
    if not (text.isascii() and text.isdigit() and 0 < len(text) <= 9 and 0 < int(text) <= _MAX_SIDE):
        raise BadOption(f"Raw pixels need {name}, a whole number from 1 to {_MAX_SIDE}, not {text[:40]!r}.")
    return int(text)


def _flag(headers: Mapping[str, str], name: str) -> bool:
    text = headers.get(name, "0")
    if text not in ("0", "1"):
        raise BadOption(f"{name} must be 0 or 1, not {text[:40]!r}.")
    return text == "1"


def _profile(headers: Mapping[str, str]) -> bytes | None:
    text = headers.get("X-Matted-Profile")
    if not text:
        return None
    try:
        profile = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadOption("X-Matted-Profile must be an ICC profile in base64.") from error
    if len(profile) > MAX_PROFILE_BYTES or len(profile) < 128 or profile[36:40] != b"acsp":
        raise BadOption(f"X-Matted-Profile is no ICC profile of at most {MAX_PROFILE_BYTES} bytes.")
    return profile


def json_options(text: str | bytes) -> dict[str, Any]:
    """The JSON object in `text`; an empty text is an empty object. Raises BadOption."""
    if len(text) > MAX_OPTIONS_BYTES:
        raise BadOption(f"The options are longer than {MAX_OPTIONS_BYTES} bytes.")
    if not text.strip():
        return {}
    try:
        found = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadOption(f"The options are not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise BadOption("The options must be a JSON object.")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def only_keys(given: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    """Raises BadOption for the first key that is not known."""
    for key in given:
        if key not in known:
            raise BadOption(f"There is no option {key!r} in {where}; there are {', '.join(known)}.")


def build_options(kind: type[Options], given: Any, where: str) -> Options:
    """`given`, a JSON object, as the frozen dataclass `kind`; `where` names it in the sentence.

    Raises BadOption for unknown keys, wrong types, and what the dataclass itself refuses.
    """
    if not is_dataclass(kind):
        raise TypeError(f"{kind} is no dataclass")
    if not isinstance(given, dict):
        raise BadOption(f"The options {where} must be a JSON object.")
    only_keys(given, tuple(f.name for f in fields(kind)), where)
    hints = get_type_hints(kind)
    values = {name: _value(hints[name], value, f"{where}.{name}") for name, value in given.items()}
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise BadOption(f"The options {where} cannot be used: {error}.") from error


def _value(hint: Any, value: Any, where: str) -> Any:
    for choice in _alternatives(hint):
        if choice is NoneType and value is None:
            return None
        if get_origin(choice) is Literal and value in get_args(choice) and not isinstance(value, bool):
            return value
        if choice is bool and isinstance(value, bool):
            return value
        if choice is str and isinstance(value, str):
            return value
        if choice is int and isinstance(value, int) and not isinstance(value, bool):
            return value
        if choice is float and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if get_origin(choice) is tuple and isinstance(value, list):
            return _tuple(choice, value, where)
        if is_dataclass(choice) and isinstance(choice, type) and isinstance(value, dict):
            return build_options(choice, value, where)
    raise BadOption(f"The option {where} must be {_described(hint)}, not {json.dumps(value)[:60]}.")


def _tuple(hint: Any, value: list[Any], where: str) -> tuple[Any, ...]:
    inner = get_args(hint)
    if len(inner) == 2 and inner[1] is Ellipsis:
        inner = (inner[0],) * len(value)
    if len(inner) != len(value):
        raise BadOption(f"The option {where} must be {_described(hint)}.")
    return tuple(_value(h, v, f"{where}[{n}]") for n, (h, v) in enumerate(zip(inner, value, strict=True)))


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _described(hint: Any) -> str:
    names = {bool: "true or false", str: "a text", int: "a whole number", float: "a number", NoneType: "null"}
    parts = []
    for choice in _alternatives(hint):
        if get_origin(choice) is Literal:
            parts += [json.dumps(value) for value in get_args(choice)]
        elif get_origin(choice) is tuple:
            inner = get_args(choice)
            parts.append("a list" if inner[-1] is Ellipsis else f"a list of {len(inner)}")
        elif choice in names:
            parts.append(names[choice])
        elif is_dataclass(choice):
            parts.append("an object")
    return " or ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
