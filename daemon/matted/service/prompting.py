"""What a request says about the subject that is wanted, its box and points, and about models to compare.

Turns the options `prompt` and `models` into what the chain takes. Knows the wire's forms, no HTTP.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matted.errors import BadOption
from matted.inference.prompt import Prompt
from matted.service.wire import build_options


def prompt_of(options: Mapping[str, Any]) -> Prompt | None:
    """The prompt in a request's options, None where there is none. Raises BadOption."""
    given = options.get("prompt")
    return None if given is None else build_options(Prompt, given, "prompt")


@dataclass(frozen=True, slots=True)
class Compared:
    """The two models whose mattes shall be compared."""

    models: tuple[str, str]


def compared_of(options: Mapping[str, Any]) -> Compared:
    """The models in a request's options. Raises BadOption."""
    if "models" not in options:
        raise BadOption("To compare, name two models in the option 'models'.")
    return build_options(Compared, {"models": options["models"]}, "of the request")
