"""What a text leaves out, so that a line which rests on it cannot be called wrong."""

from __future__ import annotations

from collections.abc import Sequence, Set

from sympy import Expr

from derive.check.context import Context
from derive.check.layers import layer_of
from derive.check.model import Model
from derive.expressions import Graph, Partial, given_in, is_tensor, name_of, tensors_in

__all__ = ["gap_of", "unexplained"]


def gap_of(found: Model, exprs: Sequence[Expr | None], context: Context) -> str:
    """What the text leaves out that a chain rests on; an empty string if it is complete."""
    graph = found.graph
    said = [expr for expr in exprs if expr is not None]
    names = {name_of(node) for expr in said for node in tensors_in(expr)}
    every = names.union(*(graph.ancestors(name) for name in names))
    for name in sorted(every & context.unread.keys()):
        if name not in graph or name in found.generic:
            return f"{name} is defined in line {context.unread[name]}, which is not understood"
    if said and is_tensor(said[0]) and name_of(said[0]) not in graph:
        return f"the text does not define {name_of(said[0])}"
    for partial in (node for expr in said for node in expr.atoms(Partial)):
        function, variable = partial.function, partial.variable
        if is_tensor(function) and is_tensor(variable) and not _leads(graph, function, variable):
            return f"the text does not say how {name_of(function)} depends on {name_of(variable)}"
    return ""


def _leads(graph: Graph, function: Expr, variable: Expr) -> bool:
    """Whether a function depends on a variable; a loss does so by the outputs."""
    name = name_of(function)
    functions = [name] if name in graph.names else graph.outputs
    return graph.leads_to(name_of(variable), functions)


def unexplained(found: Model, sides: Sequence[Expr], context: Context) -> list[str]:
    """Names on one of two sides that stand in no definition of the text.

    What they are is said in words, if anywhere, and the two sides may be equal by it.
    """
    here = [{name_of(node) for node in given_in(side)} for side in sides]
    known = {name for d in context.definitions for name in (d.name, *d.right.names)}
    known |= {name_of(n) for s in sides for p in s.atoms(Partial) for n in tensors_in(p.variable)}
    one_sided = set.symmetric_difference(*here) if len(here) == 2 else set()
    if len(here) == 2 and not any(side.has(Partial) for side in sides):
        new, gone = here[0] - here[1], here[1] - here[0] - context.names()
        if len(gone) == 1 and len(new) > 1:
            # One name that no equation defines gives way to several: it stands for them.
            return sorted(gone)
    known |= {name for name in one_sided if _has_layer(name, known)}
    return sorted(one_sided - known - set(found.graph.declared.values()) - set(found.generic))


def _has_layer(name: str, known: Set[str]) -> bool:
    """Whether a name is known in another layer."""
    here = layer_of(name)
    there = (layer_of(other) for other in known)
    return here is not None and any(o and o.stem == here.stem and o.letter == "l" for o in there)
