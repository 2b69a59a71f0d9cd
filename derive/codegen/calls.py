"""Calls of compiled loop nests: what they are given, and the arrays for what they make."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

from derive.codegen.assignment import Assignment
from derive.codegen.kernel import Writer
from derive.codegen.loops import Loop, updates_in
from derive.codegen.program import Program
from derive.codegen.source import INDENT, signature
from derive.codegen.steps import Step
from derive.codegen.syntax import call, name, number
from derive.codegen.wrapping import lines_of
from derive.expressions import Place

__all__ = ["Call", "KernelStep"]


@dataclass(frozen=True)
class KernelStep(Step):
    """An assignment that a loop nest makes.

    Attributes
    ----------
    kernels : the texts of the functions of the nest, with the last of its assignments.
    replaces : the tensors that the result may be written over.
    """

    kernels: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()


class Call:
    """The function of one nest, and the statements around its call.

    Parameters
    ----------
    title : its name.
    nest, writer : the nest, and what writes it.
    program : the program that it is of.
    known : the tensors that have arrays already.
    """

    def __init__(
        self, title: str, nest: Loop, writer: Writer, program: Program, known: frozenset[str]
    ) -> None:
        self.title = title
        self.nest = nest
        self.writer = writer
        self.program = program
        self.known = known
        self.layout = writer.layout
        self.names = writer.names
        self.assignments = list(dict.fromkeys(update.of for update in updates_in(nest)))

    def steps(self, like: str) -> list[KernelStep]:
        """A step for each assignment; the last one calls the function."""
        dtype = ast.Attribute(ast.Name(self.names[like]), "dtype")
        read = [n for n in self.writer.read if n not in self.layout.axes]
        made = [self._array(a) for a in self.assignments if a.name not in self.layout.axes]
        lines = list(self.writer.lines())
        rest = [*made, *self._numbers("\n".join(lines))]
        parameters = [*(self.names[n] for n in read), *rest]
        arguments = [*map(self._argument, read), *map(ast.Name, rest)]
        if self.nest.parallel:
            kernels = tuple(self._kernels(parameters, lines))
            arguments += [self._rows(), ast.Name("parts")]
        else:
            kernels = (_function("@_serial", self.title, parameters, lines),)
        before = [s for a in self.assignments for s in self._before(a, dtype)]
        behind = [s for a in self.assignments for s in self._behind(a, dtype)]
        statements = (
            *self._parts(),
            *before,
            ast.Expr(call(self.title, *arguments)),
            *behind,
        )
        *others, last = self.assignments
        return [*(KernelStep(a, ()) for a in others), KernelStep(last, statements, kernels)]

    def _kernels(self, parameters: Sequence[str], lines: Sequence[str]) -> Iterator[str]:
        """The function of some rows, and the one that runs it for all of them."""
        inner = f"{self.title}_rows"
        place = ["part"] if self.layout.partial else []
        yield _function("@_serial", inner, [*parameters, *place, "first", "last"], lines)
        alone = [*parameters, *("0" for _ in place), "0", "rows"]
        each = [*parameters, *place, "first", "last"]
        body = [
            f"{INDENT}if parts == 1:",
            *lines_of(f"return {inner}({', '.join(alone)})", 2),
            f"{INDENT}for part in prange(parts):",
            f"{INDENT * 2}first, last = part * rows // parts, (part + 1) * rows // parts",
            *lines_of(f"{inner}({', '.join(each)})", 2),
        ]
        yield _function("@_parallel", self.title, [*parameters, "rows", "parts"], body)

    def _rows(self) -> ast.expr:
        """The number of rounds of the outer loop."""
        return self.writer.cells.size(self.nest.index)

    def _array(self, assignment: Assignment) -> str:
        """The array that a tensor is put in."""
        variable = self.names[assignment.name]
        return f"{variable}_parts" if assignment.name in self.layout.partial else variable

    def _numbers(self, text: str) -> Iterator[str]:
        """The sizes and labels that the function mentions."""
        words = set(re.findall(r"[^\W\d]\w*", re.sub(r"#.*", "", text)))
        keys = [*map(str, self.program.sizes), *self.program.labels]
        yield from (self.names[key] for key in keys if self.names[key] in words)

    def _argument(self, read: str) -> ast.expr:
        """What is passed for a tensor that is read; for a number its value."""
        array = ast.Name(self.names[read])
        return array if self.layout.arity[read] else ast.Subscript(array, ast.Tuple([]))

    def _parts(self) -> Iterator[ast.stmt]:
        """The number of parts of the outer loop: one for each thread, if there is so much to do."""
        if self.nest.parallel:
            work = max((update.order for update in updates_in(self.nest)), key=len)
            entries = reduce(_times, map(self.writer.cells.size, work))
            yield ast.Assign([ast.Name("parts")], call("_parts", self._rows(), entries))

    def _before(self, made: Assignment, dtype: ast.expr) -> Iterator[ast.stmt]:
        """The array for a tensor."""
        shape = [self.writer.cells.size(index) for index in made.indices]
        array = ast.Name(self._array(made))
        if made.name in self.layout.partial:
            counted = ast.Tuple([ast.Name("parts"), *shape])
            yield ast.Assign([array], call("np.zeros", counted))
        elif made.name not in self.layout.axes and made.name not in self.known:
            kind = name("np.intp") if isinstance(made.expr, Place) else dtype
            yield ast.Assign([array], call("np.empty", ast.Tuple(shape), dtype=kind))

    def _behind(self, made: Assignment, dtype: ast.expr) -> Iterator[ast.stmt]:
        """What is done with an array when the nest has run."""
        variable = ast.Name(self.names[made.name])
        if made.name in self.layout.partial:
            total = call(name(f"{self._array(made)}.sum"), axis=number(0))
            yield ast.Assign([variable], call(ast.Attribute(total, "astype"), dtype))
        elif made.name not in self.layout.axes and not made.indices:
            yield ast.Assign([variable], ast.Subscript(variable, ast.Tuple([])))


def _times(left: ast.expr, right: ast.expr) -> ast.expr:
    return ast.BinOp(left, ast.Mult(), right)


def _function(decorator: str, title: str, parameters: Sequence[str], body: Sequence[str]) -> str:
    return "\n".join([decorator, *signature(title, parameters), *body])
