"""Modules for Numba: compiled loop nests, in parallel over the outer loop."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import ClassVar

from derive.codegen.adjoints import adjoint
from derive.codegen.axes import axes_of
from derive.codegen.calls import KernelStep
from derive.codegen.describe import formula
from derive.codegen.dialect import Dialect
from derive.codegen.expression_text import expression
from derive.codegen.half import in_single
from derive.codegen.helpers import HELPERS, helpers
from derive.codegen.inplace import OVERWRITE
from derive.codegen.kernels import Kernels
from derive.codegen.numba_helpers import DECORATORS, NUMBA_HELPERS
from derive.codegen.passes import Passes, passes
from derive.codegen.program import Program
from derive.codegen.selftest import self_test
from derive.codegen.steps import Function, Step
from derive.codegen.syntax import call
from derive.codegen.target import Target, comment

__all__ = ["NumbaTarget"]


class NumbaDialect(Dialect):
    """The spelling of what is left to NumPy."""

    in_place = False
    eager = False
    by_entry = True


class NumbaTarget(Target):
    """Writes modules of loops."""

    name: ClassVar[str] = "numba"
    purpose: ClassVar[str] = "Value and gradients, with Numba."
    helper_texts: ClassVar[Mapping[str, str]] = {**HELPERS, **NUMBA_HELPERS}

    def dialect(self) -> Dialect:
        """How the target spells operations on whole arrays."""
        return NumbaDialect()

    def passes(self, program: Program) -> Passes:
        """The passes of a program as loop nests."""
        kernels = Kernels(program)
        found = passes(program, self.dialect(), kernels)
        forward = _converted(program, found, found.forward, program.inputs)
        upstream = tuple(map(adjoint, program.outputs))
        backward = _converted(program, found, _in_place(found), upstream)
        further = tuple(_converted(program, found, f, f.parameters) for f in found.further)
        return replace(found, forward=forward, backward=backward, further=further)

    def parts(self, found: Passes) -> list[str]:
        """The functions of the module, in order."""
        functions = (found.forward, found.backward, *found.further)
        steps = (step for function in functions for step in function.steps)
        kernels = [k for s in steps if isinstance(s, KernelStep) for k in s.kernels]
        # Numba has no arithmetic for float16.
        work = [*kernels, *map(in_single, self.functions(found))]
        text = "\n".join(work)
        texts = {**self.helper_texts}
        if kernels:
            # They would drop imaginary parts.
            texts["_check"] = texts["_check"].replace('"fc"', '"f"')
        parts = [*helpers(text, texts), *work, *self_test(found, text)]
        return [part.strip("\n") for part in parts]

    def numbers(
        self, found: Passes, given: Iterable[str], arrays: Iterable[str]
    ) -> Iterator[ast.stmt]:
        """Nothing: all arguments are made arrays."""
        yield from ()

    def imports(self, text: str) -> Iterator[str]:
        """The imports that the text of the functions needs, in groups."""
        yield from super().imports(re.sub(r"#.*", "", text))
        yield DECORATORS.strip()

    def packages(self, text: str) -> Iterator[str]:
        """The imports of packages that the text needs."""
        first, *others = super().packages(text.replace("math.erf(", ""))
        optional = [n for n in ("get_num_threads", "prange") if re.search(rf"\b{n}\(", text)]
        yield from (first, f"from numba import {', '.join(sorted(['njit', *optional]))}", *others)

    def heading(self, step: Step, found: Passes, indent: int = 1) -> list[str]:
        """The formula of a step that is no loop nest, which has its own."""
        if isinstance(step, KernelStep):
            return []
        return comment(formula(step.assignment, found.program, found.names))


def _in_place(found: Passes) -> Function:
    """The backward pass, where gradients may take the place of what was computed forward."""
    made = {
        step.assignment.name: step.assignment
        for step in found.forward.steps
        if isinstance(step, KernelStep) and step.assignment.name not in found.program.outputs
    }
    taken: set[str] = set()
    steps: list[Step] = []
    places: dict[str, str] = {}
    for step in found.backward.steps:
        if isinstance(step, KernelStep):
            sizes = [index.size for index in step.assignment.indices]
            for each in step.replaces:
                same = each in made and [i.size for i in made[each].indices] == sizes
                if same and each not in taken and sizes:
                    taken.add(each)
                    places[found.names[step.assignment.name]] = found.names[each]
                    break
        steps.append(step)
    return replace(found.backward, steps=tuple(_reusing(step, places) for step in steps))


def _reusing(step: Step, places: Mapping[str, str]) -> Step:
    """The step with memory for its results taken from what is not needed any more."""
    return replace(step, statements=tuple(_reused(s, places) for s in step.statements))


def _reused(node: ast.stmt, places: Mapping[str, str]) -> ast.stmt:
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
        return node
    place = places.get(node.targets[0].id)
    if place is None or not expression(node.value).startswith("np.empty("):
        return node
    return ast.Assign(node.targets, ast.IfExp(ast.Name(OVERWRITE), ast.Name(place), node.value))


def _converted(
    program: Program, found: Passes, function: Function, given: tuple[str, ...]
) -> Function:
    """The function with its arrays laid out one entry after the other."""
    names, graph = found.names, program.graph
    arrays = [n for n in given if axes_of(graph, n)]
    # What the forward pass saves it has yet to make.
    saved = sorted(function.used) if function.title != "forward" else ()
    known = [n for n in (*arrays, *saved) if n not in graph.labels and axes_of(graph, n)]
    start: list[ast.stmt] = []
    for each in given:
        variable = ast.Name(names[each])
        if each in arrays:
            value = call("np.ascontiguousarray", variable)
        elif known:
            kind = ast.Attribute(ast.Name(names[known[0]]), "dtype")
            value = call("np.asarray", variable, dtype=kind)
        else:
            value = call("np.asarray", variable)
        start.append(ast.Assign([variable], value))
    return replace(function, lengths=(*start, *function.lengths))
