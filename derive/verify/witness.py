"""The witness of a wrong line: the smallest sizes and simple numbers on which it fails.

A failing sample of random numbers says that a line is wrong; with a witness a reader sees it by
hand. Indices count from 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Any

from sympy import Expr

from derive.expressions import Graph, Index, Shape
from derive.verify.evaluate import EvaluationError
from derive.verify.failing import Effort, Failure, Question, failing_data
from derive.verify.named_functions import (
    letters_of_functions,
    polynomials_for,
    with_functions,
    with_functions_in,
)
from derive.verify.numbers import Number, as_data, as_words, tuples, written_apart
from derive.verify.small_data import small_sizes
from derive.verify.spread import Spread, shapes_of

__all__ = ["Witness", "witness"]

# Functions that are only letters are tried as so many polynomials.
MOST_FUNCTIONS = 6
HIGHEST_RANK = 2


@dataclass(frozen=True)
class Witness:
    """Where two expressions differ, small enough to be worked out by hand.

    Attributes
    ----------
    sizes : the number that each size stands for.
    ranks : the number of axes of each multi-index.
    inputs : the numbers of the inputs, labels and upstream gradients that matter, rows in
        tuples; the formula of each function that is only a letter; what solves a relation.
    entry : the place, a number for each free index, counted from 0.
    left, right : the two values there.
    letters : for a size without a name the words that say what it counts.
    sides : what the two are called in the sentence.
    """

    sizes: Mapping[str, int]
    inputs: Mapping[str, Any]
    entry: Mapping[str, Any]
    left: Number
    right: Number
    ranks: Mapping[str, int] = field(default_factory=dict)
    letters: Mapping[str, str] = field(default_factory=dict)
    sides: tuple[str, str] = ("left", "right")

    @property
    def text(self) -> str:
        """The witness as a sentence: `at 2 values of n, x = (1, 0), n = 1: left is 3/4, …`."""
        ranks = [f"{_count(n, 'axis', 'axes')} for {letter}" for letter, n in self.ranks.items()]
        sizes = [
            f"{_count(n, 'value')} {self.letters[size]}"
            if size in self.letters
            else f"{size} = {n}"
            for size, n in self.sizes.items()
        ]
        given = [f"{name} = {as_words(value)}" for name, value in self.inputs.items()]
        place = [f"{letter} = {as_words(at)}" for letter, at in self.entry.items()]
        values = written_apart(self.left, self.right)
        said = [f"{side} is {value}" for side, value in zip(self.sides, values, strict=True)]
        where = ", ".join([*ranks, *sizes, *given, *place])
        return (f"at {where}: " if where else "") + ", ".join(said)

    def as_json(self) -> dict[str, Any]:
        """The witness as plain data; a fraction is text such as `"3/4"`."""
        return {
            **({"ranks": dict(self.ranks)} if self.ranks else {}),
            "sizes": dict(self.sizes),
            "inputs": {name: as_data(value) for name, value in self.inputs.items()},
            "entry": {letter: as_data(at) for letter, at in self.entry.items()},
            "left": as_data(self.left),
            "right": as_data(self.right),
            "text": self.text,
        }


def witness(
    graph: Graph,
    left: Expr,
    right: Expr,
    free: Sequence[Index],
    sides: tuple[str, str] = ("left", "right"),
) -> Witness | None:
    """The smallest sizes and simple numbers at which `left = right` fails; None if none is found.

    Either side may hold derivatives. Sizes are as small as the definitions allow, and may be equal;
    numbers are inside the domain of all functions and at no kink.
    """
    effort = Effort.of(graph, (left, right))
    for chosen in _functions(graph, left, right):
        plain = with_functions_in(graph, chosen) if chosen else graph
        one, other = (with_functions(expr, chosen) for expr in (left, right))
        for spread in _spreads(plain):
            try:
                question = Question(
                    spread.graph, spread(one), spread(other), spread.axes(free), effort
                )
                found = _failure(question)
            except EvaluationError:
                continue
            if found is not None:
                return _said(graph, question, found, free, spread, chosen, sides)
    return None


def _functions(graph: Graph, *exprs: Expr) -> Iterator[Mapping[str, str]]:
    """What the functions that are only letters may stand for; once nothing if there are none."""
    every = [side for equation in graph.equations for side in equation.sides] + list(exprs)
    yield from islice(polynomials_for(letters_of_functions(every)), MOST_FUNCTIONS)


def _spreads(graph: Graph) -> Iterator[Spread]:
    """The graph with few axes for each multi-index, the fewest first."""
    shapes = list(shapes_of(graph))
    ranks = list(product(range(HIGHEST_RANK + 1), repeat=len(shapes)))
    for each in sorted(ranks, key=lambda each: (sum(each), max(each, default=0), each)):
        yield Spread(graph, dict(zip(shapes, each, strict=True)))


def _failure(question: Question) -> Failure | None:
    """The first failure found, sizes growing."""
    for sizes in small_sizes(question.graph, question.exprs):
        found = failing_data(question, sizes)
        if found is not None or question.effort.is_spent:
            return found
    return None


def _said(
    graph: Graph,
    question: Question,
    found: Failure,
    free: Sequence[Index],
    spread: Spread,
    chosen: Mapping[str, str],
    sides: tuple[str, str],
) -> Witness:
    """The failure in the author's names."""
    order = [index.size for index in question.free]
    used = sorted(filter(question.uses, found.data.sizes), key=str)
    used.sort(key=lambda size: order.index(size) if size in order else len(order))
    sizes = {str(size): found.data.sizes[size] for size in used}
    place = iter(found.entry)
    places = {index: [next(place) for _ in spread.axes([index])] for index in free}
    entry = {index.name: _position(at, index) for index, at in places.items() if at}
    ranks = {letter: spread.ranks[shape] for shape, letter in shapes_of(graph).items()}
    inputs: dict[str, Any] = {f"{letter}(u)": name for letter, name in sorted(chosen.items())}
    inputs |= _inputs(question, found)
    letters = {str(n): words for n in found.data.sizes if (words := _counted(graph, n, free))}
    return Witness(sizes, inputs, entry, found.left, found.right, ranks, letters, sides)


def _count(number: int, one: str, several: str = "") -> str:
    return f"{number} {one if number == 1 else several or one + 's'}"


def _position(places: list[int], index: Index) -> Any:
    return tuple(places) if isinstance(index.size, Shape) else places[0]


def _inputs(question: Question, found: Failure) -> dict[str, Any]:
    """The numbers that matter, under the names of what they are."""
    loss, names = question.loss, question.relevant
    inputs: dict[str, Any] = {}
    for block, numbers in found.data.numbers(found.choice):
        if block.name in names - {loss}:
            called = f"∂{loss}/∂{block.name}" if block.kind == "upstream" else block.name
            inputs[called] = tuples(numbers, block.shape)
    for name, values, shape in found.solutions:
        inputs[name] = tuples(values, shape)
    return inputs


def _counted(graph: Graph, size: Expr, free: Sequence[Index]) -> str:
    """What a size without a name counts: values of a free index, or along an axis."""
    if str(size) in graph.declared.values():
        return ""
    letters = [index.name for index in free if index.size == size]
    name, axis = _first_axis(graph, size)
    letters += graph.letters.get((name, axis), ())
    return f"of {letters[0]}" if letters else f"along axis {axis + 1} of {name}" if name else ""


def _first_axis(graph: Graph, size: Expr) -> tuple[str, int]:
    """The first axis of a size, one that the author gave a letter if there is one."""
    axes = [(name, axis) for name in graph.names for axis in range(graph.arity[name])]
    found = [axis for axis in axes if graph.axis_size(*axis) == size]
    return min(found, key=lambda axis: axis not in graph.letters, default=("", 0))
