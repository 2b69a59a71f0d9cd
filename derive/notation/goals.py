"""Read goals, and expressions about a graph that exists already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sympy import Expr

from derive.errors import DefinitionError, GoalError, NotationError
from derive.expressions import Graph, Index, Partial, free_indices
from derive.notation.bind import CONSTANTS, bind
from derive.notation.census import (
    Use,
    check_letters,
    check_uses,
    count_of_indices,
    places_of,
    subscripted,
    uses_in,
)
from derive.notation.comparisons import labels_in, with_positions
from derive.notation.contracted import contracted
from derive.notation.multi import check_ranks, shapes
from derive.notation.parse import parse, words
from derive.notation.read import bounded
from derive.notation.sizes import named_sizes
from derive.notation.source import Mistake, did_you_mean, normalise
from derive.notation.surface import source as read_source
from derive.notation.syntax import (
    Derivative,
    Group,
    Letter,
    Named,
    Node,
    Product,
    letters_used,
)

__all__ = ["read_expression", "read_goal"]

_PATTERN = "a goal is written `∂c/∂x_n` or `d c / d x_n`, a second derivative `∂²c/∂x_m∂x_n`"


def read_expression(
    text: str,
    graph: Graph,
    free: Iterable[str | Index] = (),
    name: str = "",
    *,
    lone: bool = False,
) -> Expr:
    """An expression in the names of a graph, such as the right-hand side of a line.

    The letters `free` are free, every other one is a dummy or a label. Names that the graph
    lacks are further inputs. A free index may be given with its size. Equations write out all
    free indices of a term; in an expression a factor outside may carry them. A `lone` letter,
    which runs over no axis of the expression, has the size of the axes that the equations use it
    for.

    >>> from derive.notation import read_graph
    >>> graph = read_graph("s_i = exp(x_i) / (1_j exp(x_j))")
    >>> read_expression("s_n (δ_nm - s_m)", graph, "nm")
    (KroneckerDelta(m, n) - s[m])*s[n]
    """
    letters = {normalise(str(index)): index for index in free}
    source = read_source(bounded(text, name), name)
    with source.reading():
        names = words(source.text).union(_names(graph))
        tree = parse(source.text, (0, len(source.text)), names, graph.multi)
    labels = labels_in([tree]) | _labels(graph)
    tree = with_positions(tree, letters.keys() | letters_used(tree), labels)
    uses = list(uses_in(0, source, tree))
    tensors = subscripted([tree]) | set(graph.names)
    check_uses(uses, tensors, graph.declared.values())
    _check_against(graph, uses)
    check_ranks(uses, graph)
    with source.reading():
        sizes = {
            **shapes(tree.letters, graph.multi),
            **(_sizes_of_letters(graph) if lone else {}),
            **named_sizes(graph.declared, graph.multi),
            **_sizes_in(letters),
        }
        expr = bind(tree, source, letters.keys(), tensors, sizes=sizes, factored=True)
    try:
        expr = graph.sized(expr)
    except DefinitionError as error:
        raise error.at(*places_of(error.subjects, uses)) from None
    known = [index for index in letters.values() if isinstance(index, Index)]
    return _resized(expr, known)


def _sizes_of_letters(graph: Graph) -> dict[str, Expr]:
    """The sizes of letters that the equations use for axes of one size.

    They are those of indices that run over no axis of the expression.
    """
    found: dict[str, set[Expr]] = {}
    for axis, letters in graph.letters.items():
        for letter in letters:
            if letter not in graph.multi:
                found.setdefault(letter, set()).add(graph.axis_size(*axis))
    return {letter: sizes.pop() for letter, sizes in found.items() if len(sizes) == 1}


def _sizes_in(letters: Mapping[str, str | Index]) -> dict[str, Expr]:
    """The sizes that free indices bring along."""
    found = {letter: getattr(index, "size", None) for letter, index in letters.items()}
    return {letter: size for letter, size in found.items() if size is not None}


def _resized(expr: Expr, known: list[Index]) -> Expr:
    """The expression with the given indices in place of the free ones of the same letters."""
    by_letter = {index.name: index for index in known if index.size is not None}
    found = {index for index in free_indices(expr) if index.name in by_letter}
    return expr.xreplace({index: by_letter[index.name] for index in found})


def _labels(graph: Graph) -> set[str]:
    """The labels of a graph, letters and tensors."""
    letters = (index for equation in graph.equations for index in equation.rhs.atoms(Index))
    return {index.name for index in letters if index.is_label}.union(graph.labels)


def _names(graph: Graph) -> set[str]:
    """The names of tensors, numbers and sizes in a graph."""
    return {*graph.names, *(size for size in graph.declared.values() if isinstance(size, str))}


def _check_against(graph: Graph, uses: Iterable[Use]) -> None:
    """Refuse uses that contradict the equations."""
    for use in uses:
        if use.role == "index":
            _check_label(graph, use)
            continue
        order = graph.arity.get(use.name, use.order)
        if order != use.order:
            raise NotationError(
                f"{use.name} has {count_of_indices(order)} in the equations and {use.order} here",
                mend="a tensor has one index for each of its axes, everywhere",
                places=(use.place,),
            )
        if use.name in graph.arity and (use.role == "labels") != (use.name in graph.labels):
            raise NotationError(
                f"{use.name} is {'' if use.role == 'tensor' else 'not '}a tensor of labels",
                mend="the entries of a tensor of labels are used as indices, and nowhere else",
                places=(use.place,),
            )


def _check_label(graph: Graph, use: Use) -> None:
    if use.name[0].isupper() and (graph.arity.get(use.name) == 0 or use.name in graph.labels):
        raise NotationError(
            f"{use.name} is no single label in the equations",
            mend="give the label another letter",
            places=(use.place,),
        )


def _check_held(node: Derivative, graph: Graph) -> None:
    for held in node.held:
        if held not in graph.names:
            raise Mistake(
                f"{held}, which is to be held fixed, is not in the equations",
                node.span,
                mend=did_you_mean(held, graph.names),
            )


def read_goal(text: str, graph: Graph, name: str = "") -> Expr:
    """What is asked for: `∂c/∂x_n`, `∂²c/∂x_m∂x_n`, or one of them contracted: `v_m ∂²c/∂x_m∂x_n`.

    The numerator is a definition, an abbreviation, or a scalar that the equations do not use,
    such as `l`: the loss further downstream, whose derivative is handed back. What a derivative
    is contracted with is a tensor of the equations or one that is given besides.

    >>> from derive.notation import read_graph
    >>> read_goal("∂c/∂x_n", read_graph("c = x_i x_i"))
    Partial(c, x[n])
    """
    source = read_source(bounded(text, name), name)
    with source.reading():
        known = words(source.text).union(_names(graph))
        tree = parse(source.text, (0, len(source.text)), known, graph.multi)
        goal, given = _factors(tree)
    check_ranks(uses_in(0, source, tree), graph)
    with source.reading(GoalError):
        partial = _partial(goal, graph)
        return contracted(partial, given, graph) if given else partial


def _bare(tree: Node) -> Node:
    while isinstance(tree, Group):
        tree = tree.inner
    return tree


def _factors(tree: Node) -> tuple[Derivative, list[Named]]:
    """The derivative in a goal, and what it is multiplied by."""
    tree = _bare(tree)
    factors = list(map(_bare, tree.factors)) if isinstance(tree, Product) else [tree]
    found = [factor for factor in factors if isinstance(factor, Derivative)]
    given = [factor for factor in factors if isinstance(factor, Named)]
    divided = isinstance(tree, Product) and any(tree.divides)
    if len(found) != 1 or len(given) != len(factors) - 1 or divided:
        raise Mistake("this is not a derivative of one tensor", tree.span, mend=_PATTERN)
    return found[0], given


def _partial(goal: Derivative, graph: Graph) -> Partial:
    """The derivative that a goal asks for, checked."""
    nodes = [goal]
    while isinstance(inner := _bare(nodes[-1].numerator), Derivative):
        nodes.append(inner)
    above = _named(nodes[-1].numerator)
    below = [_named(node.denominator) for node in nodes]
    for node in nodes:
        _check_held(node, graph)
        if node.held and len(nodes) > 1:
            raise Mistake("a second derivative holds nothing fixed", node.span, mend=_PATTERN)
    for variable in below:
        _check_variable(variable, graph)
    _check_function(above, graph)
    check_letters([slot for node in (above, *below) for slot in node.slots], "in a goal")
    found = _tensor(above, graph)
    for node, variable in zip(reversed(nodes), reversed(below), strict=True):
        found = Partial(found, _tensor(variable, graph), *node.held)
    return found


def _named(node: Node) -> Named:
    """One side of a goal."""
    node = _bare(node)
    if not isinstance(node, Named):
        raise Mistake(
            "a goal is the derivative of a name by a name",
            node.span,
            mend="give the expression a name in the equations",
        )
    return node


def _check_variable(below: Named, graph: Graph) -> None:
    """What a goal differentiates by is a tensor of the equations."""
    name = below.name
    known = [known for known in graph.names if known not in graph.labels]
    if name not in known:
        listed = f"the tensors are {', '.join(known)}"
        why = "a tensor of labels" if name in graph.labels else "not in the equations"
        raise Mistake(f"{name} is {why}", below.span, mend=did_you_mean(name, known) or listed)
    if name in graph and graph[name].kind == "abbreviation":
        raise Mistake(
            f"{name} is an abbreviation, and derivatives see through it",
            below.span,
            mend=f"define it with `{name} = …` to differentiate with respect to it",
        )
    _check_order(below, graph)


def _check_order(node: Named, graph: Graph) -> None:
    order = graph.arity[node.name]
    if len(node.slots) != order:
        raise Mistake(
            f"{node.name} has {count_of_indices(order)}, and here it has {len(node.slots)}",
            node.span,
            mend=f"write `{_example(node, order)}`",
        )


def _example(node: Named, order: int) -> str:
    """The name with as many letters as it has indices."""
    letters = [slot.name for slot in node.slots if isinstance(slot, Letter)]
    spare = [letter for letter in "nmpqrtuvwabk" if letter not in letters]
    subscript = "".join([*letters, *spare][:order])
    return f"{node.name}_{subscript}" if order else node.name


def _check_function(above: Named, graph: Graph) -> None:
    """What a goal differentiates is an equation's name, or the loss further downstream."""
    name = above.name
    if name in graph:
        _check_order(above, graph)
    elif name in graph.names or name in _names(graph):
        defined = ", ".join(equation.name for equation in graph.equations)
        raise Mistake(
            f"{name} is an input, so nothing is to be derived",
            above.span,
            mend=f"differentiate what an equation defines: {defined}",
        )
    else:
        _check_upstream(above, graph)


def _check_upstream(above: Named, graph: Graph) -> None:
    """A name that the equations do not use is a scalar downstream of them."""
    name, defined = above.name, [equation.name for equation in graph.equations]
    near = did_you_mean(name, [n for n in graph.names if len(n) > 1]) if len(name) > 1 else ""
    if above.slots or near or name in CONSTANTS:
        raise Mistake(
            f"{name} is not defined",
            above.span,
            mend=near or f"defined are {', '.join(defined)}; a loss downstream has no indices",
        )


def _tensor(node: Named, graph: Graph) -> Expr:
    letters = [slot.name for slot in node.slots if isinstance(slot, Letter)]
    return graph.tensor(node.name, letters)
