"""The command line: `derive list | show | verify | export | grad`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from rich.console import Console

from derive import exports
from derive.api import Derivation, derivation, gradient, load
from derive.calculus.derivation import DETAILS
from derive.errors import DeriveError
from derive.files import write_whole
from derive.notation.arrange import SUMS
from derive.problems import titles

if TYPE_CHECKING:
    from derive.verify import Report

__all__ = ["main"]

# The width of text that goes to a file.
FILE_WIDTH = 100

FORMATS = ("text", "latex", "markdown", "json")
# What `--matrix`, `--no-matrix` and neither of them ask for.
_MATRIX: dict[bool | None, exports.Matrix] = {True: "all", False: "none", None: "goals"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0 done, 1 a check failed, 2 bad input."""
    arguments = _parser().parse_args(argv)
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - it lives as long as the process
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except DeriveError as error:
        _complain(str(error))
        return error.exit_code
    except BrokenPipeError:
        # The reader of our pipe has gone: there is nothing left to say, not even at shutdown.
        _discard_output()
        return 0
    except OSError as error:
        _discard_output()
        _complain(f"cannot write the output: {error.strerror or error}")
        return DeriveError.exit_code
    except KeyboardInterrupt:
        return 130
    return code


def _discard_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(message: str) -> None:
    if sys.stderr is None:
        return
    encoding = sys.stderr.encoding or "ascii"
    text = f"derive: {message}\n".encode(encoding, "backslashreplace").decode(encoding)
    sys.stderr.write(text)


class _Console(Console):
    """A console that leaves it to `main` what to do when the reader of a pipe has gone."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _console() -> Console:
    """The terminal or pipe at standard output; some say that they are 0 columns wide."""
    console = _Console()
    return console if console.width else _Console(width=80)


class _Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one message, with the usage after it."""

    def error(self, message: str) -> NoReturn:
        _complain(f"{message}\n  {self.format_usage().strip()}")
        raise SystemExit(2)


class _Version(argparse.Action):
    """Print the installed version; its look-up is slow enough to be done only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        print(f"derive {version('derive')}")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="derive",
        description="Derives gradients in index notation, line by line.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = _command(commands, "list", _list, "the catalogue, with titles")
    listing.add_argument("words", metavar="WORD", nargs="*", help="in the name or the title")
    listing.add_argument("--results", action="store_true", help="derive and print what each finds")
    show = _command(commands, "show", _show, "print a derivation")
    check = _command(commands, "verify", _show, "check every line of a derivation")
    export = _command(commands, "export", _show, "write a derivation for an article")
    grad = _command(commands, "grad", _grad, "derive a gradient without a file")
    for command in (show, check, export):
        command.add_argument("problem", metavar="NAME|FILE", help="a catalogue name or a file")
    grad.add_argument("equations", help="definitions, separated by `;`")
    asked = grad.add_mutually_exclusive_group(required=True)
    asked.add_argument("--wrt", metavar="X", help="the tensor to differentiate by")
    asked.add_argument(
        "--goal",
        metavar="GOAL",
        action="append",
        help="what to derive, as in `--goal 'd2 c / d x_m d x_n'`; may be repeated",
    )
    grad.add_argument("--of", metavar="F", help="what to differentiate (default: the output)")
    grad.add_argument(
        "--size",
        metavar="INDEX=SIZE",
        action="append",
        default=[],
        help="name or number of the values of an index, as in `--size h=H`; may be repeated",
    )
    grad.add_argument(
        "--multi",
        metavar="INDEX",
        action="append",
        default=[],
        help="an index letter that stands for any number of axes; may be repeated",
    )
    for command in (show, export, grad):
        command.add_argument("--verify", action="store_true", help="check every line as well")
    for command in (show, check, export, grad):
        _output_options(command, default="latex" if command is export else "text")
    return parser


def _command(
    commands: argparse._SubParsersAction[_Parser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    summary: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)
    command.set_defaults(run=run, verify=name == "verify")
    return command


def _output_options(command: argparse.ArgumentParser, default: str) -> None:
    command.add_argument("--format", choices=FORMATS, default=default, help=f"(default {default})")
    command.add_argument("--detail", choices=DETAILS, default="article", help="(default article)")
    command.add_argument(
        "--sums",
        choices=SUMS,
        default="einstein",
        help="how sums are shown: `1_j x_j` or `Σ_j x_j` (default einstein)",
    )
    command.add_argument(
        "-o", "--output", metavar="FILE", help="write to a file, whole or not at all"
    )
    command.add_argument(
        "--no-reasons", action="store_true", help="LaTeX and Markdown without the rules' names"
    )
    command.add_argument(
        "--matrix",
        action=argparse.BooleanOptionalAction,
        help="every stage in matrix notation as well, or none (default: the goals that have one)",
    )
    command.add_argument(
        "--standalone", action="store_true", help="LaTeX as a document that compiles"
    )


def _list(arguments: argparse.Namespace) -> int:
    words = [word.casefold() for word in arguments.words]
    chosen = {
        name: title
        for name, title in titles().items()
        if all(word in f"{name} {title}".casefold() for word in words)
    }
    if not chosen:
        raise DeriveError(
            f"no derivation has {' and '.join(map(repr, arguments.words))} in its name or title",
            mend="`derive list` prints them all",
        )
    found = [load(name) for name in chosen] if arguments.results else []
    exports.listing(chosen, _console(), found)
    return 0


def _show(arguments: argparse.Namespace) -> int:
    _check_options(arguments)
    return _present(load(arguments.problem), arguments)


def _grad(arguments: argparse.Namespace) -> int:
    _check_options(arguments)
    sizes = dict(_size(text) for text in arguments.size)
    if arguments.goal:
        _check_of(arguments)
        found = derivation(arguments.equations, arguments.goal, sizes=sizes, multi=arguments.multi)
    else:
        found = gradient(
            arguments.equations, arguments.wrt, arguments.of, sizes=sizes, multi=arguments.multi
        )
    return _present(found, arguments)


def _check_of(arguments: argparse.Namespace) -> None:
    if arguments.of is not None:
        raise DeriveError(
            "a goal says itself what to differentiate", mend="leave out --of, or ask with --wrt"
        )


def _size(text: str) -> tuple[str, str | int]:
    letter, equals, size = text.partition("=")
    if not (letter and equals and size):
        raise DeriveError(f"`{text}` is no size of an index", mend="write `--size h=H`, say")
    return letter, int(size) if size.isdecimal() else size


def _check_options(arguments: argparse.Namespace) -> None:
    if arguments.standalone and arguments.format != "latex":
        raise DeriveError(
            "only LaTeX can be a document that stands alone",
            mend="leave out --standalone, or ask for --format latex",
        )


def _present(derivation: Derivation, arguments: argparse.Namespace) -> int:
    report = _report(derivation, arguments)
    if arguments.output not in (None, "-"):
        text = StringIO()
        _print(derivation, report, arguments, _Console(file=text, width=FILE_WIDTH))
        write_whole(Path(arguments.output), text.getvalue())
    else:
        _print(derivation, report, arguments, _console())
    return 0 if report is None or report.ok else 1


def _report(derivation: Derivation, arguments: argparse.Namespace) -> Report | None:
    if not arguments.verify:
        return None
    # NumPy is loaded only where something is verified, so that the other commands start fast.
    from derive.verify import verify

    return verify(derivation, detail=arguments.detail)


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
        _emit(json.dumps(data, ensure_ascii=False, indent=2) + "\n", console)
    elif arguments.format == "markdown":
        _emit(exports.markdown(derivation, options, report=report), console)
    else:
        latex = exports.latex_document if arguments.standalone else exports.latex
        _emit(latex(derivation, options), console)


def _emit(text: str, console: Console) -> None:
    """Write a document, which is UTF-8 even where the stream is said to carry less."""
    binary = getattr(console.file, "buffer", None)
    if binary is None:
        console.file.write(text)
    else:
        binary.write(text.encode("utf-8"))
