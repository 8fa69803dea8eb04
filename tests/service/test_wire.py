"""The wire's forms: each plane format arrives as the picture it was, and every refusal is a sentence."""

import base64
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matted.errors import BadOption, PictureTooLarge
from matted.service.wire import PLANE_FORMATS, build_options, json_options, planes_from_headers

PROFILE = bytes(36) + b"acsp" + bytes(100)


def headers(name: str = "rgb8", width: object = 3, height: object = 2, **more: str) -> dict[str, str]:
    return {"X-Matted-Format": name, "X-Matted-Width": str(width), "X-Matted-Height": str(height), **more}


@pytest.mark.parametrize("name", PLANE_FORMATS)
def test_each_format_becomes_its_picture_without_a_copy(name):
    plane = PLANE_FORMATS[name]
    pixels = (np.arange(6 * plane.channels) % 11).astype(plane.dtype).reshape(2, 3, plane.channels)
    received = np.frombuffer(bytearray(pixels.tobytes()), np.uint8)
    planes = planes_from_headers(headers(name), max_pixels=100)
    assert planes.size == pixels.nbytes
    picture = planes.picture(received)
    expected = pixels[..., [2, 1, 0, 3]] if name.startswith("bgra") else pixels
    assert np.array_equal(picture.pixels, expected)
    assert np.shares_memory(picture.pixels, received)
    assert picture.pixels.flags.c_contiguous
    assert picture.has_alpha == name.startswith(("graya", "rgba", "bgra"))
    assert picture.space == ("gray" if name.startswith("gray") else "rgb")


@pytest.mark.parametrize("name", ["", "rgb", "RGB8", "cmyk8", "rgb8 ", "bgraf32"])
def test_unknown_formats_are_refused_with_the_known_ones(name):
    with pytest.raises(BadOption, match="rgba8"):
        planes_from_headers(headers(name), max_pixels=100)


@pytest.mark.parametrize("side", ["", "0", "-1", "1.5", "1e3", "0x10", "\u0663", "9" * 30, "nan", " 3"])
def test_sides_must_be_plain_whole_numbers(side):
    with pytest.raises(BadOption, match="X-Matted-Width"):
        planes_from_headers(headers(width=side), max_pixels=100)
    with pytest.raises(BadOption, match="X-Matted-Height"):
        planes_from_headers(headers(height=side), max_pixels=100)


def test_more_pixels_than_allowed_are_refused():
    with pytest.raises(PictureTooLarge, match=r"at most 0\.0001 megapixels"):
        planes_from_headers(headers(width=101, height=1), max_pixels=100)


def test_a_profile_travels_in_base64():
    planes = planes_from_headers(
        headers(**{"X-Matted-Profile": base64.b64encode(PROFILE).decode()}), max_pixels=100
    )
    assert planes.picture(np.zeros(18, np.uint8)).icc == PROFILE


@pytest.mark.parametrize(
    "text", ["!", base64.b64encode(b"no profile").decode(), base64.b64encode(bytes(200)).decode()]
)
def test_what_is_no_profile_is_refused(text):
    with pytest.raises(BadOption, match="X-Matted-Profile"):
        planes_from_headers(headers(**{"X-Matted-Profile": text}), max_pixels=100)


def test_linear_light_is_a_flag():
    assert planes_from_headers(headers(**{"X-Matted-Linear": "1"}), max_pixels=100).linear
    with pytest.raises(BadOption, match="X-Matted-Linear must be 0 or 1"):
        planes_from_headers(headers(**{"X-Matted-Linear": "yes"}), max_pixels=100)


def test_the_declaration_tells_pictures_of_equal_bytes_apart():
    wide = planes_from_headers(headers(width=3, height=2), max_pixels=100)
    tall = planes_from_headers(headers(width=2, height=3), max_pixels=100)
    assert wide.declaration != tall.declaration


@dataclass(frozen=True)
class Inner:
    depth: int = 1


@dataclass(frozen=True)
class Example:
    level: Literal["none", "fast"] = "fast"
    share: float | None = None
    on: bool = False
    names: tuple[str, ...] = ()
    inner: Inner = Inner()

    def __post_init__(self) -> None:
        if self.share is not None and self.share > 1:
            raise BadOption("The share must not be above 1.")


def test_options_become_the_dataclass():
    given_ = {"level": "none", "share": 1, "on": True, "names": ["a"], "inner": {"depth": 2}}
    assert build_options(Example, given_, "example") == Example("none", 1.0, True, ("a",), Inner(2))
    assert build_options(Example, {"share": None}, "example") == Example()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"lvel": "none"}, "There is no option 'lvel' in example; there are level, share, on, names, inner."),
        ({"level": "best"}, 'The option example.level must be "none" or "fast", not "best".'),
        ({"share": "half"}, 'The option example.share must be a number or null, not "half".'),
        ({"share": True}, "The option example.share must be a number or null, not true."),
        ({"on": 1}, "The option example.on must be true or false, not 1."),
        ({"names": [1]}, "The option example.names[0] must be a text, not 1."),
        ({"inner": {"deep": 1}}, "There is no option 'deep' in example.inner; there are depth."),
        ({"inner": 3}, "The option example.inner must be an object, not 3."),
        ({"share": 2}, "The share must not be above 1."),
        ([], "The options example must be a JSON object."),
    ],
)
def test_wrong_options_are_refused_with_an_exact_sentence(options, sentence):
    with pytest.raises(BadOption) as caught:
        build_options(Example, options, "example")
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "text", ["[1]", "{", "nul", '{"a": NaN}', '{"a": Infinity}', "[" * 60000, "x" * 70000]
)
def test_what_is_no_json_object_is_refused(text):
    with pytest.raises(BadOption):
        json_options(text)


@given(st.binary(max_size=200))
def test_any_bytes_are_options_or_a_sentence(text):
    with suppress(BadOption):
        assert isinstance(json_options(text), dict)


@given(
    st.dictionaries(
        st.sampled_from(
            ["X-Matted-Format", "X-Matted-Width", "X-Matted-Height", "X-Matted-Profile", "X-Matted-Linear"]
        ),
        st.text(max_size=20),
    )
)
def test_any_headers_are_a_picture_or_a_sentence(given_headers):
    with suppress(BadOption, PictureTooLarge):
        assert 0 < planes_from_headers(given_headers, max_pixels=1000).size <= 16000
