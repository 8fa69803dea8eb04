"""Explain what the graphics card and its libraries are missing.

Looks at ONNX Runtime, the driver, CUDA's libraries, the models folder and the disk, and runs the built-in
model once on every device it might run on. Changes nothing. Ends with 0 when all is well and with 1 when
there is something to fix.
"""

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from matted.config import Settings

if TYPE_CHECKING:
    from matted.inference.doctor import Finding

_MARKS = {"ok": "ok  ", "note": "note", "problem": "FIX "}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of `matted doctor`."""
    parser.add_argument("--json", action="store_true", help="the findings and the facts behind them as JSON")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Prints the diagnosis; 1 when there is something to fix."""
    from matted.inference.doctor import diagnose, healthy
    from matted.inference.examine import examine

    if not args.json and sys.stderr.isatty():
        print("Looking; each device runs a model once …", file=sys.stderr)
    facts = examine(settings)
    findings = diagnose(facts)
    well = healthy(findings)
    if args.json:
        print(
            json.dumps(
                {"healthy": well, "findings": [asdict(one) for one in findings], "facts": asdict(facts)}
            )
        )
    else:
        print(describe(findings))
    return 0 if well else 1


def describe(findings: "list[Finding]") -> str:
    """The findings for a person, each cure below its problem."""
    lines = []
    for finding in findings:
        lines.append(f"{_MARKS[finding.level]}  {finding.topic}: {finding.sentence}")
        if finding.cure:
            lines.append(f"      → {finding.cure}")
    problems = sum(finding.level == "problem" for finding in findings)
    lines.append("")
    if problems:
        lines.append(f"{problems} thing{'s' if problems > 1 else ''} to fix.")
    else:
        lines.append("All is well.")
    return "\n".join(lines)
