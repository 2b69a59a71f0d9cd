"""`derive equal`: whether two forms of one expression are equal."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from contextlib import suppress
from string import ascii_lowercase

from sympy import Expr, S

from derive.cli.grad import sizes_of
from derive.cli.options import format_options, graph_options
from derive.cli.output import console
from derive.errors import DeriveError
from derive.exports import comparison_json, comparison_text
from derive.expressions import Binder, Graph, Index
from derive.notation import read_goal, read_graph
from derive.notation.forms import free_of, read_forms, split_goal
from derive.problems import load_problem

__all__ = ["add_equal"]


def add_equal(command: argparse.ArgumentParser) -> None:
    """Options of `derive equal`."""
    command.usage = (
        "%(prog)s [OPTION…] NAME|FILE FORM FORM\n       %(prog)s [OPTION…] --of EQUATIONS FORM FORM"
    )
    command.add_argument("first", metavar="NAME|FILE", help="a catalogue name or a file")
    command.add_argument(
        "second",
        metavar="FORM",
        help="one of two forms; it may say what it is a form of: `∂c/∂x_n = s_n - δ_nT`",
    )
    command.add_argument("third", metavar="FORM", nargs="?", help="the other form")
    command.add_argument("--of", metavar="EQUATIONS", help="definitions, in place of NAME|FILE")
    free = command.add_mutually_exclusive_group()
    free.add_argument("--goal", metavar="GOAL", help="what they are forms of: its indices are free")
    free.add_argument("--free", metavar="LETTERS", help="the free indices, as in `--free 'p q'`")
    graph_options(command, "with --of, ")
    command.add_argument("--strict", action="store_true", help="exit code 1 if it is not known")
    format_options(command)
    command.set_defaults(run=_equal)


def _equal(arguments: argparse.Namespace) -> int:
    from derive.verify.equal import compare

    graph, goals, texts = _asked(arguments)
    (left, right), free = _read(graph, goals, texts, arguments)
    found = compare(graph, left, right, free)
    if arguments.format == "json":
        print(json.dumps(comparison_json(found, graph), ensure_ascii=False, indent=2))
    else:
        page = console()
        text = comparison_text(found, graph, page.width)
        if not _carries(page.encoding, text):
            text = comparison_text(found, graph, page.width, ascii=True)
        print(text, end="")
    if found.equal is None:
        return int(arguments.strict)
    return int(not found.equal)


def _carries(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _asked(arguments: argparse.Namespace) -> tuple[Graph, tuple[Expr, ...], list[str]]:
    """The definitions, the goals of the derivation, and the two forms."""
    words = [arguments.first, arguments.second, arguments.third]
    words = [word for word in words if word is not None]
    wanted = 2 if arguments.of is not None else 3
    if len(words) != wanted:
        raise DeriveError(
            f"there are {len(words)} arguments and not {wanted}",
            mend="compare two forms: `derive equal NAME|FILE FORM FORM`, or "
            "`derive equal --of EQUATIONS FORM FORM`",
        )
    if arguments.of is not None:
        sizes = sizes_of(arguments.size)
        return read_graph(arguments.of, sizes=sizes, multi=arguments.multi), (), words
    if arguments.size or arguments.multi:
        raise DeriveError(
            "--size and --multi go with --of", mend="a derivation has sizes and letters of its own"
        )
    problem = load_problem(words[0])
    return problem.graph, problem.goals, words[1:]


def _read(
    graph: Graph, goals: Sequence[Expr], texts: Sequence[str], arguments: argparse.Namespace
) -> tuple[list[Expr], tuple[Index, ...]]:
    """The two forms with their free indices."""
    pairs = [split_goal(text) for text in texts]
    said = list(dict.fromkeys(goal for goal, _ in pairs if goal))
    forms = [form for _, form in pairs]
    if arguments.goal is not None:
        said = [arguments.goal, *said]
    if len({read_goal(goal, graph) for goal in said}) > 1:
        raise DeriveError(
            f"the forms are of {' and of '.join(said)}", mend="compare two forms of one goal"
        )
    if said:
        return read_forms(forms, graph, free_of(read_goal(said[0], graph)))
    if arguments.free is not None:
        return read_forms(forms, graph, arguments.free.replace(",", " ").split())
    return _inferred(graph, goals, forms)


def _inferred(
    graph: Graph, goals: Sequence[Expr], forms: Sequence[str]
) -> tuple[list[Expr], tuple[Index, ...]]:
    """The forms with the free indices of the goal that they can be forms of.

    Of several goals it is the one whose indices include those of the others.
    """
    found = []
    for goal in goals or (S.Zero,):
        with suppress(DeriveError):
            found.append(read_forms(forms, graph, free_of(goal)))
    if not found:
        _refuse_unreadable(graph, forms)
    found.sort(key=lambda each: len(each[1]), reverse=True)
    if not found or any(not set(found[0][1]) >= set(free) for _, free in found):
        raise _untold()
    if not goals and any(form.has(Binder) for form in found[0][0]):
        raise _untold()
    return found[0]


def _refuse_unreadable(graph: Graph, forms: Sequence[str]) -> None:
    """Raise what is wrong with the forms whichever letters are free, if anything is."""
    faults = []
    for letters in ("", ascii_lowercase):
        try:
            read_forms(forms, graph, letters)
        except DeriveError as error:
            faults.append(error)
    if len({str(error) for error in faults}) == 1 and len(faults) == 2:
        raise faults[0]


def _untold() -> DeriveError:
    return DeriveError(
        "it is not clear which indices of the forms are free",
        mend="say what they are forms of, `--goal '∂c/∂x_n'` or `∂c/∂x_n = …`, or the letters: "
        "`--free 'p q'`, `--free ''` for none",
    )
