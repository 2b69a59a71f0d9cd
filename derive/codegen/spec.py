"""The spec sheet of a program: what its passes compute, read, write and save, in the sizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

from sympy import Add, Expr, Mul, expand

from derive.codegen.assignment import Assignment
from derive.codegen.axes import axis_sizes
from derive.codegen.costs import LABEL_BYTES, Cost, Reduction, cost, reductions
from derive.codegen.describe import formula
from derive.codegen.dialect import Dialect
from derive.codegen.passes import Function, Passes, passes
from derive.codegen.program import Program
from derive.codegen.sheet import DTYPES, Alternative, Kept, Pass, Row, Sheet
from derive.codegen.sizes import SizeNames

__all__ = ["sheet"]


def sheet(program: Program, dtype: str = "float32") -> Sheet:
    """The spec sheet of a program, its numbers being of one type."""
    return _Counting(program, dtype).sheet()


class _Counting:
    """Entries, bytes and costs of the passes of one program."""

    def __init__(self, program: Program, dtype: str) -> None:
        self.program = program
        self.dtype = dtype
        self.passes: Passes = passes(program, Dialect())
        self.sizes = SizeNames(program)
        functions = (self.passes.forward, self.passes.backward, *self.passes.further)
        steps = (step for function in functions for step in function.steps)
        self.made = {step.assignment.name: step.assignment for step in steps}
        self._sizes = axis_sizes(program.graph, self.made.values())

    def sheet(self) -> Sheet:
        """All of it."""
        return Sheet(
            self.program,
            self.dtype,
            self.sizes,
            self._pass(self.passes.forward),
            self._pass(self.passes.backward),
            tuple(self._kept(name) for name in self.saved),
            tuple((self._shown(name), self.bytes(name)) for name in self.passes.again),
            self._inputs_alone(),
            tuple(zip(self.program.further, map(self._pass, self.passes.further), strict=True)),
        )

    @cached_property
    def saved(self) -> list[str]:
        """The tensors that are saved; sizes and labels among what is saved are no arrays."""
        known = {*self.program.graph.names, *self.made}
        return [name for name in self.passes.forward.saved if name in known]

    def entries(self, name: str) -> Expr:
        """The number of entries of a tensor."""
        return Mul(*self._sizes(name))

    def bytes(self, name: str, entries: Expr | None = None) -> Expr:
        """The bytes of a tensor, or of some of its entries."""
        number = self.entries(name) if entries is None else entries
        return self.sizes.named(self._width(name) * number)

    def _width(self, name: str) -> int:
        """The bytes of an entry; positions of extrema are whole numbers as labels are."""
        target = self.made[name].target if name in self.made else None
        whole = bool(target.is_integer) if target is not None else False
        if whole or name in self.program.graph.labels or name in self.program.labels:
            return LABEL_BYTES
        return DTYPES[self.dtype]

    def _pass(self, function: Function) -> Pass:
        rows = [self._row(step.assignment) for step in function.steps]
        inside = {row.assignment.name for row in rows}
        given = [*self.program.inputs, *self.saved, *function.parameters]
        read: dict[str, Expr] = {}
        for row in rows:
            for name, entries in row.cost.reads.items():
                if name in given and name not in inside:
                    read[name] = self._more(name, read.get(name), entries)
        # The forward pass writes what it saves; the backward pass has read it.
        results = {*function.results, *(inside & set(self.saved))}
        return Pass(
            tuple(rows),
            expand(Add(*(self.bytes(name, entries) for name, entries in read.items()))),
            expand(Add(*(self.bytes(name) for name in sorted(results)))),
        )

    def _more(self, name: str, known: Expr | None, entries: Expr) -> Expr:
        """The entries read by two assignments, all where either reads all."""
        every = self.entries(name)
        if known is None or known == entries:
            return entries
        return every if every in (known, entries) else known + entries

    def _row(self, assignment: Assignment) -> Row:
        found = cost(assignment, self.entries)
        operations = Counter({k: self.sizes.named(n) for k, n in found.operations.items()})
        updated = self.bytes(assignment.name, found.updated)
        read = [self.bytes(name, entries) for name, entries in found.reads.items()]
        return Row(
            assignment,
            formula(assignment, self.program, self.passes.names),
            tuple(map(self._reduction, reductions(assignment))),
            Cost(operations, found.reads, found.written, found.updated),
            expand(Add(*read, updated)),
            expand(self.bytes(assignment.name) + updated),
        )

    def _reduction(self, found: Reduction) -> Reduction:
        over, each = (tuple(map(self.sizes.named, sizes)) for sizes in (found.over, found.each))
        return Reduction(found.kind, over, each)

    # Saved or computed again

    def _kept(self, name: str) -> Kept:
        if name not in self.made:
            return Kept(name, self.bytes(name), given=True)
        again, sources = self._again([name], lambda source: self._is_source(source, name))
        extra = [source for source in sources if source not in self.saved]
        instead = self._alternative(extra, again)
        return Kept(name, self.bytes(name), given=False, instead=instead)

    def _inputs_alone(self) -> Alternative:
        computed = [name for name in self.saved if name in self.made]
        again, sources = self._again(computed, lambda source: source not in self.made)
        given = [name for name in self.saved if name not in self.made]
        return self._alternative(list(dict.fromkeys([*given, *sources])), again)

    def _shown(self, name: str) -> str:
        return self.passes.names[name] if name.startswith("#") else name

    def _alternative(self, saved: Sequence[str], again: Iterable[str]) -> Alternative:
        flops = (self.sizes.named(cost(self.made[n], self.entries).flops) for n in again)
        names = tuple(self.passes.names[name] if name in self.made else name for name in saved)
        return Alternative(names, expand(Add(*map(self.bytes, saved))), expand(Add(*flops)))

    def _again(
        self, wanted: Sequence[str], stops: Callable[[str], bool]
    ) -> tuple[list[str], list[str]]:
        """What is computed again to have tensors again, and what that starts from."""
        again: dict[str, None] = {}
        sources: dict[str, None] = {}
        waiting = list(wanted)
        while waiting:
            current = waiting.pop()
            again[current] = None
            for source in sorted(self.made[current].reads):
                if stops(source):
                    sources[source] = None
                elif source not in again:
                    waiting.append(source)
        return list(again), list(sources)

    def _is_source(self, name: str, wanted: str) -> bool:
        if name not in self.made or name in self.saved:
            return True
        return _axes(self.made[name]) < _axes(self.made[wanted])


def _axes(assignment: Assignment) -> Counter[Expr | None]:
    return Counter(index.size for index in assignment.indices)
