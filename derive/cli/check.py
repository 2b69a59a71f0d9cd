"""`derive check`: somebody else's derivation."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from typing import TYPE_CHECKING

from derive.cli.checking import seconds
from derive.cli.options import file_option, format_options
from derive.cli.output import deliver, emit
from derive.errors import DeriveError

if TYPE_CHECKING:
    from rich.console import Console

    from derive.check.results import DocumentResult

__all__ = ["add_check"]

FORMATS = ("text", "json", "markdown", "github")


def add_check(command: argparse.ArgumentParser) -> None:
    """Options of `derive check`."""
    command.add_argument(
        "files", metavar="FILE", nargs="+", help="Markdown, LaTeX or a notebook; `-` for Markdown"
    )
    format_options(command, FORMATS)
    command.add_argument(
        "--assume",
        metavar="HINT",
        action="append",
        default=[],
        help="settles what the text leaves open, as `einstein`, `explicit`, `L upstream`, "
        "`x_i > 0` or `Σ_k t_k = 1`; may be repeated",
    )
    command.add_argument(
        "--explain", action="store_true", help="the steps between lines that are far apart"
    )
    command.add_argument(
        "--strict", action="store_true", help="warnings, and what could not be decided, fail too"
    )
    command.add_argument(
        "--seconds", metavar="S", default="20", help="time for each block (default 20)"
    )
    file_option(command)
    command.set_defaults(run=_check)


def _check(arguments: argparse.Namespace) -> int:
    # NumPy and what checks is loaded only here, so that the other commands start fast.
    from derive.check.checker import Options, check_document
    from derive.check.document import read_document, read_text

    options = Options(seconds(arguments.seconds), arguments.explain, tuple(arguments.assume))
    documents = [
        read_text(_standard_input(), "<stdin>") if name == "-" else read_document(name)
        for name in arguments.files
    ]
    results = [check_document(document, options) for document in documents]
    deliver(arguments, partial(_write, results, arguments.format))
    passed = all(r.clean if arguments.strict else r.ok for r in results)
    return 0 if passed else 1


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise DeriveError("there is no standard input", mend="give the name of a file")
    return sys.stdin.buffer.read()


def _write(results: list[DocumentResult], form: str, console: Console) -> None:
    from derive.check import present

    if form == "text":
        present.terminal(results, console)
    elif form == "json":
        emit(json.dumps(present.to_json(results), ensure_ascii=False, indent=2) + "\n", console)
    elif form == "markdown":
        emit(present.markdown(results), console)
    else:
        emit(present.github(results), console)
