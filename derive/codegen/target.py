"""Modules of source text: a class for each target, NumPy's being the base of the others."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import ClassVar

from derive.codegen.axes import axes_of
from derive.codegen.checks import checked, numbers
from derive.codegen.describe import about_further, documentation, formula, saved_lines
from derive.codegen.dialect import Dialect
from derive.codegen.half import in_single, multiplies_matrices, sums
from derive.codegen.helpers import HELPERS, helpers
from derive.codegen.inplace import OVERWRITE
from derive.codegen.leading import flat, lead_of, unflat
from derive.codegen.passes import Function, Passes, passes
from derive.codegen.program import Program
from derive.codegen.selftest import self_test
from derive.codegen.source import INDENT, WIDTH, Fresh, signature, statement
from derive.codegen.steps import Step

__all__ = ["Target"]

# Modules of the standard library that texts may need.
_STANDARD = ("functools", "itertools", "math")


_LENT = (
    f"With `{OVERWRITE}` gradients are put where saved arrays lie, which saves memory",
    "and time; what was saved is of no use then.",
)


class Target:
    """Writes the module of a program for NumPy.

    Attributes
    ----------
    name : how the target is called.
    multiplies_halves : whether it multiplies matrices of half precisions, adding up in float32.
    """

    name: ClassVar[str] = "numpy"
    purpose: ClassVar[str] = "Value and gradients, with NumPy."
    helper_texts: ClassVar[Mapping[str, str]] = HELPERS
    multiplies_halves: ClassVar[bool] = False

    def dialect(self) -> Dialect:
        """How the target spells operations."""
        return Dialect()

    def source(self, program: Program) -> str:
        """The text of the module of a program."""
        found = self.passes(program)
        parts = [part for part in self.parts(found) if part]
        heading = "\n".join(['"""' + "\n".join(documentation(program, self.purpose)), '"""'])
        imports = "\n\n".join(self.imports("\n".join(parts)))
        body = "\n\n\n".join([f"{heading}\n\n{imports}", *parts])
        return body + "\n"

    def passes(self, program: Program) -> Passes:
        """The passes of a program, as the target makes them."""
        return passes(program, self.dialect())

    def parts(self, found: Passes) -> list[str]:
        """The functions of the module, in order."""
        work = self.functions(found)
        if self.is_single(found, "\n".join(work)):
            work = list(map(in_single, work))
        work += self.wrapped(found)
        text = "\n".join(work)
        parts = [*helpers(text, self.helper_texts), *work, *self.self_test(found, text)]
        return [part.strip("\n") for part in parts]

    def functions(self, found: Passes) -> list[str]:
        """Both passes, and what returns other derivatives."""
        others = (self.further(found, function) for function in found.further)
        double = [] if found.double is None else [self.double(found, found.double)]
        return [self.forward(found), self.backward(found), *others, *double]

    def is_single(self, found: Passes, text: str) -> bool:
        """Whether half precisions are computed in float32."""
        if self.multiplies_halves:
            return sums(found) and not multiplies_matrices(found)
        # SciPy has no functions of half precisions.
        return sums(found) or "erf(" in text

    def wrapped(self, found: Passes) -> Iterator[str]:
        """What makes both passes one function of the target's, where it has such."""
        yield from ()

    def self_test(self, found: Passes, text: str) -> Iterator[str]:
        """The functions that test the module, whose other functions are the text."""
        return self_test(found, text)

    def imports(self, text: str) -> Iterator[str]:
        """The imports that the text of the functions needs, in groups."""
        standard = [each for each in _STANDARD if re.search(rf"\b{each}\.", text)]
        if standard:
            yield "\n".join(f"import {each}" for each in standard)
        yield "\n".join(self.packages(text))

    def packages(self, text: str) -> Iterator[str]:
        """The imports of packages that the text needs."""
        yield "import numpy as np"
        if re.search(r"\berf\(", text):
            yield "from scipy.special import erf"

    def forward(self, found: Passes) -> str:
        """The text of the forward pass."""
        function, names = found.forward, found.names
        given = [names[n] for n in function.parameters]
        saved = _names(function.saved, found)
        result = ast.Return(ast.Tuple([_together(function, found), saved]))
        results = ", ".join(names[n] for n in function.results)
        about = [f"Return {results}, and what `backward` takes as `saved`.", ""]
        about += saved_lines(found)
        inputs = found.program.inputs
        start = [*lead_of(found, self.dialect(), inputs), *self.numbers(found, inputs, inputs)]
        start += [*checked(found, inputs, leading=True), *flat(found, inputs)]
        return self.function("forward", given, about, found, function, start, result)

    def backward(self, found: Passes) -> str:
        """The text of the backward pass."""
        function = found.backward
        parameters, about = self.backward_parameters(found), self.about_backward(found)
        return self._from_saved(found, function, parameters, about)

    def further(self, found: Passes, function: Function) -> str:
        """The text of a function that returns another derivative."""
        parameters = ["saved", *(found.names[n] for n in function.parameters)]
        return self._from_saved(found, function, parameters, about_further(found, function))

    def double(self, found: Passes, function: Function) -> str:
        """The text of the backward pass of the backward pass."""
        results, given = (
            [found.names[n] for n in names] for names in (function.results, function.parameters)
        )
        about = wrap(
            f"Return {', '.join(results)} from {', '.join(given)} and what `forward` saved: the "
            "gradients of a second loss, through what `backward` returns.",
            WIDTH - 8,
        )
        return self._from_saved(found, function, ["saved", *given], about)

    def _from_saved(
        self, found: Passes, function: Function, parameters: Sequence[str], about: Sequence[str]
    ) -> str:
        """The text of a function that starts from what the forward pass saved."""
        start: list[ast.stmt] = []
        if function.used:
            variables = [found.names[n] if n in function.used else "_" for n in function.saved]
            start.append(ast.Assign([ast.Tuple(list(map(ast.Name, variables)))], ast.Name("saved")))
        graph = found.program.graph
        known = [name for name in function.saved if name in function.used]
        arrays = [name for name in (*known, *function.parameters) if axes_of(graph, name)]
        given = function.parameters
        start += self._upstream(found, given)
        start += self.numbers(found, given, (*given, *known))
        start += checked(found, arrays, labels=False)
        result = ast.Return(_together(function, found))
        return self.function(function.title, parameters, about, found, function, start, result)

    def numbers(
        self, found: Passes, given: Iterable[str], arrays: Iterable[str]
    ) -> Iterator[ast.stmt]:
        """What is done to numbers without axes, which may be Python's own."""
        with_axes = [n for n in arrays if axes_of(found.program.graph, n)]
        return numbers(found, given, with_axes)

    def _upstream(self, found: Passes, given: Sequence[str]) -> Iterator[ast.stmt]:
        """What is done with the leading axes of the gradients by the outputs."""
        yield from lead_of(found, self.dialect(), given)
        with_lead = [n for n in given if n.lstrip("∂") in found.program.batched]
        if len(with_lead) > 1:
            yield from checked(found, with_lead, labels=False, leading=True)
        yield from flat(found, given)

    def backward_parameters(self, found: Passes) -> list[str]:
        """The parameters of the backward pass."""
        parameters = ["saved", *(found.names[n] for n in found.backward.parameters)]
        return [*parameters, f"{OVERWRITE}=False"] if found.overwrites else parameters

    def about_backward(self, found: Passes) -> list[str]:
        """The docstring of the backward pass, by its lines."""
        function, names = found.backward, found.names
        results, upstream = (
            ", ".join(names[n] for n in some) for some in (function.results, function.parameters)
        )
        about = [f"Return {results}, from {upstream} and what `forward` saved."]
        return [*about, "", *_LENT] if found.overwrites else about

    def function(
        self,
        title: str,
        parameters: Sequence[str],
        about: Sequence[str],
        found: Passes,
        function: Function,
        start: Sequence[ast.stmt],
        result: ast.stmt,
    ) -> str:
        """A function: signature, docstring, statements with a formula above each assignment."""
        lines = signature(title, parameters)
        lines += docstring(about)
        counter = _Counter()
        for each in (*start, *function.lengths):
            lines += statement(each, 1, counter)
        lines += self.work(found, function, counter)
        lines += statement(result, 1, counter)
        return "\n".join(lines)

    def work(self, found: Passes, function: Function, fresh: Fresh) -> Iterator[str]:
        """The lines of the steps of a function."""
        for step in function.steps:
            yield from self.step_lines(step, found, fresh)

    def step_lines(self, step: Step, found: Passes, fresh: Fresh, indent: int = 1) -> Iterator[str]:
        """The statements of a step below its formula."""
        if any(isinstance(s, ast.FunctionDef) for s in step.statements):
            yield ""
        yield from self.heading(step, found, indent)
        for each in step.statements:
            yield from statement(each, indent, fresh)

    def heading(self, step: Step, found: Passes, indent: int = 1) -> list[str]:
        """The lines above the statements of a step."""
        return comment(formula(step.assignment, found.program, found.names), indent)


class _Counter:
    """Names for parts of long statements."""

    def __init__(self) -> None:
        self._number = 0

    def __call__(self) -> str:
        self._number += 1
        return f"part{self._number}"


def _together(function: Function, found: Passes) -> ast.expr:
    results = [unflat(found, name) for name in function.results]
    return results[0] if len(results) == 1 else ast.Tuple(results)


def _names(names: Sequence[str], found: Passes) -> ast.Tuple:
    return ast.Tuple([ast.Name(found.names[name]) for name in names])


def docstring(about: Sequence[str]) -> list[str]:
    """The docstring of a function, by its lines."""
    first, *others = about
    if not others:
        return [f'{INDENT}"""{first}"""']
    lines = [f'{INDENT}"""{first}', *(INDENT + line if line else "" for line in others)]
    return [*lines, f'{INDENT}"""']


def comment(text: str, indent: int = 1) -> list[str]:
    """A comment, none where it is too long to help."""
    line = f"{INDENT * indent}# {text}"
    return [line] if len(line) <= WIDTH else []
