"""Read forms of one expression: with the letters that are free in them, and their sizes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from sympy import Expr

from derive.errors import DeriveError, NotationError
from derive.expressions import Graph, Index, ranging
from derive.notation.goals import read_expression

__all__ = ["free_of", "read_forms", "split_goal"]

_OPEN, _CLOSE = "([{", ")]}"


def split_goal(text: str) -> tuple[str, str]:
    """A text `goal = form` at its equals sign outside brackets; a form alone has no goal."""
    depths = accumulate((char in _OPEN) - (char in _CLOSE) for char in text)
    for position, (char, depth) in enumerate(zip(text, depths, strict=True)):
        if char == "=" and depth == 0 and text[position - 1 : position] not in tuple("<>!"):
            return text[:position].strip(), text[position + 1 :]
    return "", text


def free_of(goal: Expr) -> tuple[Index, ...]:
    """The free indices of a goal, in the order of their letters."""
    return tuple(sorted(ranging(goal), key=lambda index: index.name))


def read_forms(
    texts: Sequence[str], graph: Graph, free: Iterable[str | Index]
) -> tuple[list[Expr], tuple[Index, ...]]:
    """Forms of one expression, and their free indices with sizes.

    Raises
    ------
    NotationError : a form cannot be read, or lacks a free index.
    """
    given = list(free)
    forms = [_read(number, text, graph, given) for number, text in enumerate(texts, 1)]
    every = sorted({index for form in forms for index in ranging(form)}, key=str)
    axes = {graph.axis_size(name, n) for name, order in graph.arity.items() for n in range(order)}
    # A letter that runs over no axis in one form, as in `1_b`, does so in the other.
    known = {index.name: index for index in sorted(every, key=lambda i: i.size in axes)}
    indices = [known.get(str(letter), letter) for letter in given]
    # What one form says of the size of a letter holds in the others too.
    forms = [_read(number, text, graph, indices) for number, text in enumerate(texts, 1)]
    found = tuple(index for index in indices if isinstance(index, Index))
    for number, form in enumerate(forms, 1):
        _check_free(number, form, found)
    return forms, found


def _read(number: int, text: str, graph: Graph, free: Sequence[str | Index]) -> Expr:
    try:
        return read_expression(text, graph, free, f"form {number}", lone=True)
    except DeriveError as error:
        if "stands alone" not in error.message:
            raise
        raise type(error)(
            error.message,
            mend=f"if it is free, say so: `--free` and its letter; or {error.mend}",
            places=error.places,
        ) from None


def _check_free(number: int, form: Expr, free: Sequence[Index]) -> None:
    lacking = sorted({index.name for index in free} - {index.name for index in ranging(form)})
    if lacking and form != 0:
        raise NotationError(
            f"form {number} lacks the free index {lacking[0]}",
            mend=f"write `1_{lacking[0]} (…)` where it is the same for every {lacking[0]}",
        )
