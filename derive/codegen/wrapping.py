"""Both passes as one function of a framework's: the names that its text is made of."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterator, Sequence
from itertools import count

from derive.codegen.axes import axes_of
from derive.codegen.passes import Passes
from derive.codegen.program import acts
from derive.codegen.source import INDENT, WIDTH, statement

__all__ = ["MAIN", "Wrapping", "class_name", "lines_of", "listed", "never", "strings"]

MAIN = """
if __name__ == "__main__":
    self_test()
    print("the gradients agree with differences")
"""
"""What runs the self-test of a module for a framework."""


class Wrapping:
    """The identifiers of a function whose gradients both passes are.

    Attributes
    ----------
    function : what the function is called.
    arguments : what it takes: tensors, then labels that are single numbers, then sizes.
    labels, letters : those of the arguments that are tensors of labels, and single labels;
        `scalars` are numbers without axes, `constants` functions and sizes.
    outputs : what it returns.
    saved : what the forward pass saves; `saved_functions` and `saved_sizes` come last.
    computed : those of them that are neither arguments nor outputs.
    overwrites : whether the backward pass may write to what was saved.
    batched : those of the outputs that have leading axes.
    gradients : for each argument its gradient, None where the derivation has none.
    double : for each gradient and each gradient that comes back, what `double_backward` returns,
        None where that is nothing; None where the module has no such function.
    aliases : the gradients that are what comes back, and no arrays of their own.
    twice : what comes back for the gradients, of which `double_backward` is given these.
    """

    def __init__(self, found: Passes) -> None:
        program, names = found.program, found.names
        taken = {each.name for each in program.further}
        self.function = _function_name(program.name, taken | {names[n] for n in names})
        self.upstream = [names[n] for n in found.backward.parameters]
        self.arguments = [names[n] for n in found.forward.parameters]
        tensors = (*program.inputs, *program.labels)
        self.constants = [names[n] for n in found.forward.parameters if n not in tensors]
        self.letters = [names[n] for n in program.labels]
        self.labels = [names[n] for n in program.inputs if n in program.graph.labels]
        self.scalars = [
            names[n]
            for n in program.inputs
            if n not in program.graph.labels and not axes_of(program.graph, n)
        ]
        self.outputs = [names[n] for n in program.outputs]
        self.saved = [names[n] for n in found.forward.saved]
        sizes = set(map(str, program.sizes))
        self.saved_functions = [names[n] for n in found.forward.saved if n in program.functions]
        self.saved_sizes = [names[n] for n in found.forward.saved if n in sizes]
        known = {*self.arguments, *self.outputs}
        self.computed = [n for n in self.saved if n not in known]
        self.overwrites = found.overwrites
        self.wrt = [names[n] for n in program.wrt]
        self.gradients = dict(
            zip(self.wrt, map(names.__getitem__, found.backward.results), strict=True)
        )
        double = program.double
        self.double = None if double is None else [n and names[n] for n in double.results]
        given = double.given[len(self.upstream) :] if double is not None else ()
        self.twice = [names[n] for n in given]
        self.aliases = list(_aliases(found))
        self.batched = [names[n] for n in program.outputs if n in program.batched]
        acting = [n for n in program.graph.inputs if acts(n, program.graph)]
        self.missing = [names[n] for n in acting if n not in program.wrt]

    @property
    def numbers(self) -> list[str]:
        """The arguments that are tensors of numbers and have axes."""
        others = {*self.constants, *self.letters, *self.labels, *self.scalars}
        return [n for n in self.arguments if n not in others]


def _aliases(found: Passes) -> Iterator[str]:
    """The gradients that are assigned another name."""
    for step in found.backward.steps:
        *_, last = step.statements
        is_name = isinstance(last, ast.Assign) and isinstance(last.value, ast.Name)
        if is_name and step.assignment.name in found.backward.results:
            yield found.names[step.assignment.name]


def _function_name(name: str, taken: set[str]) -> str:
    """An identifier that no tensor has, nor its form as the name of a class."""
    plain = re.sub(r"\W+", "_", name).strip("_").lower()
    plain = plain if plain.isidentifier() else f"_{plain}"
    taken = {*taken, "forward", "backward", "double_backward", "self_test"}
    while keyword.iskeyword(plain) or {plain, class_name(plain)} & taken:
        plain += "_"
    return plain


def class_name(function: str) -> str:
    """The name of a class for a function."""
    words = function.split("_")
    return "".join(word.capitalize() for word in words) + "_" * words.count("")


def listed(items: Sequence[str]) -> str:
    """The text of a tuple, in parentheses where it needs them."""
    if not items:
        return "()"
    return f"({items[0]},)" if len(items) == 1 else ", ".join(items)


def strings(variable: str, items: Sequence[str]) -> str:
    """The text that assigns a list of strings in a function."""
    quoted = [f'"{item}"' for item in items]
    line = f"{INDENT}{variable} = [{', '.join(quoted)}]"
    if len(line) <= WIDTH:
        return line
    return "\n".join(
        [f"{INDENT}{variable} = [", *(f"{INDENT * 2}{q}," for q in quoted), f"{INDENT}]"]
    )


def lines_of(text: str, indent: int = 1, outer: int = 0) -> list[str]:
    """The lines of a simple statement, laid out for a place that many levels further in."""
    (node,) = ast.parse(text).body
    taken = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    spare = (name for number in count() if (name := f"t{number:02}") not in taken)
    lines = statement(node, indent + outer, lambda: next(spare))
    return [line.removeprefix(INDENT * outer) for line in lines]


def never() -> str:
    """No name for a variable: what is so short needs none."""
    raise AssertionError("a statement of names alone needs no variables")
