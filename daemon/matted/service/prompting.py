"""What a request says about the subject that is wanted: its box and points.

Turns the option `prompt` into what the chain takes. Knows the wire's forms, no HTTP.
"""

from collections.abc import Mapping
from typing import Any

from matted.inference.prompt import Prompt
from matted.service.wire import build_options


def prompt_of(options: Mapping[str, Any]) -> Prompt | None:
    """The prompt in a request's options, None where there is none. Raises BadOption."""
    given = options.get("prompt")
    return None if given is None else build_options(Prompt, given, "prompt")
