"""The rules of differentiation: each turns one partial derivative into simpler ones."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Expr, KroneckerDelta, Mul, S, log

from derive.calculus.context import Context
from derive.calculus.reductions import REDUCTIONS
from derive.calculus.rule import Rule, rule
from derive.expressions import (
    Contraction,
    Equation,
    Graph,
    Iverson,
    One,
    Partial,
    elementary,
    fresh_indices,
    indices_of,
    is_tensor,
    levelled,
    name_of,
    tensor,
)

__all__ = [
    "CHAIN",
    "EVALUATE",
    "STRUCTURE",
    "UNFOLD",
    "Link",
    "chain_rule",
    "graph_chain_rule",
    "known_first",
    "links",
    "short_output",
]

_U_V = "u_i := sin(x_i); v := 1_j x_j^2; w = a"


def _of(function: Expr, partial: Partial) -> Partial:
    """The same derivative of another function."""
    return Partial(function, partial.variable, *partial.held)


def _split(factors: tuple[Expr, ...], node: Partial, context: Context) -> tuple[Expr, Expr]:
    """The product of the factors that do not vary, and of those that do."""
    varying = [f for f in factors if context.varies(f, node)]
    return Mul(*(f for f in factors if f not in varying)), Mul(*varying)


def _fraction(expr: Expr) -> tuple[Expr, Expr]:
    """Numerator and denominator as they are written: `e^{-x}` is no denominator."""
    below = [
        factor**-1
        for factor in Mul.make_args(expr)
        if factor.is_Pow and factor.exp.is_Integer and factor.exp.is_negative
    ]
    denominator = Mul(*below)
    return expr * denominator, denominator


@rule("constant", "∂a/∂x_n = 0", free="n", where="y_i = a x_i", refuses=("∂x_T/∂x_n",))
def constant(node: Expr, context: Context) -> Expr | None:
    """What does not change with the variable has derivative zero."""
    if isinstance(node, Partial) and not context.varies(node.function, node):
        return S.Zero
    return None


@rule(
    "constant comparison",
    "∂[x_i > a]/∂x_n = 0",
    free="in",
    where="y_i = [x_i > a] x_i",
    refuses=("∂([x_i > a] x_i)/∂x_n",),
)
def constant_comparison(node: Expr, context: Context) -> Expr | None:
    """A comparison is constant but for jumps, where the derivative is taken to be zero too."""
    if isinstance(node, Partial) and isinstance(node.function, Iverson):
        return S.Zero
    return None


@rule(
    "derivative of itself", "∂x_i/∂x_n = δ_in", free="in", where="y_i = x_i", refuses=("∂a/∂x_n",)
)
def itself(node: Expr, context: Context) -> Expr | None:
    """An entry changes with itself alone, which one Kronecker delta an axis says."""
    if not (isinstance(node, Partial) and is_tensor(node.function) and is_tensor(node.variable)):
        return None
    if name_of(node.function) != name_of(node.variable):
        return None
    pairs = zip(indices_of(node.function), indices_of(node.variable), strict=True)
    return Mul(*(KroneckerDelta(a, b) for a, b in pairs))


@rule(
    "sum rule",
    "∂(u_i + x_i)/∂x_n = ∂u_i/∂x_n + ∂x_i/∂x_n",
    free="in",
    where=_U_V,
    refuses=("∂(u_i x_i)/∂x_n",),
)
def sum_rule(node: Expr, context: Context) -> Expr | None:
    """The derivative of a sum is the sum of the derivatives."""
    if isinstance(node, Partial) and node.function.is_Add:
        return Add(*(_of(term, node) for term in node.function.args))
    return None


@rule(
    "constant factor",
    "∂(a u_i)/∂x_n = a ∂u_i/∂x_n",
    free="in",
    where=_U_V,
    refuses=("∂(x_i u_i)/∂x_n",),
)
def constant_factor(node: Expr, context: Context) -> Expr | None:
    """A factor that does not change with the variable stays in front."""
    if not (isinstance(node, Partial) and node.function.is_Mul):
        return None
    fixed, varying = _split(node.function.args, node, context)
    return None if fixed is S.One else fixed * _of(varying, node)


@rule(
    "derivative under the sum",
    "∂(1_j sin(x_j))/∂x_n = 1_j ∂sin(x_j)/∂x_n",
    free="n",
    where=_U_V,
    refuses=("∂sin(1_j x_j)/∂x_n",),
)
def under_the_sum(node: Expr, context: Context) -> Expr | None:
    """A finite sum is differentiated term by term."""
    if not (isinstance(node, Partial) and isinstance(node.function, Contraction)):
        return None
    indices, body = node.function.open(node.variable)
    factors = Mul.make_args(body)
    ones = Mul(*(factor for factor in factors if isinstance(factor, One)))
    rest = Mul(*(factor for factor in factors if not isinstance(factor, One)))
    return Contraction(ones * _of(rest, node), *indices)


@rule(
    "quotient rule",
    "∂(u_i/v)/∂x_n = (1/v^2) (∂u_i/∂x_n v - u_i ∂v/∂x_n)",
    free="in",
    where=_U_V,
    refuses=("∂(u_i v)/∂x_n", "∂(1/v)/∂x_n"),
)
def quotient_rule(node: Expr, context: Context) -> Expr | None:
    """A quotient changes with its numerator and, against it, with its denominator."""
    if not isinstance(node, Partial):
        return None
    above, below = _fraction(node.function)
    if not (context.varies(above, node) and context.varies(below, node)):
        return None
    return below**-2 * (_of(above, node) * below - above * _of(below, node))


@rule(
    "product rule",
    "∂(u_i x_i v)/∂x_n = ∂u_i/∂x_n x_i v + u_i ∂x_i/∂x_n v + u_i x_i ∂v/∂x_n",
    free="in",
    where=_U_V,
    refuses=("∂(u_i/v)/∂x_n", "∂(u_i + v)/∂x_n"),
)
def product_rule(node: Expr, context: Context) -> Expr | None:
    """In a product, one factor changes at a time."""
    if not (isinstance(node, Partial) and node.function.is_Mul):
        return None
    if context.varies(_fraction(node.function)[1], node):
        return None
    factors = node.function.args
    return Add(
        *(_of(factor, node) * Mul(*(f for f in factors if f is not factor)) for factor in factors)
    )


@rule(
    "reciprocal rule",
    "∂(1/v)/∂x_n = -(1/v^2) ∂v/∂x_n",
    free="n",
    where=_U_V,
    refuses=("∂v/∂x_n", "∂(u_T/v)/∂x_n"),
)
def reciprocal_rule(node: Expr, context: Context) -> Expr | None:
    """A reciprocal falls as its denominator grows."""
    if not isinstance(node, Partial):
        return None
    above, below = _fraction(node.function)
    return -(below**-2) * _of(below, node) if above is S.One else None


@rule(
    "power rule",
    "∂(v^a)/∂x_n = a v^(a - 1) ∂v/∂x_n",
    free="n",
    where=_U_V,
    refuses=("∂(2^v)/∂x_n",),
)
def power_rule(node: Expr, context: Context) -> Expr | None:
    """The exponent comes down and falls by one, times the derivative of the base."""
    if not (isinstance(node, Partial) and node.function.is_Pow):
        return None
    base, exponent = node.function.base, node.function.exp
    if context.varies(exponent, node):
        return None
    return Mul(exponent, base ** (exponent - 1), _of(base, node))


@rule(
    "exponential rule",
    "∂(2^v)/∂x_n = 2^v ∂(v log(2))/∂x_n",
    free="n",
    where=_U_V,
    refuses=("∂(v^2)/∂x_n", "∂exp(v)/∂x_n"),
)
def exponential_rule(node: Expr, context: Context) -> Expr | None:
    """A power with a varying exponent grows by the logarithm of its base."""
    if not (isinstance(node, Partial) and node.function.is_Pow):
        return None
    base, exponent = node.function.base, node.function.exp
    if not context.varies(exponent, node):
        return None
    return node.function * _of(exponent * log(base), node)


@rule(
    "chain rule",
    "∂exp(v)/∂x_n = ∂exp(v)/∂v ∂v/∂x_n",
    free="n",
    where=_U_V,
    refuses=("∂exp(a)/∂a", "∂v/∂x_n"),
)
def chain_rule(node: Expr, context: Context) -> Expr | None:
    """The outer function by its argument, times the argument by the variable."""
    if not isinstance(node, Partial) or elementary(node.function) is None:
        return None
    if len(node.function.args) > 1:
        return None
    (inner,) = node.function.args
    if inner == node.variable:
        return None
    return Partial(node.function, inner) * _of(inner, node)


@rule(
    "elementary derivative",
    "∂sin(v)/∂v = cos(v)",
    free="n",
    where=_U_V,
    refuses=("∂sin(v)/∂x_n",),
)
def elementary_derivative(node: Expr, context: Context) -> Expr | None:
    """The derivative of an elementary function is in the table."""
    if not isinstance(node, Partial):
        return None
    row = elementary(node.function)
    if row is None or node.function.args != (node.variable,):
        return None
    return row.derivatives[0](node.variable)


@rule(
    "chain rule for several arguments",
    "∂max(v, x_T)/∂x_n = (1/2) (1 + sign(v - x_T)) ∂v/∂x_n + (1/2) (1 + sign(x_T - v)) ∂x_T/∂x_n",
    free="n",
    where=_U_V,
    refuses=("∂sin(v)/∂x_n", "∂v/∂x_n"),
)
def several_arguments(node: Expr, context: Context) -> Expr | None:
    """Each argument moves the function by the derivative that is in the table."""
    row = elementary(node.function) if isinstance(node, Partial) else None
    if row is None or row.arity == 1:
        return None
    arguments = node.function.args
    return Add(
        *(
            # The arguments may carry different indices.
            levelled(derivative(*arguments)) * _of(argument, node)
            for derivative, argument in zip(row.derivatives, arguments, strict=True)
            if context.varies(argument, node)
        )
    )


@rule("definition", "∂v/∂x_n = ∂(1_j x_j^2)/∂x_n", free="n", where=_U_V, refuses=("∂x_T/∂x_n",))
def definition(node: Expr, context: Context) -> Expr | None:
    """A name stands for its definition."""
    if not (isinstance(node, Partial) and is_tensor(node.function)):
        return None
    name = name_of(node.function)
    if name not in context.graph or (is_tensor(node.variable) and name == name_of(node.variable)):
        return None
    equation = context.graph[name]
    if equation.is_relation or context.has_stage(node):
        return None
    return _of(equation.at(indices_of(node.function)), node)


@rule("known result", "∂x_i/∂x_n = δ_in", free="in", where="y_i = x_i")
def known_result(node: Expr, context: Context) -> Expr | None:
    """An earlier stage has derived it."""
    return context.result(node) if isinstance(node, Partial) else None


@rule(
    "known first derivative",
    "∂²v/∂x_m∂x_n = ∂(2 x_n)/∂x_m",
    free="mn",
    where="v = 1_j x_j^2",
    refuses=("∂v/∂x_n",),
)
def known_first(node: Expr, context: Context) -> Expr | None:
    """The second derivative is the derivative of the first, which an earlier stage has found."""
    if not (isinstance(node, Partial) and isinstance(node.function, Partial)):
        return None
    first = context.recorded(node.function)
    return None if first is None else _of(first, node)


@rule(
    "chain rule through the graph",
    "∂c/∂x_n = ∂c/∂s_i ∂s_i/∂x_n",
    free="n",
    where="s_i = sin(x_i); c = 1_j s_j^2",
    refuses=("∂c/∂s_n", "∂s_T/∂x_n"),
)
def graph_chain_rule(node: Expr, context: Context) -> Expr | None:
    """The variable acts through each definition that uses it, one contracted term for each."""
    if not (isinstance(node, Partial) and is_tensor(node.function) and not node.held):
        return None
    terms = [_through(link, node) for link in links(node, context.graph, context.output)]
    return None if not terms or node in terms else Add(*terms)


@dataclass(frozen=True)
class Link:
    """A definition that the chain rule goes through, with the names held for its derivative."""

    equation: Equation
    held: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.equation.name


def links(node: Partial, graph: Graph, output: str | None) -> list[Link]:
    """The definitions through which a variable acts on a function.

    These are the definitions that use the variable; for a loss downstream of a short graph it is
    the output.
    """
    function, variable = name_of(node.function), name_of(node.variable)
    if function not in graph and output is not None:
        return [Link(graph[output])]
    ends = (function,) if function in graph else graph.outputs
    return [
        Link(equation, _held(equation.name, variable, graph))
        for equation in graph.consumers(variable)
        if (equation.kind != "abbreviation" or equation.name == function)
        and graph.leads_to(equation.name, ends)
    ]


def short_output(variable: str, graph: Graph) -> str | None:
    """The one output that depends on the variable, by at most one definition in between."""
    moved = [n for n in graph.order if variable in graph.ancestors(n)]
    moved = [n for n in moved if graph.leads_to(n, graph.outputs)]
    nodes = [name for name in moved if graph[name].kind != "abbreviation"]
    outputs = [name for name in nodes if name in graph.outputs]
    return outputs[0] if len(outputs) == 1 and len(nodes) <= 2 else None


def _held(name: str, variable: str, graph: Graph) -> tuple[str, ...]:
    """The definitions to hold fixed for the derivative of one definition by itself."""
    parents = graph.parents(name) - {variable}
    return tuple(sorted(p for p in parents if variable in graph.ancestors(p)))


def _through(link: Link, node: Partial) -> Expr:
    """The part of a derivative that goes through one definition."""
    if link.name == name_of(node.function):
        return Partial(node.function, node.variable, *link.held)
    indices = fresh_indices(link.equation.indices, node)
    between = tensor(link.name, *indices)
    return Contraction(
        Partial(node.function, between) * Partial(between, node.variable, *link.held), *indices
    )


UNFOLD: tuple[Rule, ...] = (definition,)
STRUCTURE: tuple[Rule, ...] = (
    constant_comparison,
    constant,
    sum_rule,
    constant_factor,
    under_the_sum,
    quotient_rule,
    product_rule,
    reciprocal_rule,
    power_rule,
    *REDUCTIONS,
)
CHAIN: tuple[Rule, ...] = (chain_rule, several_arguments, exponential_rule)
EVALUATE: tuple[Rule, ...] = (
    *STRUCTURE,
    elementary_derivative,
    itself,
    known_result,
    *CHAIN,
    definition,
)
