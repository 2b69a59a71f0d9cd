"""The Python interface: gradients of equations given as text or as SymPy expressions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from io import StringIO

from rich.console import Console
from sympy import Eq, Expr, IndexedBase

from derive import exports
from derive.calculus.derivation import Derivation as Record
from derive.calculus.derivation import Detail, Stage
from derive.calculus.plan import SPARE_LETTERS, derive
from derive.errors import DefinitionError, GoalError
from derive.expressions import (
    Equation,
    Graph,
    Index,
    Shape,
    from_sympy,
    is_tensor,
)
from derive.expressions.multi import multi_letters
from derive.matrix import MatrixLine, NoMatrixLine, matrix_line
from derive.notation import read_goal, read_graph
from derive.notation.arrange import Sums
from derive.notation.multi import declared_letters
from derive.notation.subscripts import spelled
from derive.notation.surface import as_text
from derive.notation.write import write_text
from derive.problems import load_problem

__all__ = ["Derivation", "derivation", "gradient", "load"]


_INDEX = re.compile(r"[^\W\d_][\u0300-\u036f]*'*")


class Derivation(Record):
    """A derivation that shows itself: as text, LaTeX, Markdown, and as mathematics in a notebook.

    `stages`, `goals`, `graph` and `result` are those of the record it extends.
    """

    def text(
        self,
        *,
        detail: Detail = "article",
        width: int = 100,
        sums: Sums = "einstein",
        matrix: exports.Matrix = "goals",
    ) -> str:
        """What `derive show` prints; `sums="sigma"` shows sums with a sum sign."""
        stream = StringIO()
        console = Console(file=stream, width=width)
        options = exports.Options(detail=detail, sums=sums, matrix=matrix)
        exports.terminal(self, options, console=console)
        return stream.getvalue()

    def latex(
        self,
        *,
        detail: Detail = "article",
        reasons: bool = False,
        sums: Sums = "einstein",
        matrix: exports.Matrix = "goals",
    ) -> str:
        """One `aligned` block a stage, to paste into an article."""
        options = exports.Options(detail=detail, reasons=reasons, sums=sums, matrix=matrix)
        return exports.latex(self, options)

    def markdown(
        self,
        *,
        detail: Detail = "article",
        reasons: bool = False,
        sums: Sums = "einstein",
        matrix: exports.Matrix = "goals",
    ) -> str:
        """Markdown with the mathematics in `$$` blocks."""
        options = exports.Options(detail=detail, reasons=reasons, sums=sums, matrix=matrix)
        return exports.markdown(self, options)

    def matrix(self, stage: Stage | None = None) -> MatrixLine | NoMatrixLine:
        """A stage's goal and result in matrix notation, or why there is no such form.

        The stage is the last one when left out.

        >>> print(gradient("y = x_i a_ij x_j", "x").matrix())
        ∂y/∂x = a x + aᵀ x
        """
        return matrix_line(stage or self.stages[-1], self.graph)

    def _repr_markdown_(self) -> str:
        return self.markdown(reasons=True)

    def _repr_latex_(self) -> str:
        blocks = (exports.latex_block(stage, self.graph) for stage in self.stages)
        return "\n".join(f"$$\n{block}\n$$" for block in blocks)

    def __str__(self) -> str:
        return self.text()


def _shown(record: Record) -> Derivation:
    return Derivation(**{field.name: getattr(record, field.name) for field in fields(record)})


Equations = str | Sequence[str | Eq | Equation]


def load(name: str) -> Derivation:
    """The derivation of a catalogue entry, or of a derivation file.

    >>> load("cross-entropy").result
    (-KroneckerDelta(T, n) + s[n])*Partial(l, c)
    """
    problem = load_problem(name)
    return _shown(
        derive(
            problem.graph,
            problem.goals,
            name=problem.name,
            title=problem.title,
            references=problem.references,
        )
    )


def derivation(
    equations: Equations,
    goals: str | Expr | Sequence[str | Expr],
    *,
    sizes: Mapping[str, str | int] | None = None,
    multi: Sequence[str] = (),
    title: str = "",
) -> Derivation:
    """The derivation of one or several goals from equations.

    Parameters
    ----------
    equations : text in the notation, or a list of texts, SymPy `Eq` or `Equation` objects.
    goals : derivatives such as `∂c/∂x_n` and `∂²c/∂x_m∂x_n`, or these contracted with given
        tensors as in `v_m ∂²c/∂x_m∂x_n`, as text or as objects.
    sizes : for an index letter the name or number of its values.
    multi : the index letters that stand for any number of axes.

    Raises
    ------
    DeriveError : the equations or goals are not well formed, or nothing can be derived.
    """
    graph = _graph(equations, sizes, multi)
    wanted = [goals] if isinstance(goals, str | Expr) else list(goals)
    return _shown(derive(graph, [_goal(goal, graph) for goal in wanted], title=title))


def gradient(
    equations: Equations,
    wrt: str | Expr,
    of: str | Expr | None = None,
    *,
    sizes: Mapping[str, str | int] | None = None,
    multi: Sequence[str] = (),
) -> Derivation:
    """The derivation of the gradient of one name with respect to another.

    Parameters
    ----------
    equations : as for `derivation`.
    wrt : a tensor, by name (`"x"`) or with its indices (`"x_n"` or `x[n]`).
    of : the tensor to differentiate; the one that no other definition uses when left out.

    >>> gradient("s_i = exp(x_i)/(1_j exp(x_j)); c = -log(s_T)", "x").result
    -KroneckerDelta(T, n) + s[n]
    """
    graph = _graph(equations, sizes, multi)
    variable = _written(wrt, graph, "")
    function = _written(_output(graph) if of is None else of, graph, variable)
    if of is not None and re.split(r"[_\[]", function)[0] not in graph:
        raise GoalError(
            f"{function} is not defined",
            mend=f"the definitions are of {', '.join(graph.order)}; for the backpropagated "
            "gradient of a loss downstream of them ask for a goal such as ∂l/∂x_n",
        )
    return _shown(derive(graph, [read_goal(f"∂{function}/∂{variable}", graph)]))


def _output(graph: Graph) -> str:
    if len(graph.outputs) == 1:
        return graph.outputs[0]
    if not graph.outputs:
        raise GoalError("nothing is defined, only abbreviated", mend="say what to differentiate")
    raise GoalError(
        f"several names are used by no other: {', '.join(graph.outputs)}",
        mend="say which one to differentiate (`of`, on the command line `--of`)",
    )


def _written(what: str | Expr, graph: Graph, used: str) -> str:
    """A tensor in the notation, with indices where only its name is given."""
    text = spelled(as_text(what)) if isinstance(what, str) else _name_or_tensor(what, graph)
    order = graph.arity.get(text, 0)
    own = [index.name for index in graph[text].indices] if text in graph else []
    taken = {letter for letters in graph.letters.values() for letter in letters}
    taken |= {index.name for equation in graph.equations for index in equation.indices}
    spare = iter(s for s in SPARE_LETTERS[order > 1 :] if s not in {*taken, *graph.names, *used})
    elsewhere = set(_INDEX.findall(used.partition("_")[2]))
    letters = own if own and not set(own) & {*elsewhere, *used} else []
    for axis in range(order - len(letters)):
        size = graph.axis_size(text, axis)
        several = multi_letters(size, graph) if isinstance(size, Shape) else spare
        letters.append(next((s for s in several if s not in {*letters, *elsewhere}), ""))
    return f"{text}_{{{','.join(letters)}}}" if letters else text


def _name_or_tensor(what: Expr, graph: Graph) -> str:
    if isinstance(what, IndexedBase):
        return str(what.label)
    if not isinstance(what, Expr):
        raise GoalError(f"{what!r} is no tensor", mend="name it, as in `x`, or write `x[n]`")
    return write_text(from_sympy(what), graph)


def _graph(
    equations: Equations, sizes: Mapping[str, str | int] | None, multi: Sequence[str]
) -> Graph:
    if isinstance(equations, Eq | Equation):
        equations = [equations]
    if not isinstance(equations, Sequence):
        raise DefinitionError(f"{equations!r} defines nothing", mend="give equations, in a list")
    if isinstance(equations, str):
        return read_graph(equations, sizes=sizes, multi=multi)
    texts = [equation for equation in equations if isinstance(equation, str)]
    if len(texts) == len(equations):
        return read_graph(texts, sizes=sizes, multi=multi)
    if texts:
        raise DefinitionError(
            "equations are given as text and as objects at once", mend="use one of the two"
        )
    several = declared_letters(multi)
    converted = [_equation(equation, several) for equation in equations]
    letters: dict[tuple[str, int], tuple[str, ...]] = {
        (equation.name, axis): (index.name,)
        for equation in converted
        for axis, index in enumerate(equation.indices)
    }
    return Graph(converted, letters=letters, sizes=sizes, multi=several)


def _equation(given: object, multi: Sequence[str]) -> Equation:
    """An equation from a SymPy `Eq`, or with its symbols made the project's own."""
    several = {Index(letter): Index(letter, Shape(letter)) for letter in multi}
    if isinstance(given, Equation):
        left, right = (from_sympy(side).xreplace(several) for side in (given.lhs, given.rhs))
        return Equation(left, right, given.kind)
    if isinstance(given, Eq):
        left, right = (from_sympy(side).xreplace(several) for side in (given.lhs, given.rhs))
        if is_tensor(left):
            return Equation(left, right)
    raise DefinitionError(
        f"{given} defines nothing", mend="write Eq(s[i], ...) with a tensor on the left"
    )


def _goal(goal: str | Expr, graph: Graph) -> Expr:
    return read_goal(goal, graph) if isinstance(goal, str) else graph.sized(from_sympy(goal))
