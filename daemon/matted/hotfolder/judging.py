"""Whether a person should look at a result, and the words that say why.

A function of the matte and its recipe alone.
"""

from collections.abc import Sequence
from pathlib import Path

from matted.hotfolder.names import shown
from matted.hotfolder.recipe import Recipe
from matted.notice import Notice
from matted.pipeline import Matte

TO_LOOK_AT = ("nothing-found", "low-contrast", "unsure-area", "low-confidence")  # codes of `matting.triage`
_DOUBTFUL = Notice("low-confidence", "The result is doubtful: look at it, and try another model or crop.")


def doubts(matte: Matte, recipe: Recipe) -> tuple[Notice, ...]:
    """What makes a result one for review; empty when it can be trusted.

    The recipe's own threshold of confidence counts, not the one the notices were made with.
    """
    sure = matte.confidence is None or matte.confidence >= recipe.review_below
    found = [n for n in matte.warnings if n.code in TO_LOOK_AT and n.code != "low-confidence"]
    return tuple(found) if sure else (*found, _DOUBTFUL)


def reason(found: Sequence[Notice]) -> str:
    """One line for the ledger."""
    return " ".join(notice.sentence for notice in found)


def note(picture: Path, matte: Matte, found: Sequence[Notice]) -> str:
    """The text that lies beside a result in review."""
    lines = [f"{shown(picture)}: why somebody should look at this", ""]
    lines += [f"- {notice.sentence}" for notice in found]
    if matte.confidence is not None:
        lines += ["", f"Confidence: {matte.confidence:.2f} of 1. Model: {matte.model}."]
    lines += ["", "Accept it as it is, correct it here first, or have the picture cut again:"]
    lines += ["matted watch --accept, matted watch --retry (matted watch --help)."]
    return "\n".join(lines) + "\n"
