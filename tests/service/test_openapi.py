"""The description the daemon serves is valid and says neither more nor less than its routes and options."""

import json
from dataclasses import asdict, fields
from importlib.resources import files

import pytest

from matted.compose.frame import PRESETS
from matted.compose.style import Shadow
from matted.imaging.encoding import FORMATS
from matted.inference.prompt import MOST_POINTS, Prompt
from matted.matting.adjust import AdjustOptions
from matted.matting.subjects import Subject
from matted.options import CoarseOptions, RefineOptions
from matted.service.foreground import ForegroundOptions
from matted.service.guard import PUBLIC
from matted.service.pictures import DeliveryOptions
from matted.service.routes import table
from matted.service.wire import PLANE_FORMATS

DOCUMENT = json.loads(files("matted.service").joinpath("openapi.json").read_text("utf-8"))
METHODS = {"get", "post", "put", "delete", "patch"}


def described() -> set[tuple[str, str]]:
    return {(method, path) for path, item in DOCUMENT["paths"].items() for method in METHODS & set(item)}


def test_it_is_valid_openapi():
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate(DOCUMENT)


def test_every_route_is_described_and_every_description_routed():
    assert {(route.method.lower(), route.path) for route in table()} == described()


def test_path_parameters_are_declared():
    for path, item in DOCUMENT["paths"].items():
        wanted = {part[1:-1] for part in path.split("/") if part.startswith("{")}
        found = [
            DOCUMENT["components"]["parameters"][p["$ref"].split("/")[-1]] for p in item.get("parameters", [])
        ]
        assert {p["name"] for p in found if p["in"] == "path"} == wanted, path


def test_exactly_the_public_routes_want_no_token():
    free = {path for path, item in DOCUMENT["paths"].items() if item.get("get", {}).get("security") == [{}]}
    assert free == PUBLIC


@pytest.mark.parametrize(
    "kind",
    [
        CoarseOptions,
        RefineOptions,
        Prompt,
        AdjustOptions,
        DeliveryOptions,
        ForegroundOptions,
        Shadow,
        Subject,
    ],
)
def test_options_are_those_of_the_chain(kind):
    assert set(DOCUMENT["components"]["schemas"][kind.__name__]["properties"]) == {
        f.name for f in fields(kind)
    }


def test_plane_formats_are_those_of_the_wire():
    assert DOCUMENT["components"]["schemas"]["PlaneFormat"]["enum"] == list(PLANE_FORMATS)


def test_as_many_points_are_described_as_are_taken():
    properties = DOCUMENT["components"]["schemas"]["Prompt"]["properties"]
    assert properties["points"]["maxItems"] == MOST_POINTS


def test_file_formats_are_those_that_can_be_written():
    properties = DOCUMENT["components"]["schemas"]["DeliveryOptions"]["properties"]
    assert properties["format"]["enum"] == [*FORMATS, None]


def test_presets_are_those_there_are():
    properties = DOCUMENT["components"]["schemas"]["DeliveryOptions"]["properties"]
    assert properties["preset"]["enum"] == [*PRESETS, None]


def test_a_shadows_defaults_are_those_of_the_options():
    properties = DOCUMENT["components"]["schemas"]["Shadow"]["properties"]
    assert {name: found["default"] for name, found in properties.items()} == asdict(Shadow())


def test_the_daemon_serves_it(daemon):
    status, headers, body = daemon.ask("GET", "/v1/openapi.json", token=None)
    assert status == 200
    assert headers["content-type"].startswith("application/json")
    assert json.loads(body) == DOCUMENT
