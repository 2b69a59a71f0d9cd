"""Folding: a result written in the author's own names.

A definition `s_i = e^{x_i}/σ` is solved for one of its atoms, `e^{x_i} = s_i σ`, and the atom is
replaced wherever it stands, with whatever indices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sympy import (
    Add,
    Dummy,
    Expr,
    Indexed,
    KroneckerDelta,
    Mul,
    Pow,
    S,
    cancel,
    exp,
    expand_mul,
    fraction,
    log,
    together,
)
from sympy.core.sorting import default_sort_key

from derive.calculus.context import Context
from derive.calculus.index_algebra import without_ones
from derive.calculus.match import match, part_of_sum
from derive.calculus.rule import Rule, rule
from derive.expressions import (
    Binder,
    Contraction,
    Equation,
    Index,
    Iverson,
    Partial,
    elementary,
    free_indices,
    fresh_indices,
    indices_of,
    name_of,
    nodes_in,
    ranging,
)

__all__ = ["Relation", "fold_gradient", "fold_rules", "relations"]


@dataclass(frozen=True)
class Relation:
    """`atom = value`, solved from the definition of `name`, for all values of `indices`.

    `outside` are the contractions of the definition, and its other binders: the solution holds in
    their terms, so they are not rewritten themselves.
    """

    name: str
    indices: tuple[Index, ...]
    atom: Expr
    value: Expr
    outside: frozenset[Expr]

    def apply(self, expr: Expr) -> Expr:
        """The expression with every instance of the atom replaced."""
        kept = {
            node: Dummy(real=True)
            for node in sorted(nodes_in(expr, Binder), key=default_sort_key)
            if any(match(c, node, self.indices) is not None for c in self.outside)
        }
        replaced = self._replace(expr.xreplace(kept))
        return replaced.xreplace({dummy: node for node, dummy in kept.items()})

    def _replace(self, expr: Expr) -> Expr:
        value = self._value_of(expr)
        if value is not None:
            return value
        if isinstance(expr, Partial | Indexed | KroneckerDelta) or not expr.args:
            return expr
        if isinstance(expr, Contraction) and isinstance(self.atom, Contraction):
            found = part_of_sum(self.atom, expr, self.indices)
            if found is not None:
                return found.with_value(self.value)
        args = [self._replace(arg) for arg in expr.args]
        return expr if tuple(args) == expr.args else expr.func(*args)

    def _value_of(self, node: Expr) -> Expr | None:
        """What a node is in the author's names if it is a power of an instance of the atom."""
        base, exponent = _root(self.atom)
        node_base, node_exponent = _root(node)
        if isinstance(base, exp):
            if not isinstance(node, exp):
                return None
            return self._exponential(node)
        if type(base) is not type(node_base):
            return None
        if free_indices(exponent):
            # An exponent has the indices of the instance, which its base tells.
            binding = match(base, node_base, self.indices)
            if binding is None or not binding.keys() >= ranging(exponent) & {*self.indices}:
                return None
            exponent = exponent.xreplace(dict(binding))
        ratio = cancel(node_exponent / exponent)
        # A power of a power is the product of the exponents where the base is not negative.
        if not (ratio.is_Integer or (_never_negative(base) and not exponent.is_Rational)):
            return None
        return self._power(match(base, node_base, self.indices), ratio)

    def _exponential(self, node: Expr) -> Expr | None:
        """`e^{k u}` as the k-th power of the value of `e^u`."""
        coefficient, argument = self.atom.args[0].as_coeff_Mul()
        node_coefficient, node_argument = node.args[0].as_coeff_Mul()
        ratio = node_coefficient / coefficient
        if not ratio.is_Integer:
            return None
        return self._power(match(argument, node_argument, self.indices), ratio)

    def _power(self, binding: Mapping[Expr, Expr] | None, exponent: Expr) -> Expr | None:
        """The value for the indices of an instance, to a power."""
        return None if binding is None else self.value.xreplace(dict(binding)) ** exponent


def _root(expr: Expr) -> tuple[Expr, Expr]:
    """Base and exponent, which is a number unless the base is known not to be negative."""
    if expr.is_Pow and (expr.exp.is_Rational or _never_negative(expr.base)):
        return expr.base, expr.exp
    return expr, S.One


def _never_negative(expr: Expr) -> bool:
    """Whether a value cannot be negative; powers of such a value, and sums of them, cannot."""
    if isinstance(expr, Binder):
        return all(map(_never_negative, Mul.make_args(expr.body)))
    return bool(expr.is_nonnegative) or (expr.is_Pow and _never_negative(expr.base))


def relations(equation: Equation) -> Iterator[Relation]:
    """The definition solved for each of its atoms that carries all its indices.

    A definition with a logarithm is also read exponentiated: p_i = x_i − log z says
    e^{p_i} = e^{x_i}/z.
    """
    if equation.is_relation and equation.left != equation.lhs:
        return
    # The names of the variables must not meet the letters of the line.
    indices = fresh_indices([Index("_", i.size) for i in equation.indices], equation.rhs)
    left = equation.lhs.xreplace(dict(zip(equation.indices, indices, strict=True)))
    sides = [(left, equation.at(indices))]
    plain = without_ones(sides[0][1])
    if plain != sides[0][1]:
        sides.append((left, plain))
    if any(log in {f.func for f in Mul.make_args(t)} for t in Add.make_args(sides[0][1])):
        sides.append((exp(left), exp(sides[0][1]).expand(deep=False, power_exp=True)))
    for name, right in sides:
        for atom in _atoms(right, set(indices)):
            value = _solve(name, right, atom)
            if value is not None and not (isinstance(atom, Indexed) and _divides(value)):
                sums = nodes_in(right, Binder)
                outside = frozenset(c for c in sums if not (c.has(atom) or atom.has(c)))
                yield Relation(equation.name, tuple(indices), atom, value, outside)
    row = elementary(sides[0][1])
    if row is not None and row.same_sign:
        # Of y = relu(u) it is as well known where y is positive: where u is.
        (inner,) = sides[0][1].args
        positive = Iverson(inner, ">", 0), Iverson(left, ">", 0)
        yield Relation(equation.name, tuple(indices), *positive, frozenset())


def _divides(expr: Expr) -> bool:
    return any(power.exp.could_extract_minus_sign() for power in nodes_in(expr, Pow))


def _atoms(expr: Expr, indices: set[Index]) -> list[Expr]:
    """The expression itself and its functions and roots, where they carry all the indices."""
    if isinstance(expr, Binder):
        return [expr]
    found = [expr] if not (expr.is_Symbol or expr.is_Number or isinstance(expr, Indexed)) else []
    found += [node for node in _outside_contractions(expr) if _is_atom(node) and node != expr]
    return [node for node in dict.fromkeys(found) if indices <= free_indices(node)]


def _outside_contractions(expr: Expr) -> Iterator[Expr]:
    yield expr
    if not isinstance(expr, Binder | Partial | Indexed | KroneckerDelta):
        for arg in expr.args:
            yield from _outside_contractions(arg)


def _is_atom(node: Expr) -> bool:
    if isinstance(node, Indexed):
        return True
    root = node.is_Pow and node.exp.is_Rational and not node.exp.is_Integer
    return root or elementary(node) is not None or isinstance(node, Binder)


def _solve(name: Expr, right: Expr, atom: Expr) -> Expr | None:
    """The atom from `name = right`, if the equation is linear in it after clearing fractions."""
    if atom == right:
        return name
    unknown = Dummy(real=True)
    above, below = fraction(together(right.xreplace({atom: unknown})))
    difference = expand_mul(name * below - above)
    slope, constant = difference.coeff(unknown, 1), difference.coeff(unknown, 0)
    is_linear = expand_mul(difference - slope * unknown - constant) == 0
    if slope == 0 or not is_linear or unknown in (slope.free_symbols | constant.free_symbols):
        return None
    return -constant / slope


@rule(
    "write a name for its definition",
    "exp(x_i)/σ = s_i",
    free="i",
    where="σ := 1_j exp(x_j); s_i = exp(x_i)/σ",
)
def fold(node: Expr, context: Context) -> Expr | None:
    """The definition is read from right to left, solved for one of its atoms."""
    for equation in context.graph.equations:
        for relation in relations(equation):
            after = relation.apply(node)
            if after != node:
                return after
    return None


def fold_rules(equation: Equation) -> list[Rule]:
    """One rule for each way to fold a definition back in."""
    return [_fold_by(relation) for relation in relations(equation)]


def fold_gradient(goal: Partial, result: Expr) -> Rule | None:
    """The rule that writes a gradient by its name where the contraction stands that it is."""
    sign, atom = result.as_coeff_Mul()
    if not isinstance(atom, Contraction) or abs(sign) != 1:
        return None
    indices = tuple(i for i in indices_of(goal.variable) if isinstance(i, Index))
    function, variable = name_of(goal.function), name_of(goal.variable)
    relation = Relation(variable, indices, atom, sign * goal, frozenset())
    return replace(_fold_by(relation), name=f"write ∂{function}/∂{variable} for its result")


def _fold_by(relation: Relation) -> Rule:
    def rewrite(node: Expr, _context: Context) -> Expr | None:
        after = relation.apply(node)
        return None if after == node else after

    return replace(fold, name=f"write {relation.name} for its definition", rewrite=rewrite)
