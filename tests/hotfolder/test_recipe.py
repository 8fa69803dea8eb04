"""What a recipe's file says, what is refused and where, and what its outputs are called and hold."""

import io
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from matted.compose.style import Shadow
from matted.errors import BadOption, BadRecipe, UnknownModel
from matted.hotfolder.patterns import FIELDS, check_pattern, expanded
from matted.hotfolder.recipe import (
    DEFAULT_RECIPE,
    RECIPE_FILE,
    Recipe,
    RecipeItem,
    example_recipe,
    load_recipe,
)
from matted.imaging.encoding import FORMATS
from matted.imaging.picture import Metadata, Picture
from matted.imaging.profile import srgb_profile
from matted.imaging.read import read_picture
from matted.pipeline import Matte
from psd_reader import LayeredTiff, Psd


@pytest.fixture
def load(tmp_path: Path):
    """A recipe from its text."""

    def read(text: str | bytes) -> Recipe:
        path = tmp_path / RECIPE_FILE
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_recipe(path)

    return read


def test_without_any_key_it_is_the_usual_one(load):
    found = load("# nothing\n")
    assert (found.items, found.digest) == (DEFAULT_RECIPE.items, DEFAULT_RECIPE.digest)
    (item,) = DEFAULT_RECIPE.items
    assert item.target(PurePosixPath("a/cat.jpg")) == PurePosixPath("cutouts/a/cat.png")
    assert (item.delivery.what, item.delivery.background) == ("cutout", None)


def test_the_example_works_and_its_comments_are_true(load):
    found = load(example_recipe())
    names = [str(item.target(PurePosixPath("shoot/cat.jpg"))) for item in found.items]
    assert names == [
        "cutouts/shoot/cat.png",
        "shop/cat.jpg",
        "web/shoot/cat-small.webp",
        "layers/shoot/cat.psd",
        "masks/shoot/cat.png",
    ]
    assert [item.name for item in found.items] == ["cutouts", "shop", "web", "layers", "masks"]
    for field in FIELDS:
        assert f"{{{field}}}" in example_recipe()
    for name in FORMATS:
        assert name in example_recipe()


def test_every_key_reaches_its_option(load):
    found = load("""
name = "shoes"
originals = "move"
done = "fertig"
review = "sehen"
failed = "fehler"
match = "*.jpg"
ignore = ["x*", "y*"]
model = "isnet-general-use"
edges = "fine"
review_below = 0
[adjust]
keep = [1, 2]
keep_at = [[3, 4.5]]
grow_px = -1
[[output]]
name = "small"
file = "{item}/{stem}.webp"
quality = 70
keep_colours = true
keep_shadow = true
max_side_px = 800
shadow = { opacity = 0.2 }
background = "#112233"
bits = 8
""")
    assert (found.name, found.originals, found.match) == ("shoes", "move", ("*.jpg",))
    assert (found.done, found.review, found.failed) == ("fertig", "sehen", "fehler")
    assert (found.ignore, found.review_below) == (("x*", "y*"), 0.0)
    assert (found.coarse.model, found.refine.level) == ("isnet-general-use", "fine")
    assert (found.adjust.keep, found.adjust.keep_at, found.adjust.grow_px) == ((1, 2), ((3, 4.5),), -1)
    delivery = found.items[0].delivery
    assert (delivery.format, delivery.quality, delivery.max_side_px, delivery.bits) == ("webp", 70, 800, 8)
    assert (delivery.keep_colours, delivery.keep_shadow) == (True, True)
    assert delivery.shadow == Shadow(opacity=0.2)
    assert delivery.background.colour == (0x11, 0x22, 0x33)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("\n\nqualty = 3\n", 3, "no key 'qualty'"),
        ('originals = "stay"\noriginal = "stay"\n', 2, "did you mean originals?"),
        ("a = \n", 1, "not TOML"),
        ('a = """\n\n', 1, "not TOML"),
        ("[[output]]\n[[output]]\n# which?\n\nquality = 900\n", 5, "1 to 100"),
        ('match = [\n  "*.jpg",\n  "x = 1",\n]\nedges = "soft"\n', 5, "edges must be"),
        ('[[output]]\nfile = """\nfailed = 1\n{stem}"""\nbits = 12\n', 5, "8 or 16"),
        ("match = [1]\n", 1, "a list such as"),
        ("[adjust]\ngrow_px = true\n", 2, "a number"),
        ("[adjust]\nlow = 0.9\nhigh = 0.1\n", 1, "levels"),
        ("[adjust]\n\ncontrast = 7\n", 3, "contrast goes from"),
        ('[adjust]\nkeep = "some"\n', 2, "All subjects can be kept"),
        ("[adjust]\nkeep = [0]\n", 2, "numbers from 1"),
        ("[adjust]\nkeep_at = [[1]]\n", 2, "points"),
        ("[output]\nquality = 3\n", 1, "[[output]]"),
        ('[[output]]\nformat = "bmp"\n', 2, "cannot be written"),
        ('[[output]]\nfile = "{stem}.gif"\n', 2, "cannot be written"),
        ('[[output]]\n\nformat = "jpeg"\n', 3, "cannot be transparent"),
        ('[[output]]\nfile = "{stem}.jpg"\n', 2, "cannot be transparent"),
        ('[[output]]\nformat = "webp"\nbits = 16\n', 1, "16 bits"),
        ('[[output]]\nwhat = "mask"\nformat = "psd"\n', 1, "ask for that"),
        ('[[output]]\nwhat = "mask"\nformat = "layered-tiff"\n', 1, "A layered TIFF file holds the cut-out"),
        ('[[output]]\nformat = "layered-tiff"\nfile = "{stem}.psd"\n', 3, "must end with .{ext} or .tif"),
        ('[[output]]\nfile = "{stem}.layered-tiff"\n', 2, "must end with .{ext} or .tif"),
        ('[[output]]\nwhat = "mask"\nbackground = "red"\n', 1, "no background"),
        ('[[output]]\npreset = "amazone"\n', 2, "no preset"),
        ('[[output]]\npreset = "amazon"\nmax_side_px = 10\n', 1, "1000 px or more"),
        ('[[output]]\nbackground = "gone.jpg"\n', 2, "nor a picture"),
        ("[[output]]\nshadow = { blur_percent = 99 }\n", 2, "blur goes from"),
        ("[[output]]\n[output.shadow]\nopacity = 3\n", 3, "opacity goes from"),
        ('[[output]]\nshadow = "soft"\n', 2, "shadow is a table"),
        ('[[output]]\nfile = "../{stem}.png"\n', 2, "stay within the folder"),
        ('[[output]]\nfile = "/tmp/{stem}.png"\n', 2, "stay within the folder"),
        ('[[output]]\nfile = "C:\\\\{stem}.png"\n', 2, "stay within the folder"),
        ('[[output]]\nfile = "x.png"\n', 2, "same for every picture"),
        ('[[output]]\nfile = "{stem}/"\n', 2, "that of a folder"),
        ('[[output]]\nfile = "{stem}.jpg"\nformat = "png"\n', 2, "must end with .{ext} or .png"),
        ('[[output]]\nfile = "{stem}"\n', 2, "must end with"),
        ('[[output]]\nfile = "masks/{name}"\n', 2, "must end with"),
        ('[[output]]\nfile = "{stm}.png"\n', 2, "made of text and of"),
        ('[[output]]\nfile = "{stem.png"\n', 2, "made of text and of"),
        ('[[output]]\nname = "a/b"\n', 2, "that a file can have"),
        ('[[output]]\nname = "a"\n[[output]]\nname = "a"\n', 4, "already"),
        ('[[output]]\nfile = "{stem}.png"\n[[output]]\nfile = "./{STEM}.png"\n', 4, "made of text"),
        ('[[output]]\nfile = "{stem}.png"\n[[output]]\nfile = "{folder}//{stem}.PNG"\n', 4, "would both be"),
        ('done = "x"\nreview = "X"\n', 2, "the same folder"),
        ('done = "../x"\n', 1, "name of a folder"),
        ("review_below = 2\n", 1, "0 to 1"),
        ("name = 3\n", 1, "text"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(load, tmp_path: Path, text: str, line: int, reason: str):
    with pytest.raises(BadRecipe) as caught:
        load(text)
    assert str(caught.value).startswith(f"{tmp_path / RECIPE_FILE}, line {line}: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_encodings(load):
    assert load(b"\xef\xbb\xbfname = 'a'\r\noriginals = 'move'\r\n").originals == "move"
    with pytest.raises(BadRecipe, match=r"line 2: .*UTF-8"):
        load(b"name = 'a'\ndone = '\xff'\n")


def test_a_file_that_is_no_recipe_at_all_is_refused(tmp_path: Path, load):
    with pytest.raises(BadRecipe, match="cannot be read"):
        load_recipe(tmp_path / "gone.toml")
    with pytest.raises(BadRecipe, match="which no recipe needs"):
        load(b"#" * (1 << 20))


def test_a_model_is_checked_where_somebody_knows_them(tmp_path: Path):
    def check(key: str, wish: str) -> None:
        if key == "model":
            raise UnknownModel(f"There is no model {wish}.")

    path = tmp_path / RECIPE_FILE
    path.write_text('\nmodel = "x"\n')
    with pytest.raises(BadRecipe, match="line 2: There is no model x"):
        load_recipe(path, check=check)


def test_a_background_picture_lies_beside_the_recipe(load, tmp_path: Path):
    Image.new("RGB", (4, 4), (1, 2, 3)).save(tmp_path / "wall.png")
    found = load('[[output]]\nbackground = "wall.png"\n')
    assert found.items[0].delivery.background.image.width == 4
    assert found.files == (tmp_path / RECIPE_FILE, tmp_path / "wall.png")
    (tmp_path / "wall.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    with pytest.raises(BadRecipe, match="line 2"):
        load('[[output]]\nbackground = "wall.png"\n')


def test_the_digest_is_of_the_meaning(load):
    plain = load('[[output]]\nfile = "{stem}.png"\n[[output]]\nfile = "{stem}-m.png"\nwhat = "mask"\n')
    same = load(
        '# a\noriginals = "move"\nedges = "fast"\n[[output]]\nwhat = "mask"\nfile = "{stem}-m.png"\n'
        'quality = 92\n[[output]]\nfile = "{stem}.png"\nname = "cutout"\n[adjust]\ngrow_px = 0\n'
    )
    assert same.digest == plain.digest
    other = load(
        '[[output]]\nfile = "{stem}.png"\nquality = 91\n[[output]]\nfile = "{stem}-m.png"\nwhat = "mask"\n'
    )
    assert other.digest != plain.digest
    assert other.item_digest(other.items[1]) == plain.item_digest(plain.items[1])
    assert other.item_digest(other.items[0]) != plain.item_digest(plain.items[0])
    assert load("[adjust]\ngrow_px = 1").item_digest(DEFAULT_RECIPE.items[0]) != DEFAULT_RECIPE.digest


def test_the_digest_of_a_background_is_that_of_its_pixels(load, tmp_path: Path):
    found = []
    for colour in ((1, 2, 3), (1, 2, 3), (3, 2, 1)):
        Image.new("RGB", (4, 4), colour).save(tmp_path / "wall.png")
        found.append(load('[[output]]\nbackground = "wall.png"\n'))
    assert found[0].digest == found[1].digest
    assert found[1].digest != found[2].digest
    assert found[1] != found[2]  # pictures do not stand in the way of comparing recipes


def test_which_pictures_are_meant(load):
    found = load('match = ["*.JPG", "raw/*.nef"]\nignore = "draft*"\n')
    taken = [name for name in _NAMES if found.takes(PurePosixPath(name))]
    assert taken == ["a.jpg", "sub/b.jpg", "raw/c.nef"]


_NAMES = (
    *("a.jpg", "sub/b.jpg", "raw/c.nef", "c.nef", "Draft-1.jpg"),
    *("cutouts/a.jpg", "done/a.jpg", "review/a.jpg", "failed/x/a.jpg"),
)


@given(
    st.text(max_size=40),
    st.text(max_size=12),
    st.sampled_from(["{folder}/{name}/{stem}.{ext}", "{stem}.png"]),
)
def test_no_name_leads_out_of_the_folder(folder: str, name: str, pattern: str):
    picture = PurePosixPath("in", folder.replace("\0", "").lstrip("/"), name.replace("\0", "") + ".jpg")
    found = expanded(pattern, picture, item="i", extension="png")
    assert not found.is_absolute()
    assert not {"..", "."} & set(found.parts)
    assert found.parts


@pytest.mark.parametrize("pattern", ["{stem}{ext", "{}", "{0}", "{stem!r}", "{stem:>9}", "a\0{stem}"])
def test_other_patterns_are_refused(pattern: str):
    with pytest.raises(BadOption):
        check_pattern(pattern)


def test_dots_alone_do_not_climb():
    item = RecipeItem(pattern="{stem}/{name}.{ext}")
    assert item.target(PurePosixPath("...jpg")) == PurePosixPath("__/...jpg.png")


def photo(dtype: type = np.uint16) -> Picture:
    top = np.iinfo(dtype).max
    pixels = np.random.default_rng(0).integers(0, top, (40, 60, 3)).astype(dtype)
    return Picture(pixels, icc=srgb_profile("rgb"), metadata=Metadata(xmp=b"<x/>", dpi=(300, 300)))


def matte(dtype: type = np.uint16) -> Matte:
    mask = np.zeros((40, 60), dtype)
    mask[5:35, 10:50] = np.iinfo(dtype).max
    mask[5:35, 10] //= 2
    return Matte(mask, "m", "cpu")


def test_all_outputs_of_one_matte_are_what_they_say(load):
    found = load("""
[[output]]
[[output]]
file = "white/{stem}.jpg"
background = "white"
[[output]]
file = "small/{stem}.webp"
max_side_px = 30
[[output]]
file = "tiff/{stem}.tif"
bits = 8
[[output]]
file = "layers/{stem}.psd"
[[output]]
file = "layered/{stem}.tif"
format = "layered-tiff"
[[output]]
what = "mask"
""")
    made = {}
    for item in found.items:
        target = io.BytesIO()
        assert item.write(photo(), matte(), target) == ()
        made[item.name] = target.getvalue()
    layers = Psd.read(made.pop("layers"))
    assert np.array_equal(layers.layers[-1].mask, matte().mask)
    assert layers.resources[1060] == b"<x/>"
    assert np.array_equal(LayeredTiff.read(made["layered"]).layers[-1].mask, matte().mask)
    pictures = {name: read_picture(content, max_pixels=10**6) for name, content in made.items()}
    assert {name: found.format for name, found in pictures.items()} == {
        "cutouts": "png",
        "white": "jpeg",
        "small": "webp",
        "tiff": "tiff",
        "layered": "tiff",
        "masks": "png",
    }
    assert (pictures["cutouts"].pixels.dtype, pictures["tiff"].pixels.dtype) == (np.uint16, np.uint8)
    assert (pictures["small"].width, pictures["small"].height) == (30, 20)
    assert np.array_equal(pictures["masks"].pixels[..., 0], matte().mask)
    assert np.median(pictures["white"].pixels[:3]) > 250
    for name, found_picture in pictures.items():
        assert found_picture.metadata.xmp == b"<x/>" or name == "masks", name
        assert found_picture.icc is not None or name == "masks", name
