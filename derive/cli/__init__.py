"""The command line: `derive list | show | verify | recheck | export | grad`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import NoReturn

from derive.cli.grad import add_grad
from derive.cli.recheck import add_recheck
from derive.cli.show import add_list, add_show
from derive.errors import DeriveError

__all__ = ["main"]


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


Build = Callable[[argparse.ArgumentParser], None]

COMMANDS: dict[str, tuple[str, Build]] = {
    "list": ("the catalogue, with titles", add_list),
    "show": ("print a derivation", add_show),
    "verify": ("check every line of a derivation", partial(add_show, verify=True)),
    "recheck": ("verify certificates anew, without deriving", add_recheck),
    "export": ("write a derivation for an article", partial(add_show, default="latex")),
    "grad": ("derive a gradient without a file", add_grad),
}
"""Each command with its summary and what adds its arguments."""


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="derive",
        description="Derives gradients in index notation, line by line.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (summary, build) in COMMANDS.items():
        build(commands.add_parser(name, help=summary, description=summary, allow_abbrev=False))
    return parser
