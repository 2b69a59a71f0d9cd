"""What an equality may rest on: definitions, facts that follow from them, known derivatives.

A fact such as `1_h μ_bh = 0` is used without a rule. All tensors that obey it are written with a
tensor that is free, `μ_bh = u_bh − (1/H) 1_k u_bk`; what holds for every u holds by the fact alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sympy import Expr, Indexed, Mul, S, sqrt

from derive.expressions import (
    Binder,
    Contraction,
    Equation,
    Graph,
    Index,
    One,
    Partial,
    Shape,
    indices_of,
    is_tensor,
    name_of,
    tensor,
    tensors_in,
)
from derive.verify.exact import provably_equal

__all__ = ["Premise", "follows"]

# No author can write a name that begins with it.
FREE = "#"


@dataclass(frozen=True)
class Premise:
    """`left = right`, which an equality rests on.

    Attributes
    ----------
    kind : a `definition` of the graph; a `fact`, which is a contraction with a constant value; a
        `derivative`, the value of a partial derivative.
    name : of the tensor that it is about.
    lines : the proof of a fact, or how a derivative is derived: expressions equal to `left`, the
        last one `right`, each with the names of the rules that lead to it.
    """

    kind: Literal["definition", "fact", "derivative"]
    name: str
    left: Expr
    right: Expr
    lines: tuple[tuple[Expr, tuple[str, ...]], ...] = ()


def follows(left: Expr, right: Expr, graph: Graph, premises: Sequence[Premise]) -> bool:
    """Whether it is proven that two expressions are equal by premises and by algebra alone.

    All names, also those of definitions, stand for any tensors that obey the premises.
    """
    for premise in premises:
        if premise.kind == "derivative":
            left, right = (_with_derivative(expr, premise) for expr in (left, right))
    equations = _equations(premises)
    left, right = (_without_partials(_written_out(expr, equations)) for expr in (left, right))
    return provably_equal(left, right, _names_alone((left, right), graph))


def _equations(premises: Sequence[Premise]) -> Mapping[str, Equation]:
    """For each name in the premises what it stands for."""
    definitions = [premise for premise in premises if premise.kind == "definition"]
    found = {premise.name: Equation(premise.left, premise.right) for premise in definitions}
    # Squares outside: a tensor that is scaled keeps the sums that are zero.
    facts = [premise for premise in premises if premise.kind == "fact"]
    for premise in sorted(facts, key=_has_square, reverse=True):
        name = premise.name
        while name in found:
            name = FREE + name
        found[name] = _obeying(premise, name)
    return found


def _has_square(fact: Premise) -> bool:
    """Whether a fact is about the squares of a tensor."""
    return not any(map(is_tensor, _factors(fact)))


def _factors(fact: Premise) -> list[Expr]:
    """What a fact sums: a tensor, or its square."""
    return [f for f in Mul.make_args(fact.left.body) if not isinstance(f, One)]


def _obeying(fact: Premise, name: str) -> Equation:
    """Every tensor that obeys a fact, written with one that is free.

    One that obeys it already stays as it is, so that none is left out.
    """
    indices, body = fact.left.open()
    leaf = next(node for node in tensors_in(body) if name_of(node) == fact.name)
    slots = indices_of(leaf)
    lhs, free = tensor(name, *slots), tensor(FREE + name, *slots)
    if _has_square(fact):
        return Equation(lhs, free * sqrt(fact.right / Contraction(free**2, *indices)))
    number = Mul(*(index.size for index in indices))
    excess = Contraction(free, *indices) - fact.right
    return Equation(lhs, free - excess / number)


def _mapped(expr: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """The expression with nodes changed, also below sums; derivatives are whole."""
    changed = change(expr)
    if changed is not None:
        return changed
    if isinstance(expr, Partial | Indexed) or not expr.args:
        return expr
    if isinstance(expr, Binder):
        indices, body = expr.open()
        return expr.func(_mapped(body, change), *indices)
    return expr.func(*(_mapped(arg, change) for arg in expr.args))


def _written_out(expr: Expr, equations: Mapping[str, Equation]) -> Expr:
    """The expression with what names stand for in their places."""

    def change(node: Expr) -> Expr | None:
        if not is_tensor(node) or name_of(node) not in equations:
            return None
        return _written_out(equations[name_of(node)].at(indices_of(node)), equations)

    return _mapped(expr, change)


def _with_derivative(expr: Expr, premise: Premise) -> Expr:
    """The expression with the value of a derivative in place of it."""

    def change(node: Expr) -> Expr | None:
        if not isinstance(node, Partial) or not node.is_named:
            return None
        if _called(node) != _called(premise.left):
            return None
        return premise.right.xreplace(dict(zip(premise.left.indices, node.indices, strict=True)))

    return _mapped(expr, change)


def _called(partial: Partial) -> str:
    """A name for a derivative of a tensor by tensors, which no author can write."""
    names = [name_of(node) for node in (partial.root, *partial.variables)]
    return FREE + "/".join([*names, *partial.held])


def _without_partials(expr: Expr) -> Expr:
    """The expression with a tensor in place of each derivative of a tensor by tensors."""

    def change(node: Expr) -> Expr | None:
        if not isinstance(node, Partial) or not node.is_named:
            return None
        return tensor(_called(node), *node.indices)

    return _mapped(expr, change)


def _names_alone(exprs: Iterable[Expr], graph: Graph) -> Graph:
    """A graph with the tensors of expressions, in which nothing is known of them."""
    leaves = {name_of(node): node for expr in exprs for node in tensors_in(expr)}
    letters: dict[tuple[str, int], tuple[str, ...]] = {}
    sizes: dict[str, str | int] = {}
    total: Expr = S.Zero
    for name, node in sorted(leaves.items()):
        indices = []
        for axis, slot in enumerate(indices_of(node)):
            size = _axis_size(name, axis, slot, graph)
            if size is None:
                continue
            letter = _letter(size, graph)
            letters[name, axis] = (letter,)
            sizes[letter] = int(size) if size.is_Integer else str(size)
            indices.append(Index(f"_{axis}", size))
        if len(indices) == len(indices_of(node)) and not node.is_integer:
            total += Contraction(tensor(name, *indices), *indices)
    whole = [Equation(tensor(FREE), total, "abbreviation")] if total != 0 else []
    return Graph(whole, letters=letters, sizes=sizes, multi=graph.multi)


def _axis_size(name: str, axis: int, slot: Expr, graph: Graph) -> Expr | None:
    known = name.lstrip(FREE)
    if known in graph.arity:
        return graph.axis_size(known, axis)
    return slot.size if isinstance(slot, Index) else None


def _letter(size: Expr, graph: Graph) -> str:
    """A letter for all axes of a size: that of a multi-index for its shape."""
    if not isinstance(size, Shape):
        return f"_{size}"
    axes = [axis for axis in graph.letters if graph.axis_size(*axis) == size]
    return next(letter for axis in axes for letter in graph.letters[axis])
