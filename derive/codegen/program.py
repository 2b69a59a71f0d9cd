"""A derivation as a program: assignments forward, and backward to the gradients.

Nothing here knows a language. An assignment is still an equation in index notation; adjoints,
`∂l/∂y_bh` on paper, are tensors with a name of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from sympy import Expr

from derive.calculus.derivation import Derivation
from derive.calculus.plan import SPARE_LETTERS, derive
from derive.codegen.adjoints import adjoint, adjoints
from derive.codegen.assignment import Assignment, CodeError
from derive.codegen.further import (
    Double,
    Further,
    Meaning,
    further,
    given_in_goal,
    is_further,
    partial_in,
)
from derive.codegen.outside import finite_outside
from derive.codegen.solution import solution
from derive.codegen.spread import spread, spread_goals
from derive.codegen.stable import Stable
from derive.expressions import Batch, Graph, Index, Opaque, Partial, Size, Tensor, nodes_in, tensor

__all__ = ["Assignment", "CodeError", "Program", "acts", "defined", "generic", "program"]

# Letters for the loss downstream of the outputs, the first one that the author does not use.
LOSSES = "lLJCE"


@dataclass(frozen=True)
class Program:
    """The forward and the backward pass of a graph.

    Attributes
    ----------
    derivation : where the backward pass comes from.
    inputs : the tensors of numbers and of labels that the forward pass takes, in order.
    outputs : what the forward pass returns; the backward pass takes an adjoint of each.
    wrt : the inputs whose gradients the backward pass returns.
    loss : the letter of the loss downstream.
    forward, backward : the assignments, each after those that it reads.
    further : other derivatives that were asked for, a function each.
    is_twice : whether the backward pass is to be differentiated again.
    double : the backward pass of the backward pass, where it is made and there is one.
    batch : the index of the examples, and what has it; None where the graph is for one example.
    """

    derivation: Derivation
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    wrt: tuple[str, ...]
    loss: str
    forward: tuple[Assignment, ...]
    backward: tuple[Assignment, ...]
    name: str = ""
    further: tuple[Further, ...] = ()
    is_twice: bool = False
    double: Double | None = None
    batch: Batch | None = None

    @property
    def batched(self) -> frozenset[str]:
        """The tensors whose first axis stands for any number of leading ones."""
        return self.batch.names if self.batch else frozenset()

    @property
    def graph(self) -> Graph:
        return self.derivation.graph

    @cached_property
    def work(self) -> tuple[Assignment, ...]:
        """All assignments; what several functions need is there once."""
        others = {a.name: a for each in self.further for a in each.work}
        double = self.double.work if self.double is not None else ()
        return (*self.forward, *self.backward, *others.values(), *double)

    @cached_property
    def meanings(self) -> dict[str, Meaning]:
        """For each tensor that is a derivative of a definition what it stands for."""
        return {n: meaning for each in self.further for n, meaning in each.meanings.items()}

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The letters that are labels, which the forward pass takes as whole numbers."""
        found = {i.name for a in self.work for i in nodes_in(a.expr, Index) if i.is_label}
        return tuple(sorted(found))

    @cached_property
    def functions(self) -> tuple[str, ...]:
        """The names of the functions of which nothing else is known."""
        return tuple(sorted({f.func.__name__ for a in self.work for f in nodes_in(a.expr, Opaque)}))

    def range_of(self, label: str) -> Expr | None:
        """The number of values that a label, or a tensor of labels, can have."""
        if label in self.graph.labels:
            return self.graph.label_range(label)
        every = {i for a in self.work for i in nodes_in(a.expr, Index) if i.name == label}
        return next((i.size for i in sorted(every, key=str) if i.size is not None), None)

    @cached_property
    def sizes(self) -> tuple[Size, ...]:
        """The sizes that are symbols, of axes and in expressions."""
        graph = self.graph
        axes = {graph.axis_size(n, k) for n in graph.names for k in range(graph.arity[n])}
        work = self.work
        found = {s for s in axes if isinstance(s, Size)}.union(
            *(nodes_in(a.expr, Size) for a in work)
        )
        bound = (i.size for a in work for i in nodes_in(a.expr, Index))
        return tuple(sorted(found | {s for s in bound if isinstance(s, Size)}, key=str))


def program(
    graph: Graph,
    wrt: Sequence[str] = (),
    *,
    goals: Sequence[Expr] = (),
    is_twice: bool = False,
    name: str = "",
    ranks: Mapping[str, int] | None = None,
    batch: Sequence[str] = (),
    title: str = "",
    references: Sequence[str] = (),
) -> Program:
    """The program that computes the outputs of a graph and their gradients.

    Parameters
    ----------
    graph : the definitions.
    wrt : the inputs to differentiate by; all that are tensors of numbers when left out.
    goals : derivatives that functions of their own return; gradients among them are left to the
        backward pass.
    is_twice : whether the backward pass is to be differentiated again where a target needs to be
        told how; so it is where a goal is a second derivative.
    name : what the whole is called in code.
    ranks : how many axes each multi-index stands for; one where left out.
    batch : the inputs and labels of which each example has its own; what is made of them has
        leading axes too, and the other inputs are shared.
    title, references : what the derivation is about.

    Raises
    ------
    CodeError : the graph has no output, or one of its definitions no form as code.
    DeriveError : a gradient cannot be derived.
    """
    _check(graph)
    goals = spread_goals([goal for goal in goals if is_further(goal, graph)], graph, ranks or {})
    graph = spread(graph, ranks or {})
    if batch and goals:
        raise CodeError("a batch has gradients alone", mend="leave out one of goals and batch")
    order = graph.names
    examples = Batch(graph, batch) if batch else None
    graph = examples.graph if examples else graph
    # For a batch the arguments have the order that they have for one example.
    inputs = tuple(name for name in dict.fromkeys((*order, *graph.names)) if name not in graph)
    wanted = tuple(wrt) or _acting(inputs, graph)
    loss = next(letter for letter in LOSSES if letter not in graph.names)
    others = _derived(graph, goals)
    gradients = [Partial(tensor(loss), generic(others.graph, name)) for name in wanted]
    derivation = derive(others.graph, gradients, title=title, references=tuple(references))
    added = [name for name in derivation.graph.order if name not in graph]
    stable = Stable()
    forward = tuple(stable(defined(derivation.graph, graph.order)))
    aside = stable(defined(derivation.graph, added))
    backward = adjoints(derivation, loss, wanted, adjoint)
    return Program(
        derivation,
        inputs,
        graph.outputs,
        wanted,
        loss,
        forward,
        (*aside, *(finite_outside(each, graph) for each in stable(backward))),
        name or "derived",
        tuple(replace(f, work=tuple(stable(f.work))) for f in further(others, graph)),
        is_twice or any(len(partial_in(goal).variables) > 1 for goal in goals),
        batch=examples,
    )


def _acting(inputs: Iterable[str], graph: Graph) -> tuple[str, ...]:
    """The inputs that are tensors of numbers and that an output depends on."""
    found = tuple(name for name in inputs if name in graph.inputs and acts(name, graph))
    if not found:
        raise CodeError(
            "the outputs are made of no tensor of numbers",
            mend="gradients are by inputs that an output is computed from",
        )
    return found


def _derived(graph: Graph, goals: Sequence[Expr]) -> Derivation:
    """The derivation of goals, in whose graph is all that they are contracted with."""
    goals = [graph.sized(goal) for goal in goals]
    about = [[goal] for goal in goals if given_in_goal(goal, graph)]
    if about:
        graph = Graph(graph.equations, letters=graph.letters, sizes=graph.declared, about=about)
    return derive(graph, goals)


def defined(graph: Graph, names: Iterable[str]) -> Iterator[Assignment]:
    """What computes the names that equations define."""
    for name in names:
        equation = graph[name]
        if equation.is_relation:
            yield solution(equation, graph)
        else:
            yield Assignment(equation.lhs, equation.rhs)


def _check(graph: Graph) -> None:
    if not graph.outputs:
        raise CodeError("nothing is defined, only abbreviated", mend="define an output")


def acts(name: str, graph: Graph) -> bool:
    """Whether an output depends on an input."""
    return any(name in graph.ancestors(output) for output in graph.outputs)


def generic(graph: Graph, name: str) -> Tensor:
    """A tensor with letters of its own, the author's where they are distinct."""
    letters: list[str] = []
    for axis in range(graph.arity[name]):
        preferred = (*graph.letters.get((name, axis), ()), *SPARE_LETTERS)
        letters.append(next(c for c in preferred if c not in letters and c.islower()))
    return graph.tensor(name, letters)
