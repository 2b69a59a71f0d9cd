"""`derive spec`: what the forward and the backward pass compute, read, write and save."""

from __future__ import annotations

import argparse
import json
from functools import partial
from typing import TYPE_CHECKING

from derive.cli.options import file_option, format_options
from derive.cli.output import deliver, emit
from derive.cli.programs import program_of, program_options
from derive.errors import DeriveError

if TYPE_CHECKING:
    from derive.codegen.sizes import SizeNames

__all__ = ["add_spec"]

DTYPES = ("float16", "bfloat16", "float32", "float64")
"""The types of numbers, which are known here so that the parser starts fast."""


def add_spec(command: argparse.ArgumentParser) -> None:
    """Options of `derive spec`."""
    program_options(command)
    command.add_argument(
        "--size",
        metavar="SIZE=N",
        nargs="+",
        action="extend",
        default=[],
        help="the number that a size stands for, by its name or by an index, as in "
        "`--size B=128 h=64`",
    )
    command.add_argument("--dtype", choices=DTYPES, default="float32", help="(default float32)")
    format_options(command)
    file_option(command)
    command.set_defaults(run=_spec)


def _spec(arguments: argparse.Namespace) -> int:
    from derive.codegen.spec import sheet
    from derive.codegen.spec_text import spec_json, spec_lines

    given = _numbers(arguments.size)
    found = sheet(program_of(arguments), arguments.dtype)
    numbers = _complete(found.sizes, given)
    if arguments.format == "json":
        text = json.dumps(spec_json(found, numbers), ensure_ascii=False, indent=2) + "\n"
    else:
        text = "".join(f"{line}\n" for line in spec_lines(found, numbers))
        text += _missing(found.sizes, given)
    deliver(arguments, partial(emit, text))
    return 0


def _numbers(texts: list[str]) -> dict[str, int]:
    """What `--size` says."""
    found: dict[str, int] = {}
    for text in texts:
        name, equals, number = (part.strip() for part in text.partition("="))
        if not (name and equals and number.isdecimal() and int(number) > 0):
            raise DeriveError(f"`{text}` gives no size a number", mend="write `--size B=128`, say")
        if found.setdefault(name, int(number)) != int(number):
            raise DeriveError(f"{name} is given two numbers", mend="leave one of the two out")
    return found


def _complete(sizes: SizeNames, given: dict[str, int]) -> dict[str, int] | None:
    """A number for each size, or None where one is missing."""
    numbers = sizes.numbers(given)
    return numbers if set(numbers) == set(sizes.letters) else None


def _missing(sizes: SizeNames, given: dict[str, int]) -> str:
    """A line that says why there are formulas only, where some sizes were given."""
    lacking = [name for name in sizes.letters if name not in sizes.numbers(given)]
    if not given or not lacking:
        return ""
    verb = "has" if len(lacking) == 1 else "have"
    return f"\nFormulas only: {', '.join(lacking)} {verb} no number.\n"
