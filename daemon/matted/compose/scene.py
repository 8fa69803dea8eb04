"""A subject, what lies behind it and what shadows it has, put together strip by strip.

Decides in which depth and space that is done: the picture's own wherever the file's format and the layers
allow it. May import imaging and the foreground colour; knows no model and writes no file.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from matted.compose.background import Background, behind
from matted.compose.blend import Plane, Rows, in_depth, over, transparent, unit, with_shade
from matted.compose.contact import contact_shadow
from matted.compose.frame import Frame, place
from matted.compose.resample import Placement, moved, scaled, scaled_alpha, scaled_opaque, within
from matted.compose.shadow import Layer, cast, kept
from matted.compose.style import Shadow
from matted.imaging.colour import to_srgb8, to_srgb16
from matted.imaging.encoding import FormatFacts
from matted.imaging.from_srgb import from_srgb
from matted.imaging.picture import Picture, Space
from matted.imaging.profile import profile_of
from matted.matting.foreground import Foreground
from matted.notice import Notice

_Shade = tuple[Rows, Callable[[slice], Plane]]  # a colour as one pixel, and how strong it is


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows to be written, and what they are. `rows`: (n, `width`, C) of `dtype` for a slice of the height."""

    rows: Callable[[slice], Rows]
    width: int
    height: int
    dtype: np.dtype[Any]
    space: Space
    has_alpha: bool = False
    icc: bytes | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a result is put together from, the lowest first: `background`, `shades`, `subject`.

    `form`: the depth and space it is done in. `place`: where the picture lies on the canvas.
    """

    form: "Form"
    place: Placement
    subject: "Subject"
    shades: tuple[Layer, ...]
    background: Background | None

    def sheet(self) -> Sheet:
        """The one picture that all of it makes. Where nothing can be seen, colours are 0."""
        form, background = self.form, self.background
        shades = [(form.pixel(layer.colour), layer.rows) for layer in self.shades]
        if background is not None:
            rows = _on(self.subject, shades, self.subject.behind(background))
        else:
            rows = _free(self.subject, shades[::-1])
        size = (self.place.width, self.place.height)
        return Sheet(rows, *size, form.dtype, form.space, background is None, form.icc)


def arrange(
    picture: Picture,
    mask: Rows,
    holds: FormatFacts,
    *,
    background: Background | None = None,
    shadow: Shadow | None = None,
    keep_shadow: bool = False,
    frame: Frame | None = None,
    keep_colours: bool = False,
    max_side_px: int | None = None,
    bits: int | None = None,
) -> tuple[Scene, tuple[Notice, ...]]:
    """The cut-out in the deepest form that both the picture has and the format holds, and what to tell.

    `mask`: (H, W) uint8 or uint16. Where it is full, colours are exactly the picture's; where it is 0,
    exactly the background's. `max_side_px`: without a frame, larger pictures are reduced to it. `bits`: 8 or
    16 instead of the picture's own depth.
    """
    spot, notices = within((picture.width, picture.height), max_side_px), tuple[Notice, ...]()
    if frame is not None:
        spot, notices = place(mask, frame)
    found = contact_shadow(picture, mask) if keep_shadow else None
    if keep_shadow and found is None:
        notices += (
            Notice(
                "no-shadow-found",
                "No shadow stands out from the ground below the subject, so none was kept: that takes an "
                "even, light ground. Cast a shadow instead.",
            ),
        )
    tints = [background] if background is not None else []
    if shadow is not None:
        tints.append(Background("colour", shadow.srgb))
    plain = not tints and found is None
    form = _form(picture, holds, gray=all(tint.is_gray for tint in tints), plain=plain, bits=bits)
    subject = Subject(picture, mask, spot, form, keep_colours=keep_colours)
    shades = list[Layer]()
    if found is not None:
        size = (picture.width, picture.height)
        shades.append(kept(found, size, spot, linear=form.linear))
    if shadow is not None:
        shades.append(cast(shadow, subject.alpha, spot, linear=form.linear))
    return Scene(form, spot, subject, tuple(shades), background), notices


@dataclass(frozen=True, slots=True)
class Form:
    """A depth and space to put things together in. `native`: the picture's own values."""

    dtype: np.dtype[Any]
    space: Space
    icc: bytes | None
    native: bool
    linear: bool

    def of_srgb(self, colours: Rows) -> Rows:
        """8- or 16-bit sRGB in this form."""
        if self.native:
            colours = from_srgb(colours, space=self.space, icc=self.icc, linear=self.linear)
        return in_depth(colours, self.dtype)

    def of_picture(self, picture: Picture) -> Rows:
        """A strip of the picture without alpha in this form."""
        rows = slice(0, picture.height)
        if self.native:
            return in_depth(picture.pixels, self.dtype)
        return to_srgb8(picture, rows) if self.dtype == np.uint8 else to_srgb16(picture, rows)

    def pixel(self, colour: tuple[int, int, int]) -> Rows:
        """One colour as a single pixel (1, 1, C)."""
        return self.of_srgb(in_depth(np.array([[colour]], np.uint8), self.srgb_dtype))

    @property
    def srgb_dtype(self) -> np.dtype[Any]:
        """The depth in which sRGB is given to it."""
        return np.dtype(np.uint8 if self.dtype == np.uint8 else np.uint16)


def _form(picture: Picture, holds: FormatFacts, *, gray: bool, plain: bool, bits: int | None) -> Form:
    """`plain`: nothing but the cut-out. `gray`: what is put beside it is gray.

    sRGB stands in for the picture's own space where the format or the layers do not allow that, and where 8
    bits of linear light would show steps.
    """
    own = picture.pixels.dtype
    if own.kind == "f" and holds.floats and bits is None:
        dtype = own
    else:
        deep = own != np.uint8 if bits is None else bits == 16
        dtype = np.dtype(np.uint16 if deep and 16 in holds.bits else np.uint8)
    native = picture.space in holds.spaces
    native = native and (plain or picture.space == "rgb" or (picture.space == "gray" and gray))
    if picture.linear and picture.icc is None and dtype == np.uint8:
        native = False
    if native:
        linear = picture.linear and picture.icc is None
        return Form(dtype, picture.space, profile_of(picture), True, linear)
    return Form(dtype if dtype.kind == "u" else np.dtype(np.uint16), "rgb", None, False, False)


class Subject:
    """The subject on the canvas: its own colours, and its alpha."""

    def __init__(
        self, picture: Picture, mask: Rows, spot: Placement, form: Form, *, keep_colours: bool
    ) -> None:
        self._picture, self._mask, self._spot, self._form = picture, mask, spot, form
        self._colours = picture.pixels[..., : picture.colour_channels]
        self._opacity = picture.pixels[..., -1] if picture.has_alpha else None
        self._clean = None if keep_colours else Foreground(self._colours, mask, opacity=self._opacity)
        self._stays = spot == Placement(picture.width, picture.height)
        self._size = (picture.width, picture.height)

    def rows(self, rows: slice) -> tuple[Rows, Rows]:
        """Colours (n, W, C) of the form's depth, alpha (n, W) of any."""
        if self._spot.is_shift:
            return self._placed(self._colour, rows), self._placed(self._alpha, rows)
        return scaled(self._colour, self._alpha, self._size, self._spot, rows)

    def alpha(self, rows: slice) -> Rows:
        """Alpha (n, W) alone."""
        return self._placed(self._alpha, rows)

    def mask(self, rows: slice) -> Rows:
        """The matte (n, W) without the picture's own transparency, in the form's depth."""
        return in_depth(self._placed(lambda part: self._mask[part], rows), self._form.dtype)

    def unmasked(self, rows: slice) -> Rows:
        """Colours and the picture's own alpha (n, W, C + 1): with the matte over them they are the subject.

        Where the matte is 0 the picture's own colours are there still.
        """
        colour = self._whole(self._colour, rows)
        if not self._spot.is_shift:
            freed, alpha = self.rows(rows)
            colour = np.where((alpha > 0)[..., None], freed, colour)
        return self._with_opacity(colour, rows)

    def untouched(self, rows: slice) -> Rows:
        """The picture's own colours and alpha (n, W, C + 1)."""
        return self._with_opacity(self._whole(self._original, rows), rows)

    def behind(self, background: Background) -> Callable[[slice], Rows]:
        """Rows of the background in the form's space and depth, or a single pixel of it."""
        form = self._form
        srgb = behind(background, self._picture, self._mask, self._spot, form.srgb_dtype)
        return lambda rows: form.of_srgb(srgb(rows))

    def _placed(self, plane: Callable[[slice], Rows], rows: slice) -> Rows:
        """Rows of the canvas of a plane, or of unscaled colours; 0 where the picture is not."""
        if self._stays:
            return plane(rows)
        draw = moved if self._spot.is_shift else scaled_alpha
        return draw(plane, self._size, self._spot, rows)

    def _whole(self, colour: Callable[[slice], Rows], rows: slice) -> Rows:
        if self._spot.is_shift:
            return self._placed(colour, rows)
        return scaled_opaque(colour, self._size, self._spot, rows)

    def _with_opacity(self, colour: Rows, rows: slice) -> Rows:
        """Colours with the picture's own alpha; 0 beyond its border, which the matte alone softens."""
        opaque = self._placed(lambda part: np.full(self._mask[part].shape, 255, np.uint8), rows) > 0
        alpha = opaque * np.uint8(255)
        opacity = self._opacity
        if opacity is not None:
            depth = self._form.dtype
            alpha = self._whole(lambda part: in_depth(opacity[part][..., None], depth), rows)[..., 0] * opaque
        return np.dstack([colour, in_depth(alpha, self._form.dtype)])

    def _original(self, rows: slice) -> Rows:
        return self._formed(self._colours[rows])

    def _colour(self, rows: slice) -> Rows:
        return self._formed(self._colours[rows] if self._clean is None else self._clean.rows(rows))

    def _formed(self, own: Rows) -> Rows:
        strip = replace(self._picture, pixels=own, has_alpha=False, full_size=(0, 0))
        return self._form.of_picture(strip)

    def _alpha(self, rows: slice) -> Rows:
        whole = self._mask[rows]
        if self._opacity is None:
            return whole
        own = in_depth(self._opacity[rows], whole.dtype)
        return in_depth(unit(whole) * unit(own), whole.dtype)


def _free(subject: Subject, shades: list[_Shade]) -> Callable[[slice], Rows]:
    """Rows of the subject and its shadows, the highest first, with nothing behind them."""

    def rows(wanted: slice) -> Rows:
        colour, alpha = subject.rows(wanted)
        for shade, amount in shades:
            colour, alpha = with_shade(colour, alpha, shade, amount(wanted))
        return transparent(colour, alpha)

    return rows


def _on(subject: Subject, shades: list[_Shade], ground: Callable[[slice], Rows]) -> Callable[[slice], Rows]:
    """Rows of the subject and its shadows, the lowest first, over a ground."""

    def rows(wanted: slice) -> Rows:
        back = ground(wanted)
        for shade, amount in shades:
            back = over(shade, amount(wanted), back)
        return over(*subject.rows(wanted), back)

    return rows
