"""The shipped catalogue is complete and honest; a person's own adds to it; mistakes in one are named."""

import subprocess
import sys
from pathlib import Path

import pytest

from matted.config import Settings
from matted.errors import BadOption, UnknownModel
from matted.inference.catalogue import Catalogue, Model, load_catalogue
from matted.resources import shipped

PROMISED = {
    *("u2net", "u2netp", "u2net_human_seg", "silueta", "isnet-general-use", "isnet-anime"),
    *("rmbg-1.4", "rmbg-2.0", "birefnet-general", "birefnet-general-lite", "birefnet-portrait"),
    *("birefnet-dis", "birefnet-hrsod", "birefnet-matting", "birefnet-hr", "birefnet-hr-matting"),
    *("modnet", "withoutbg", "inspyrenet", "mobilesam", "sam-vit-b", "vitmatte", "builtin"),
    *("sam2-tiny", "sam2.1-tiny"),
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(models_dir=tmp_path / "models")


@pytest.fixture
def catalogue(settings: Settings) -> Catalogue:
    return load_catalogue(settings)


def only(*ids: str) -> object:
    return lambda model: model.id in ids


def own(settings: Settings, text: str) -> Catalogue:
    """The catalogue with a file of the person's own beside their weights."""
    settings.models_dir.mkdir(parents=True, exist_ok=True)
    (settings.models_dir / "catalogue.toml").write_text("format = 1\n" + text, "utf-8")
    return load_catalogue(settings)


ENTRY = """
[[model]]
id = "mine"
title = "Mine"
licence = "MIT"
commercial = true
source = "me"
[[model.file]]
name = "mine.onnx"
urls = ["https://example.org/mine.onnx"]
sha256 = "{sha}"
""".replace("{sha}", "ab" * 32)


def test_every_promised_model_is_there(catalogue: Catalogue) -> None:
    assert {model.id for model in catalogue.models()} >= PROMISED


def test_every_download_can_be_checked(catalogue: Catalogue) -> None:
    for model in catalogue.models():
        for file in model.files:
            assert file.path is not None or file.sha256 is not None or file.md5 is not None, model.id


def test_what_is_not_known_is_said(catalogue: Catalogue) -> None:
    for model in catalogue.models():
        for file in model.files:
            if file.path is None and (file.size is None or not file.urls):
                assert file.unknown, f"{model.id}: {file.name}"


def test_every_entry_says_where_its_facts_come_from(catalogue: Catalogue) -> None:
    assert [m.id for m in catalogue.models() if len(m.source) < 30 or not m.licence] == []


def test_non_commercial_weights_are_marked(catalogue: Catalogue) -> None:
    assert {m.id for m in catalogue.models() if not m.commercial} == {
        *("rmbg-1.4", "rmbg-1.4-fp16", "rmbg-1.4-int8", "rmbg-2.0")
    }


def test_the_built_in_model_lies_beside_the_shipped_catalogue(catalogue: Catalogue) -> None:
    assert catalogue.get("builtin").file().path == shipped("models/catalogue.toml").parent / "builtin.onnx"


def test_no_two_models_keep_the_same_file(catalogue: Catalogue) -> None:
    sums = [file.sha256 for model in catalogue.models() for file in model.files if file.sha256]
    assert len(sums) == len(set(sums))


def test_half_precision_weights_are_found_from_the_full_ones(catalogue: Catalogue) -> None:
    full = catalogue.get("birefnet-general-lite")
    half = catalogue.variant(full, "fp16")
    assert half is not None
    assert half.id == "birefnet-general-lite-fp16"
    assert (half.input, half.output) == (full.input, full.output)
    assert catalogue.variant(catalogue.get("u2net"), "fp16") is None


def test_rembgs_names_are_understood(catalogue: Catalogue) -> None:
    for model in catalogue.models():
        if model.rembg is not None:
            assert catalogue.get(model.rembg.name) is model


def test_an_unknown_model_names_the_nearest(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownModel, match="did you mean birefnet-portrait"):
        catalogue.get("birefnet-portait")


def test_auto_takes_the_best_that_is_here(catalogue: Catalogue) -> None:
    assert catalogue.choose("auto", only("u2netp", "isnet-general-use")).id == "isnet-general-use"


def test_auto_follows_the_wish(catalogue: Catalogue) -> None:
    here = only("u2net_human_seg", "birefnet-general", "birefnet-portrait", "isnet-anime")
    assert catalogue.choose("auto:people", here).id == "birefnet-portrait"
    assert catalogue.choose("auto:product", here).id == "birefnet-general"
    assert catalogue.choose("auto:anime", here).id == "isnet-anime"


def test_auto_without_a_model_for_the_wish_takes_a_general_one(catalogue: Catalogue) -> None:
    assert catalogue.choose("auto:anime", only("u2net", "builtin")).id == "u2net"


def test_auto_on_a_fresh_computer_is_the_built_in_model(catalogue: Catalogue) -> None:
    assert catalogue.choose("auto", only("builtin")).id == "builtin"
    assert catalogue.choose("auto:people", only()).id == "builtin"


def test_auto_never_takes_a_model_that_needs_a_prompt_or_a_huge_memory(catalogue: Catalogue) -> None:
    here = only("mobilesam", "vitmatte", "birefnet-hr", "birefnet-hr-matting", "builtin")
    assert catalogue.choose("auto", here).id == "builtin"


def test_an_unknown_wish_names_the_known_ones(catalogue: Catalogue) -> None:
    with pytest.raises(BadOption, match="people"):
        catalogue.choose("auto:spaceships", only())


def test_a_plain_id_is_that_model(catalogue: Catalogue) -> None:
    assert catalogue.choose("u2net", only()).id == "u2net"


def test_a_graph_of_ones_own_needs_three_lines(settings: Settings) -> None:
    text = '[[model]]\nid = "cars"\nlike = "u2net"\n[[model.file]]\npath = "cars.onnx"\n'
    model = own(settings, text).get("cars")
    assert model.file().path == settings.models_dir / "cars.onnx"
    assert model.input == load_catalogue(settings).get("u2net").input


def test_an_own_entry_replaces_the_shipped_one(settings: Settings) -> None:
    model = own(settings, ENTRY.replace('"mine"', '"u2net"')).get("u2net")
    assert model.title == "Mine"


def test_a_second_own_file_is_read_after_the_one_beside_the_weights(
    settings: Settings, tmp_path: Path
) -> None:
    own(settings, ENTRY)
    second = tmp_path / "second.toml"
    second.write_text('format = 1\n[[model]]\nid = "more"\nlike = "mine"\n[[model.file]]\npath = "m.onnx"\n')
    both = load_catalogue(Settings(models_dir=settings.models_dir, catalogue=second))
    assert both.get("more").title == "Mine"


@pytest.mark.parametrize(
    ("change", "key", "reason"),
    [
        (('id = "mine"', 'id = "Mine Own"'), "id", "small letters"),
        (('id = "mine"', 'id = "auto"'), "id", "meaning"),
        (('title = "Mine"', "title = 3"), "title", "cannot be 3"),
        (('title = "Mine"', ""), "title", "missing"),
        (('title = "Mine"', 'titel = "Mine"'), "titel", "no such key"),
        (("commercial = true", ""), "commercial", "commercial use"),
        (('source = "me"', 'source = "me"\nkind = "magic"'), "kind", "choose from saliency"),
        (('source = "me"', 'source = "me"\nlike = "nobody"'), "like", "no entry 'nobody'"),
        (('source = "me"', 'source = "me"\nrank = { general = "high" }'), "rank", "whole number"),
        (('name = "mine.onnx"', 'name = "../mine.onnx"'), "file.name", "plain file name"),
        (("ab" * 32, "AB" * 32), "file.sha256", "small letters"),
        (('sha256 = "' + "ab" * 32 + '"', ""), "file.sha256", "need a checksum"),
        (("https:", "ftp:"), "file.urls", "not a web address"),
        (("sha256", "size = 0\nsha256"), "file.size", "bytes"),
        (("sha256", 'path = "x.onnx"\nsha256'), "file.path", "one or the other"),
        (("[[model.file]]", "[model.input]\nsize = [0, 5]\n[[model.file]]"), "input.size", "positive"),
        (("[[model.file]]", "[model.input]\nsize = [320]\n[[model.file]]"), "input.size", "cannot be"),
        (("[[model.file]]", "[model.input]\nstd = [1, 0, 1]\n[[model.file]]"), "input.std", "zero"),
        (("[[model.file]]", "[model.input]\npad = [0, 0, 256]\n[[model.file]]"), "input.pad", "colour"),
        (("[[model.file]]", '[model.input]\ndtype = "uint8"\n[[model.file]]'), "input.dtype", "normalised"),
        (
            ("[[model.file]]", "[model.output]\nactivation = true\n[[model.file]]"),
            "output.activation",
            "choose",
        ),
        (("[[model.file]]", '[model.rembg]\nscale = "max"\n[[model.file]]'), "rembg.name", "missing"),
        (("[[model.file]]", "[[model.files]]"), "files", "no such key"),
    ],
)
def test_a_mistake_is_named_with_file_entry_key_and_reason(
    settings: Settings, change: tuple[str, str], key: str, reason: str
) -> None:
    with pytest.raises(BadOption) as caught:
        own(settings, ENTRY.replace(*change, 1))
    sentence = str(caught.value)
    assert str(settings.models_dir / "catalogue.toml") in sentence
    assert f"{key}: " in sentence
    assert reason in sentence
    assert "entry" in sentence


def test_a_sha256_allows_an_unencrypted_address(settings: Settings) -> None:
    assert own(settings, ENTRY.replace("https:", "http:")).get("mine").file().urls


def test_an_md5_alone_does_not_allow_an_unencrypted_address(settings: Settings) -> None:
    text = ENTRY.replace("sha256", "md5").replace("ab" * 32, "ab" * 16).replace("https:", "http:")
    with pytest.raises(BadOption, match="not encrypted"):
        own(settings, text)


def test_the_same_id_twice_is_a_mistake(settings: Settings) -> None:
    with pytest.raises(BadOption, match="twice"):
        own(settings, ENTRY + ENTRY)


@pytest.mark.parametrize("text", ["this is no TOML", "colour = 1", "model = 3"])
def test_a_file_that_is_no_catalogue_is_named(settings: Settings, text: str) -> None:
    with pytest.raises(BadOption, match=r"catalogue\.toml"):
        own(settings, text)


def test_a_catalogue_without_a_format_is_refused(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "old.toml"
    path.write_text('[[model]]\nid = "x"\n')
    with pytest.raises(BadOption, match="format = 1"):
        load_catalogue(Settings(models_dir=settings.models_dir, catalogue=path))


def test_every_feature_of_a_decoder_is_made_by_an_output_of_the_encoder(settings: Settings) -> None:
    decoder = '[model.decoder]\nfeatures = ["a", "b"]\nmade_by = [0]\n'
    with pytest.raises(BadOption, match=r"decoder\.made_by: must name one output"):
        own(settings, ENTRY + decoder)
    catalogue = own(settings, ENTRY + decoder.replace("[0]", '[0, "second"]'))
    assert catalogue.get("mine").decoder.made_by == (0, "second")


def test_a_catalogue_file_that_is_set_must_exist(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(BadOption, match=r"missing\.toml"):
        load_catalogue(Settings(models_dir=settings.models_dir, catalogue=tmp_path / "missing.toml"))


def test_sizes_add_up_only_when_all_are_known(catalogue: Catalogue) -> None:
    assert catalogue.get("mobilesam").size == 28_157_093 + 16_496_559
    assert catalogue.get("sam-vit-b").size is None


def test_reading_the_catalogue_loads_nothing_heavy() -> None:
    code = (
        "import sys; from matted.config import Settings; from matted.inference.catalogue import *;"
        "from matted.inference.weights import Weights; from matted.commands import models;"
        "load_catalogue(Settings());"
        "print(sorted({'numpy', 'aiohttp', 'cv2', 'onnxruntime'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_files_role_is_found(catalogue: Catalogue) -> None:
    model: Model = catalogue.get("mobilesam")
    assert model.file("decoder").name == "sam_mask_decoder_multi.onnx"
    with pytest.raises(KeyError, match="no file"):
        model.file("model")
