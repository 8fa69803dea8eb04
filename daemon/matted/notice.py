"""What a person is told beside a result. Imports nothing, so that every stage may say something."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person can act on. `code` is stable for programs, `sentence` is for the person."""

    code: str
    sentence: str
