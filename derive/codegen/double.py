"""The backward pass of the backward pass, derived as any other.

The backward pass is a graph itself: from the inputs and the gradients that come back, its outputs
are the gradients that it returns. Names of gradients in it are the adjoints of the program, `∂x`;
the gradient of a second loss by a tensor is called `∂∂x`, and by an adjoint `∂∂∂x`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sympy import Expr

from derive.calculus.plan import SPARE_LETTERS, derive
from derive.codegen.adjoints import adjoint, adjoints
from derive.codegen.assignment import Assignment, CodeError
from derive.codegen.further import Double
from derive.codegen.program import Program, defined, generic
from derive.codegen.solution import resized, sizes_in
from derive.codegen.stable import Stable
from derive.errors import DeriveError
from derive.expressions import Equation, Graph, Partial, tensor

__all__ = ["doubled", "twice"]


def twice(name: str) -> str:
    """The name of the gradient of the second loss by a tensor or an adjoint."""
    return f"∂∂{name}"


def doubled(program: Program) -> Program:
    """The program with the backward pass of its backward pass, without where there is none.

    There is none where no rule differentiates a gradient, or where one gradient is made of another.
    """
    try:
        return replace(program, double=_double(program))
    except DeriveError:
        return program


def _double(program: Program) -> Double:
    graph = _gradients(program)
    loss = next(c for c in ("m", *SPARE_LETTERS) if c not in (*graph.names, program.loss))
    upstream = tuple(map(adjoint, program.outputs))
    wanted = [n for n in (*program.wrt, *upstream) if _acts(n, graph)]
    goals = [Partial(tensor(loss), generic(graph, name)) for name in wanted]
    derivation = derive(graph, goals)
    if set(derivation.graph.names) != set(graph.names):
        raise CodeError("the second derivatives need what the first do not")
    sizes = sizes_in(derivation.graph, program.graph, _base)
    work = [_sized(a, sizes) for a in adjoints(derivation, loss, wanted, twice)]
    stable = Stable()
    known = program.derivation.graph
    # What the others are made of tells which forms are safe.
    first = adjoints(program.derivation, program.loss, program.wrt, adjoint)
    list(stable((*defined(known, known.order), *first)))
    return Double(
        (*upstream, *(twice(adjoint(name)) for name in program.wrt)),
        tuple(twice(name) if name in wanted else None for name in (*program.wrt, *upstream)),
        tuple(stable(work)),
        loss,
    )


def _base(name: str) -> str:
    return name.lstrip("∂")


def _acts(name: str, graph: Graph) -> bool:
    return any(name in graph.ancestors(output) for output in graph.outputs)


def _sized(assignment: Assignment, sizes: Mapping[Expr, Expr]) -> Assignment:
    expr = resized(assignment.expr, sizes)
    return Assignment(resized(assignment.target, sizes), expr)


def _gradients(program: Program) -> Graph:
    """The graph whose outputs are the gradients."""
    graph = program.graph
    raw = adjoints(program.derivation, program.loss, program.wrt, adjoint)
    own = [Equation(a.target, a.expr) for a in raw]
    results = {adjoint(name) for name in program.wrt}
    needed = _needed([*graph.equations, *own], results)
    kept = [e for e in (*graph.equations, *own) if e.name in needed]
    letters = dict(graph.letters)
    letters |= {(adjoint(name), axis): letters_ for (name, axis), letters_ in graph.letters.items()}
    found = Graph(kept, letters=letters, sizes=graph.declared)
    if set(found.outputs) != results:
        raise CodeError("one gradient is made of another")
    return found


def _needed(equations: Iterable[Equation], wanted: Iterable[str]) -> set[str]:
    """The names that some are made of, and these."""
    graph = {e.name: e for e in equations}
    mentions = Graph(list(graph.values())).mentions
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += mentions(name) if name in graph else ()
    return found
