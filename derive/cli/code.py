"""`derive code`: forward and backward pass as a module."""

from __future__ import annotations

import argparse
from functools import partial

from derive.cli.options import file_option
from derive.cli.output import deliver, emit
from derive.cli.programs import program_of, program_options

__all__ = ["add_code"]

TARGETS = ("numpy", "torch", "jax", "numba")
"""The names of the targets, which are known here so that the parser starts fast."""


def add_code(command: argparse.ArgumentParser) -> None:
    """Options of `derive code`."""
    program_options(command)
    command.add_argument("--target", choices=TARGETS, default="numpy", help="(default numpy)")
    file_option(command)
    command.set_defaults(run=_code)


def _code(arguments: argparse.Namespace) -> int:
    from derive.codegen import module

    text = module(program_of(arguments), arguments.target)
    deliver(arguments, partial(emit, text))
    return 0
