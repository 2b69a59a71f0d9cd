"""`derive code`: forward and backward pass as a module."""

from __future__ import annotations

import argparse
from pathlib import Path

from derive.cli.output import console, emit
from derive.errors import DeriveError
from derive.files import write_whole
from derive.problems import load_problem

__all__ = ["add_code"]

TARGETS = ("numpy", "torch", "jax", "numba")
"""The names of the targets, which are known here so that the parser starts fast."""


def add_code(command: argparse.ArgumentParser) -> None:
    """Options of `derive code`."""
    command.add_argument("problem", metavar="NAME|FILE", help="a catalogue name or a file")
    command.add_argument("--target", choices=TARGETS, default="numpy", help="(default numpy)")
    command.add_argument(
        "--wrt",
        metavar="X",
        action="append",
        default=[],
        help="an input to differentiate by (default: all); may be repeated",
    )
    command.add_argument(
        "--rank",
        metavar="INDEX=N",
        action="append",
        default=[],
        help="how many axes a multi-index stands for, as in `--rank B=2` (default 1)",
    )
    command.add_argument(
        "-o", "--output", metavar="FILE", help="write to a file, whole or not at all"
    )
    command.set_defaults(run=_code)


def _code(arguments: argparse.Namespace) -> int:
    from derive.codegen import module, program

    problem = load_problem(arguments.problem)
    unknown = [name for name in arguments.wrt if name not in problem.graph.inputs]
    if unknown:
        raise DeriveError(
            f"{unknown[0]} is no input",
            mend=f"the inputs are {', '.join(problem.graph.inputs)}",
        )
    found = program(
        problem.graph,
        arguments.wrt,
        name=problem.name,
        ranks=dict(map(_rank, arguments.rank)),
        title=problem.title,
        references=problem.references,
    )
    text = module(found, arguments.target)
    if arguments.output not in (None, "-"):
        write_whole(Path(arguments.output), text)
    else:
        emit(text, console())
    return 0


def _rank(text: str) -> tuple[str, int]:
    letter, _, number = text.partition("=")
    if not (letter and number.isdecimal() and len(number) == 1):
        raise DeriveError(f"`{text}` is no rank", mend="write `--rank B=2`, say")
    return letter, int(number)
