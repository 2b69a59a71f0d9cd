"""`derive grad`: a gradient without a file."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from derive.api import derivation, gradient
from derive.cli.options import graph_options
from derive.cli.output import check_options, output_options, present
from derive.errors import DeriveError

__all__ = ["add_grad", "sizes_of"]


def add_grad(command: argparse.ArgumentParser) -> None:
    """Options of `derive grad`."""
    command.add_argument("equations", help="definitions, separated by `;`")
    asked = command.add_mutually_exclusive_group(required=True)
    asked.add_argument("--wrt", metavar="X", help="the tensor to differentiate by")
    asked.add_argument(
        "--goal",
        metavar="GOAL",
        action="append",
        help="what to derive, as in `--goal 'd2 c / d x_m d x_n'`; may be repeated",
    )
    command.add_argument("--of", metavar="F", help="what to differentiate (default: the output)")
    graph_options(command)
    command.add_argument("--verify", action="store_true", help="check every line as well")
    output_options(command, default="text")
    command.set_defaults(run=_grad)


def _grad(arguments: argparse.Namespace) -> int:
    check_options(arguments)
    sizes = sizes_of(arguments.size)
    if arguments.goal:
        _check_of(arguments)
        found = derivation(arguments.equations, arguments.goal, sizes=sizes, multi=arguments.multi)
    else:
        found = gradient(
            arguments.equations, arguments.wrt, arguments.of, sizes=sizes, multi=arguments.multi
        )
    names = ("equations", "goal", "wrt", "of", "multi")
    problem = {"sizes": sizes, **{name: getattr(arguments, name) for name in names}}
    return present(found, arguments, problem)


def _check_of(arguments: argparse.Namespace) -> None:
    if arguments.of is not None:
        raise DeriveError(
            "a goal says itself what to differentiate", mend="leave out --of, or ask with --wrt"
        )


def sizes_of(texts: Iterable[str]) -> dict[str, str | int]:
    """The sizes of indices that options such as `--size h=H` give."""
    return dict(map(_size, texts))


def _size(text: str) -> tuple[str, str | int]:
    letter, equals, size = text.partition("=")
    if not (letter and equals and size):
        raise DeriveError(f"`{text}` is no size of an index", mend="write `--size h=H`, say")
    return letter, int(size) if size.isdecimal() else size
