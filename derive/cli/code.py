"""`derive code`: forward and backward pass as a module."""

from __future__ import annotations

import argparse
from pathlib import Path

from derive.cli.output import console, emit
from derive.cli.programs import program_of, program_options
from derive.files import write_whole

__all__ = ["add_code"]

TARGETS = ("numpy", "torch", "jax", "numba")
"""The names of the targets, which are known here so that the parser starts fast."""


def add_code(command: argparse.ArgumentParser) -> None:
    """Options of `derive code`."""
    program_options(command)
    command.add_argument("--target", choices=TARGETS, default="numpy", help="(default numpy)")
    command.add_argument(
        "-o", "--output", metavar="FILE", help="write to a file, whole or not at all"
    )
    command.set_defaults(run=_code)


def _code(arguments: argparse.Namespace) -> int:
    from derive.codegen import module

    text = module(program_of(arguments), arguments.target)
    if arguments.output not in (None, "-"):
        write_whole(Path(arguments.output), text)
    else:
        emit(text, console())
    return 0
