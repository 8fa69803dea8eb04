"""What is made of every picture of a folder: which model looks, which results are wanted, what becomes of it.

`load_recipe` reads one from its TOML file, strictly; `example.toml` beside this file explains every key. May
import the options of the chain and the delivery; watches nothing and writes no file.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from itertools import chain, combinations, count
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, BinaryIO, Literal, get_args

from matted.compose.background import Background, parse_background
from matted.compose.style import Shadow
from matted.delivery import Delivery, deliver
from matted.errors import BadOption, MattedError
from matted.hotfolder.meaning import digest_of
from matted.hotfolder.patterns import check_pattern, expanded, fixed_folder, is_plain_name, matches, same_name
from matted.hotfolder.toml_keys import Table
from matted.imaging.encoding import FORMATS, FormatName, format_named
from matted.imaging.picture import Picture
from matted.imaging.read import read_picture
from matted.matting.adjust import AdjustOptions
from matted.matting.calibration import REVIEW_BELOW
from matted.notice import Notice
from matted.options import CoarseOptions, Level, RefineOptions
from matted.pipeline import Matte

RECIPE_FILE = "matted.toml"
Check = Callable[[str, str], None]
DEFAULT_PATTERN = "{item}/{folder}/{stem}.{ext}"
MAX_BACKGROUND_PIXELS = 300_000_000
_KEYS = (
    *("name", "originals", "done", "review", "failed", "match", "ignore"),
    *("model", "edges", "review_below", "adjust", "output"),
)
_DELIVERY_KEYS = ("quality", "keep_colours", "keep_shadow", "preset", "bits", "max_side_px")


@dataclass(frozen=True, slots=True)
class RecipeItem:
    """One result of every picture. `pattern`: its name, of the fields in `patterns.FIELDS`.

    `delivery.format` is never None, so that the name is known before the picture is opened.
    """

    name: str = "cutouts"
    pattern: str = DEFAULT_PATTERN
    delivery: Delivery = field(default_factory=partial(Delivery, format="png"))

    def __post_init__(self) -> None:
        if self.delivery.format is None:
            raise ValueError("the format of an item must be known")
        check_pattern(self.pattern)

    @property
    def extension(self) -> str:
        """The suffix of its files without the dot."""
        assert self.delivery.format is not None
        return FORMATS[self.delivery.format].suffixes[0].lstrip(".")

    def target(self, picture: PurePath) -> PurePosixPath:
        """The result's path for a picture's path; both are relative to the recipe's folder.

        It never leads out of that folder, and no other item of the recipe has it. Pictures that differ in
        the suffix alone may share one: whoever writes must look.
        """
        return expanded(self.pattern, picture, item=self.name, extension=self.extension)

    def write(self, picture: Picture, matte: Matte, target: BinaryIO) -> tuple[Notice, ...]:
        """Writes the result and returns what a person should know of it. Raises MattedError, OSError."""
        return deliver(picture, matte.mask, self.delivery, target).notices


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to do with the pictures of a folder.

    `originals`: `stay` where they are or `move` to `done` once every item is written. `done`, `review`,
    `failed`: folders, relative to the recipe's or absolute. `match`, `ignore`: patterns of names; where
    `match` is empty all readable pictures are meant. `coarse`, `refine`, `adjust`: how the one matte is made.
    `review_below`: the confidence, 0 to 1, below which a person should look. `files`: all it was read from.
    `digest`: a name for what it makes, that of all its items.
    """

    items: tuple[RecipeItem, ...] = (RecipeItem(),)
    name: str = "default"
    originals: Literal["stay", "move"] = "stay"
    done: str = "done"
    review: str = "review"
    failed: str = "failed"
    match: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    coarse: CoarseOptions = field(default_factory=CoarseOptions)
    refine: RefineOptions = field(default_factory=RefineOptions)
    adjust: AdjustOptions = field(default_factory=AdjustOptions)
    review_below: float = REVIEW_BELOW
    files: tuple[Path, ...] = ()
    digest: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", self._digest(self.items))

    def item_digest(self, item: RecipeItem) -> str:
        """A name for what `item` makes: of all that changes its file, and of nothing else."""
        return self._digest((item,))

    def takes(self, picture: PurePath) -> bool:
        """Whether a picture, relative to the recipe's folder, is meant: by its name, and as no result."""
        own = {fixed_folder(item.pattern.replace("{item}", item.name)) for item in self.items}
        own |= {PurePosixPath(folder).parts[0] for folder in (self.done, self.review, self.failed)}
        if len(picture.parts) > 1 and picture.parts[0] in own:
            return False
        return (not self.match or matches(picture, self.match)) and not matches(picture, self.ignore)

    def _digest(self, items: tuple[RecipeItem, ...]) -> str:
        return digest_of((self.coarse, self.refine, self.adjust), items)


DEFAULT_RECIPE = Recipe()


def load_recipe(path: Path, *, check: Check | None = None) -> Recipe:
    """The recipe in a file.

    `check` is given "model" or "edges" and what the recipe says there; it raises MattedError where that
    cannot be used. Raises BadRecipe: a sentence with the file, the line and the reason.
    """
    table = Table.read(path)
    table.only(_KEYS)
    sources = [path]
    items = list[RecipeItem]()
    for part in table.tables("output"):
        items.append(_item(part, sources, taken=[item.name for item in items]))
    _check_apart(table, items)
    model = table.value("model", str, "") or None
    adjust = table.table("adjust")
    below = table.value("review_below", float, REVIEW_BELOW)
    if not 0 <= below <= 1:
        raise table.wrong("review_below", f"review_below goes from 0 to 1, not {below:g}.")
    edges = table.one_of("edges", get_args(Level), "fast")
    for key, wish in (("model", model), ("edges", edges)):
        if check is not None and key in table.values and wish:
            try:
                check(key, wish)
            except MattedError as error:
                raise table.wrong(key, str(error)) from error
    return Recipe(
        items=tuple(items) or DEFAULT_RECIPE.items,
        name=table.value("name", str, path.parent.name if path.name == RECIPE_FILE else path.stem),
        originals=table.one_of("originals", ("stay", "move"), "stay"),
        **_folders(table),
        match=table.texts("match"),
        ignore=table.texts("ignore"),
        coarse=CoarseOptions(model=model),
        refine=RefineOptions(edges),
        adjust=_adjust(adjust) if adjust is not None else AdjustOptions(),
        review_below=float(below),
        files=tuple(sources),
    )


def example_recipe() -> str:
    """A recipe with every key explained, itself one that works."""
    return files("matted.hotfolder").joinpath("example.toml").read_text("utf-8")


def _item(table: Table, sources: list[Path], *, taken: list[str]) -> RecipeItem:
    table.only(("name", "file", "what", "format", "background", "shadow", *_DELIVERY_KEYS))
    wish: dict[str, Any] = {
        "what": table.one_of("what", ("cutout", "mask"), "cutout"),
        "format": _format(table),
    }
    for key, kind in (("quality", int), ("keep_colours", bool), ("keep_shadow", bool), ("preset", str)):
        if key in table.values:
            wish[key] = table.value(key, kind, kind())
    for key in ("bits", "max_side_px"):
        if key in table.values:
            wish[key] = table.value(key, int, 0)
    if "background" in table.values:
        wish["background"] = _background(table, sources)
    if table.values.get("shadow", False) is not False:
        wish["shadow"] = _shadow(table)
    delivery = table.options(Delivery, wish)
    _check_opaque(table, delivery)
    pattern = table.value("file", str, DEFAULT_PATTERN)
    try:
        check_pattern(pattern)
    except BadOption as error:
        raise table.wrong("file", str(error)) from error
    _check_suffix(table, pattern, FORMATS[wish["format"]].suffixes)
    name = table.value("name", str, _name_for(pattern, delivery, taken))
    if not is_plain_name(name):
        raise table.wrong("name", f"the name {name!r} must be one that a file can have.")
    if name in taken:
        raise table.wrong("name", f"there is an output {name!r} already: give each its own name.")
    return RecipeItem(name, pattern, delivery)


def _name_for(pattern: str, delivery: Delivery, taken: list[str]) -> str:
    """The name of an item that was given none: its folder, numbered where that is taken."""
    usual = fixed_folder(pattern.replace("{item}", "masks" if delivery.what == "mask" else "cutouts"))
    numbered = chain([usual or delivery.what], (f"{usual or delivery.what}-{n}" for n in count(2)))
    return next(name for name in numbered if name not in taken)


def _format(table: Table) -> FormatName:
    """The format asked for, by its name or a suffix; that of the file's name, else PNG."""
    suffix = PurePosixPath(str(table.values.get("file", ""))).suffix
    key = "format" if "format" in table.values else "file"
    wish = table.value("format", str, "" if "{" in suffix else suffix).lower().lstrip(".") or "png"
    found = format_named(wish)
    if found is None:
        raise table.wrong(key, f"{wish!r} cannot be written; {', '.join(FORMATS)} can.")
    return found


def _check_suffix(table: Table, pattern: str, suffixes: tuple[str, ...]) -> None:
    if PurePosixPath(pattern).suffix.lower() not in (".{ext}", *suffixes):
        known = " or ".join((".{ext}", *suffixes))
        raise table.wrong("file", f"the name {pattern!r} must end with {known}, as its format says.")


def _background(table: Table, sources: list[Path]) -> Background:
    def read(text: str) -> Picture | None:
        path = table.path.parent / Path(text).expanduser()
        if not path.is_file():
            return None
        sources.append(path)
        return read_picture(path, max_pixels=MAX_BACKGROUND_PIXELS)

    try:
        return parse_background(table.value("background", str, ""), read)
    except MattedError as error:
        raise table.wrong("background", str(error)) from error


def _shadow(table: Table) -> Shadow:
    if table.values["shadow"] is True:
        return Shadow()
    style = table.table("shadow")
    assert style is not None
    return style.options(Shadow)


def _adjust(table: Table) -> AdjustOptions:
    keep, points = table.values.get("keep", "all"), table.values.get("keep_at", [])
    if not isinstance(keep, str) and not _all_numbers(keep, int):
        raise table.wrong("keep", 'keep must be "all", "largest" or numbers such as [1, 3].')
    if not isinstance(points, list) or not all(_all_numbers(p, float) and len(p) == 2 for p in points):
        raise table.wrong("keep_at", "keep_at must be points such as [[120, 340]].")
    return table.options(AdjustOptions)


def _all_numbers(values: Any, kind: type[int] | type[float]) -> bool:
    kinds = (int,) if kind is int else (int, float)
    return isinstance(values, list) and all(isinstance(v, kinds) and not isinstance(v, bool) for v in values)


def _check_opaque(table: Table, delivery: Delivery) -> None:
    name = delivery.format
    if delivery.what == "cutout" and name and not FORMATS[name].alpha and delivery.ground is None:
        raise table.wrong(
            "format" if "format" in table.values else "file",
            f'a {FORMATS[name].title} file cannot be transparent: add background = "white" or choose png.',
        )


def _check_apart(table: Table, items: list[RecipeItem]) -> None:
    outputs = table.tables("output")
    for (first, one), (second, other) in combinations(enumerate(items), 2):
        a, b = ((item.pattern, item.name, item.extension) for item in (one, other))
        if same_name((a, b)):
            raise outputs[second].wrong(
                "file" if "file" in outputs[second].values else None,
                f"the outputs {first + 1} and {second + 1} would both be "
                f"{other.target(PurePath('NAME.jpg'))}: give one of them another name or file.",
            )


def _folders(table: Table) -> dict[str, Any]:
    found = {key: table.value(key, str, key) for key in ("done", "review", "failed")}
    for key, folder in found.items():
        path = PurePath(Path(folder).expanduser())
        if not folder.strip() or not path.parts or ".." in path.parts:
            raise table.wrong(key, f"{key} must be the name of a folder, without .., not {folder!r}.")
        found[key] = str(path)
    for key, other in combinations(found, 2):
        if found[key].casefold() == found[other].casefold():
            raise table.wrong(
                other if other in table.values else key, f"{key} and {other} cannot be the same folder."
            )
    return found
