"""`derive list | show | verify | export`: derivations of the catalogue and of files."""

from __future__ import annotations

import argparse
from pathlib import Path

from derive import exports
from derive.api import load
from derive.cli.module_check import module_options, verify_module
from derive.cli.output import check_options, console, output_options, present
from derive.cli.power import power_option, present_power
from derive.errors import DeriveError
from derive.files import write_whole
from derive.problems import statement_of, titles

__all__ = ["add_list", "add_show"]

Parser = argparse.ArgumentParser


def add_list(command: Parser) -> None:
    """Options of `derive list`."""
    command.add_argument("words", metavar="WORD", nargs="*", help="in the name or the title")
    command.add_argument("--results", action="store_true", help="derive and print what each finds")
    command.set_defaults(run=_list)


def add_show(command: Parser, *, verify: bool = False, default: str = "text") -> None:
    """Options of `derive show`, `verify` and `export`."""
    command.add_argument("problem", metavar="NAME|FILE", help="a catalogue name or a file")
    if verify:
        power_option(command)
        module_options(command)
        command.add_argument(
            "--certificate", metavar="OUT", help="write the evidence to a file for `derive recheck`"
        )
    else:
        command.add_argument("--verify", action="store_true", help="check every line as well")
    command.set_defaults(run=_verify if verify else _show, **({"verify": True} if verify else {}))
    output_options(command, default)


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
    exports.listing(chosen, console(), found)
    return 0


def _show(arguments: argparse.Namespace) -> int:
    check_options(arguments)
    return present(load(arguments.problem), arguments, statement_of(arguments.problem))


def _verify(arguments: argparse.Namespace) -> int:
    check_options(arguments)
    if arguments.module is not None:
        return verify_module(arguments)
    for option in ("wrt", "goal", "rank", "batch"):
        if getattr(arguments, option, None):
            raise DeriveError(f"--{option} is about a module of code", mend="add --module")
    derivation = load(arguments.problem)
    if arguments.power:
        if arguments.certificate is not None:
            raise DeriveError(
                "a certificate holds the evidence for the lines, not the power of the check",
                mend="ask for one of --power and --certificate at a time",
            )
        return present_power(derivation, arguments)
    if arguments.certificate == "-":
        raise DeriveError(
            "a certificate is written to a file, beside the lines on standard output",
            mend="give the file a name, as in `--certificate out.json`",
        )
    code = present(derivation, arguments, statement_of(arguments.problem))
    if arguments.certificate is not None:
        # Certificates load NumPy.
        from derive.certificate import certify

        write_whole(Path(arguments.certificate), certify(derivation, arguments.detail).text())
    return code
