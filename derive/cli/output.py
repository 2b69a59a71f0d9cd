"""What commands print, and the options that say how."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from derive import exports
from derive.api import Derivation
from derive.calculus.derivation import DETAILS
from derive.cli.checking import checking_options, settings_of
from derive.cli.options import file_option, format_options
from derive.cli.progress import progress
from derive.errors import DeriveError
from derive.files import write_whole
from derive.notation.arrange import SUMS

if TYPE_CHECKING:
    from derive.verify import Report

__all__ = [
    "FILE_WIDTH",
    "FORMATS",
    "check_options",
    "console",
    "deliver",
    "emit",
    "output_options",
    "present",
]

# The width of text that goes to a file.
FILE_WIDTH = 100

FORMATS = ("text", "latex", "markdown", "json")
# What `--matrix`, `--no-matrix` and neither of them ask for.
_MATRIX: dict[bool | None, exports.Matrix] = {True: "all", False: "none", None: "goals"}


class _Console(Console):
    """A console that leaves it to `main` what to do when the reader of a pipe has gone."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console() -> Console:
    """The terminal or pipe at standard output; some say that they are 0 columns wide."""
    console = _Console()
    return console if console.width else _Console(width=80)


def output_options(command: argparse.ArgumentParser, default: str) -> None:
    """Add the options of the commands that print a derivation."""
    format_options(command, FORMATS, default)
    command.add_argument("--detail", choices=DETAILS, default="article", help="(default article)")
    command.add_argument(
        "--sums",
        choices=SUMS,
        default="einstein",
        help="how sums are shown: `1_j x_j` or `Σ_j x_j` (default einstein)",
    )
    file_option(command)
    command.add_argument(
        "--no-reasons", action="store_true", help="LaTeX and Markdown without the rules' names"
    )
    command.add_argument(
        "--matrix",
        action=argparse.BooleanOptionalAction,
        help="every stage in matrix notation as well, or none (default: the goals that have one)",
    )
    command.add_argument(
        "--no-cache", action="store_true", help="verify anew what was verified in an earlier run"
    )
    command.add_argument(
        "--standalone", action="store_true", help="LaTeX as a document that compiles"
    )
    checking_options(command)


def check_options(arguments: argparse.Namespace) -> None:
    """Refuse options that go with another format."""
    if arguments.standalone and arguments.format != "latex":
        raise DeriveError(
            "only LaTeX can be a document that stands alone",
            mend="leave out --standalone, or ask for --format latex",
        )


def present(
    derivation: Derivation, arguments: argparse.Namespace, problem: Mapping[str, Any]
) -> int:
    """Print a derivation as the options say, verified if asked for; returns the exit code.

    `problem` is plain data from which the derivation follows.
    """
    report = _report(derivation, arguments, problem)
    deliver(arguments, partial(_print, derivation, report, arguments))
    if report is None:
        return 0
    return 0 if report.ok and (report.is_decided or not arguments.strict) else 1


def deliver(arguments: argparse.Namespace, write: Callable[[Console], None]) -> None:
    """Have something written to the file that the options name, or to standard output."""
    if arguments.output in (None, "-"):
        write(console())
        return
    text = StringIO()
    write(_Console(file=text, width=FILE_WIDTH))
    write_whole(Path(arguments.output), text.getvalue())


def _report(
    derivation: Derivation, arguments: argparse.Namespace, problem: Mapping[str, Any]
) -> Report | None:
    settings = settings_of(arguments)
    if settings is None:
        return None
    # NumPy is loaded only where something is verified, so that the other commands start fast.
    from derive.cache import Cache
    from derive.verify import verified, verify

    def found() -> Report:
        with progress("verifying") as told:
            return verify(derivation, settings, detail=arguments.detail, progress=told)

    cache = None if arguments.no_cache else Cache()
    report = verified(problem, settings, found, cache, detail=arguments.detail)
    if report.cached:
        print("derive: the evidence is from the cache; --no-cache finds it anew", file=sys.stderr)
    return report


def _print(
    derivation: Derivation, report: Report | None, arguments: argparse.Namespace, console: Console
) -> None:
    """Print the derivation in the format asked for; only text depends on the terminal."""
    options = exports.Options(
        detail=arguments.detail,
        reasons=not arguments.no_reasons,
        sums=arguments.sums,
        matrix=_MATRIX[arguments.matrix],
    )
    if arguments.format == "text":
        exports.terminal(derivation, options, console=console, report=report)
    elif arguments.format == "json":
        data = exports.to_json(derivation, options, report=report)
        data |= {"cached": report.cached} if report else {}
        emit(json.dumps(data, ensure_ascii=False, indent=2) + "\n", console)
    elif arguments.format == "markdown":
        emit(exports.markdown(derivation, options, report=report), console)
    else:
        latex = exports.latex_document if arguments.standalone else exports.latex
        emit(latex(derivation, options, report=report), console)


def emit(text: str, console: Console) -> None:
    """Write a document, which is UTF-8 even where the stream is said to carry less."""
    binary = getattr(console.file, "buffer", None)
    if binary is None:
        console.file.write(text)
    else:
        binary.write(text.encode("utf-8"))
