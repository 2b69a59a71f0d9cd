"""The identifiers of a program in source text."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator
from itertools import count

from derive.codegen.adjoints import adjoint
from derive.codegen.assignment import Assignment
from derive.codegen.program import Program
from derive.codegen.solution import RootWork
from derive.expressions import Size
from derive.notation.names import ascii_name

__all__ = ["Identifiers"]

_RESERVED = (
    *(
        "np",
        "torch",
        "jax",
        "jnp",
        "math",
        "forward",
        "backward",
        "double_backward",
        "self_test",
        "erf",
    ),
    *("saved", "needs", "ctx", "inputs", "output", "recompute", "overwrite_saved"),
    *("through", "part", "parts", "rows", "first", "last", "entry", "lead"),
)
# They look like digits, which linters object to.
_AMBIGUOUS = ("l", "I", "O")


class Identifiers:
    """An identifier for each tensor, label and size of a program; all are different."""

    def __init__(self, program: Program, work: Iterable[Assignment]) -> None:
        self._table: dict[str, str] = {}
        self._taken = {*_RESERVED, *(each.name for each in program.further)}
        graph = program.graph
        for name in (*graph.names, *program.labels):
            self._add(name, ascii_name(name))
        for name in program.functions:
            self._add(name, name.replace("'", "_prime"))
        for name in graph.names:
            self._add(adjoint(name), f"d_{self[name]}")
        for name in graph.names if program.double is not None else ():
            self._add(f"∂∂{name}", f"g_{self[name]}")
            self._add(f"∂∂∂{name}", f"g_d_{self[name]}")
        every = [
            inner for a in work for inner in (*(a.inner if isinstance(a, RootWork) else ()), a)
        ]
        for assignment in every:
            own = assignment.name
            self._add(own, f"t{own[1:]}" if own.startswith("#") else ascii_name(own))
        for name in graph.names:
            for axis in range(graph.arity[name]):
                size = graph.axis_size(name, axis)
                if isinstance(size, Size):
                    letter = graph.letters.get((name, axis), ("n",))[0]
                    self._add(str(size), size.name if size.is_named else ascii_name(letter).upper())
        for size in program.sizes:
            self._add(str(size), size.name)

    def __getitem__(self, key: str) -> str:
        return self._table[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def _add(self, key: str, wanted: str) -> None:
        """Give a name its identifier, unless it has one."""
        if key in self._table:
            return
        plain = re.sub(r"\W", "_", wanted)
        plain = plain if plain.isidentifier() else f"_{plain}"
        if plain in _AMBIGUOUS or keyword.iskeyword(plain):
            plain += "_"
        numbered = (f"{plain.rstrip('_')}_{n}" for n in count(2))
        plain = (
            plain if plain not in self._taken else next(n for n in numbered if n not in self._taken)
        )
        self._taken.add(plain)
        self._table[key] = plain


def _with_inner(work: Iterable[Assignment]) -> Iterator[Assignment]:
    for assignment in work:
        if isinstance(assignment, RootWork):
            yield from assignment.inner
        yield assignment
