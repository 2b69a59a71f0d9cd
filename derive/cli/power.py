"""`derive verify --power`: whether the check would notice a mistake in a result."""

from __future__ import annotations

import argparse
import json
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console

from derive.api import Derivation
from derive.cli.checking import settings_of
from derive.cli.output import deliver, emit
from derive.errors import DeriveError

if TYPE_CHECKING:
    from derive.verify.mutation import PowerReport

__all__ = ["power_option", "present_power"]


def power_option(command: argparse.ArgumentParser) -> None:
    """Add the option to `derive verify`."""
    command.add_argument(
        "--power",
        action="store_true",
        help="spoil each result in every way that an author could, and report which of the "
        "mistakes the data and the tolerance in use would not show",
    )


def present_power(derivation: Derivation, arguments: argparse.Namespace) -> int:
    """Print the power of the check of a derivation; 1 if a mistake passes."""
    if arguments.format == "latex":
        raise DeriveError("the power of a check is no formula", mend="ask for another --format")
    from derive.verify import power

    report = power(derivation, settings_of(arguments))
    deliver(arguments, partial(_print, derivation, report, arguments.format))
    return 0 if report.ok else 1


def _print(derivation: Derivation, report: PowerReport, kind: str, console: Console) -> None:
    from derive.exports.power import power_markdown, power_table

    if kind == "json":
        data = {"name": derivation.name, **report.as_json(derivation.graph)}
        emit(json.dumps(data, ensure_ascii=False, indent=2) + "\n", console)
    elif kind == "markdown":
        emit(power_markdown(report, derivation), console)
    else:
        power_table(report, derivation, console)
