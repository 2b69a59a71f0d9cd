"""The plan: which stages lead from the equations to a goal, and the lines of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sympy import Expr
from sympy.core.sorting import default_sort_key

from derive.calculus.complete import with_inverses
from derive.calculus.context import Context, Key, key_of
from derive.calculus.conventions import conventions
from derive.calculus.derivation import Derivation, Stage
from derive.calculus.derivative import (
    CHAIN,
    EVALUATE,
    STRUCTURE,
    UNFOLD,
    Link,
    graph_chain_rule,
    links,
    short_output,
)
from derive.calculus.determinant import DETERMINANTS
from derive.calculus.engine import Log
from derive.calculus.facts import FACT, Facts
from derive.calculus.fold import fold_gradient, fold_rules
from derive.calculus.index_algebra import INDICES
from derive.calculus.inverse import contract_inverse
from derive.calculus.relation import (
    differentiate_and_divide,
    differentiate_relation,
    multiply_by_inverse,
)
from derive.calculus.rule import Rule
from derive.calculus.tidy import tidy
from derive.errors import DerivationError, GoalError
from derive.expressions import Graph, Index, Partial, Tensor, indices_of, is_tensor, name_of

__all__ = ["derive"]

SPARE_LETTERS = "npqrijkmabcdfghstuvwxyz"


def derive(
    graph: Graph,
    goals: Sequence[Partial],
    *,
    name: str = "",
    title: str = "",
    references: Sequence[str] = (),
) -> Derivation:
    """The stages that lead to the goals, each built on those before it.

    Raises
    ------
    GoalError : a goal names what the equations do not.
    DerivationError : no rule applies, or the work grows beyond its bound.
    """
    graph = with_inverses(graph, _between(graph, goals))
    # The sizes of axes are called after the first of them, which may be one of a new name.
    goals = [graph.sized(goal) for goal in goals]
    planner = _Planner(graph)
    for goal in goals:
        planner.start(goal)
    stages = tuple(planner.stages)
    return Derivation(
        graph, tuple(goals), stages, name, title, tuple(references), conventions(graph)
    )


def _between(graph: Graph, goals: Sequence[Partial]) -> list[str]:
    """The defined names whose derivatives the goals need."""
    needed = {n for goal in goals for n in graph.order if _is_between(n, goal, graph)}
    return [name for name in graph.order if name in needed]


def _is_between(name: str, goal: Partial, graph: Graph) -> bool:
    """Whether the variable of a goal acts on its function through the name."""
    function = name_of(goal.function)
    ends = {function} if function in graph else set(graph.outputs)
    reached = ends.union(*(graph.ancestors(end) for end in ends))
    return name in reached and name_of(goal.variable) in graph.ancestors(name)


class _Planner:
    """Derives what a goal needs before the goal itself, each stage once."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.known: dict[Key, tuple[Partial, Expr]] = {}
        self.stages: list[Stage] = []
        self.folds = {equation.name: fold_rules(equation) for equation in graph.equations}
        self.chain_rule_shown = False
        self.facts = Facts(graph, self.folds)
        self.goal_indices: tuple[Index, ...] = ()
        self.output: str | None = None

    def start(self, goal: Partial) -> None:
        """Derive a goal that was asked for."""
        self.goal_indices = indices_of(goal.function) + indices_of(goal.variable)
        self.output = short_output(name_of(goal.variable), self.graph)
        self.reach(goal)

    def reach(self, goal: Partial) -> None:
        """Derive the goal, unless an earlier stage has."""
        if key_of(goal) in self.known:
            return
        context = Context(self.graph, goal, self.known, self.output)
        for needed in self._needs(goal):
            self.reach(needed)
        stage = self._stage(goal, context)
        self.known[key_of(goal)] = (goal, stage.result)
        for fact in self._facts_used(stage):
            if fact not in self.stages:
                self.stages.append(fact)
        self.stages.append(stage)

    def _facts_used(self, stage: Stage) -> Iterator[Stage]:
        """The facts that a stage rests on, each after those that it rests on itself."""
        for step in stage.steps:
            if step.rule.name == FACT:
                for fact in self.facts.used_in(step.before):
                    yield from self._facts_used(fact)
                    yield fact

    def _needs(self, goal: Partial) -> Iterator[Partial]:
        """The derivatives that the chain rule or the definition brings in."""
        function, variable = name_of(goal.function), name_of(goal.variable)
        through = [] if goal.held else links(goal, self.graph, self.output)
        if function not in self.graph and not through:
            raise GoalError(
                f"no output depends on {variable}",
                mend="ask for the derivative by a tensor that an output is made of",
            )
        if not through or (function in self.graph and through == [Link(self.graph[function])]):
            yield from self._abbreviated(goal)
            return
        for link in through:
            local = self._goal(link.name, goal.variable, link.held)
            if link.name == function or self._is_given(goal, link):
                yield local
            elif function in self.graph:
                yield from (local, self._goal_by(goal, link.name))
            else:
                # Adjoint by adjoint, from the outputs back.
                yield from (self._goal_by(goal, link.name), local)

    def _is_given(self, goal: Partial, link: Link) -> bool:
        """Whether the derivative by a name is the upstream gradient itself."""
        return name_of(goal.function) not in self.graph and link.name in self.graph.outputs

    def _abbreviated(self, goal: Partial) -> Iterator[Partial]:
        """The derivatives of the abbreviations in a definition."""
        variable = name_of(goal.variable)
        name = name_of(goal.function)
        if name not in self.graph:
            return
        for used in self.graph.order:
            if (
                used in self.graph.mentions(name)
                and self.graph[used].kind == "abbreviation"
                and variable in self.graph.ancestors(used)
            ):
                yield self._goal(used, goal.variable, goal.held)

    def _goal(self, name: str, variable: Tensor, held: tuple[str, ...]) -> Partial:
        """The derivative of a definition by the variable, in letters that do not clash."""
        return Partial(self._tensor(name, indices_of(variable)), variable, *held)

    def _goal_by(self, goal: Partial, name: str) -> Partial:
        """The derivative of the goal's function by another name."""
        return Partial(goal.function, self._tensor(name, indices_of(goal.function)))

    def _tensor(self, name: str, taken: Sequence[Index]) -> Tensor:
        """A tensor in the author's letters for its axes, or in others where those are taken."""
        letters: list[str] = []
        for axis in range(self.graph.arity[name]):
            used = {index.name for index in taken} | set(letters)
            letters.append(next(c for c in self._candidates(name, axis) if c not in used))
        return self.graph.tensor(name, letters)

    def _candidates(self, name: str, axis: int) -> Iterator[str]:
        """Letters for an axis: its own, those of axes as long, those of nothing else."""
        if name in self.graph:
            yield self.graph[name].indices[axis].name
        yield from self.graph.letters.get((name, axis), ())
        size = self.graph.axis_size(name, axis)
        for (other, position), letters in self.graph.letters.items():
            if self.graph.axis_size(other, position) == size:
                yield from letters
        yield from (index.name for index in self.goal_indices if index.size == size)
        elsewhere = {letter for letters in self.graph.letters.values() for letter in letters}
        elsewhere |= {index.name for index in self.goal_indices} | set(self.graph.names)
        yield from (letter for letter in SPARE_LETTERS if letter not in elsewhere)

    def _stage(self, goal: Partial, context: Context) -> Stage:
        log = Log(goal, context)
        if log.once((graph_chain_rule,)):
            log.line()
        elif (name := name_of(goal.function)) in self.graph and self.graph[name].is_relation:
            self._relation_lines(log, name)
        else:
            self._definition_lines(log)
        log.exhaust((*DETERMINANTS, *EVALUATE))
        self._check_done(log.expr)
        log.line()
        log.exhaust(INDICES)
        log.line()
        log.record(tidy(log.expr, context, self._folds(goal)))
        log.line()
        return Stage(goal, tuple(log.lines), _title(goal, self.graph))

    def _relation_lines(self, log: Log, name: str) -> None:
        """From the differentiated relation to the derivatives of what else stands in it."""
        if log.once((multiply_by_inverse,)):
            log.line()
        if not log.once((differentiate_relation, differentiate_and_divide)):
            raise DerivationError(
                f"no term with the derivative of {name} isolates in the relation for {name}",
                mend="it isolates where it is multiplied entry by entry, or by one matrix over one "
                "index",
            )
        log.line()

    def _check_done(self, expr: Expr) -> None:
        """Refuse a derivative that no rule has taken out, except the upstream gradient."""
        for partial in sorted(expr.atoms(Partial), key=default_sort_key):
            function = partial.function
            if not is_tensor(function) or name_of(function) in self.graph.arity:
                raise DerivationError(
                    f"no rule differentiates {function.func.__name__}",
                    mend="write it with functions that the notation knows",
                )

    def _folds(self, goal: Partial) -> list[Rule]:
        """The ways to use facts, and to write the names at hand for their definitions.

        At hand are the goal's function, the definitions that the chain rule goes through, and
        what these are directly made of: a number of names that does not grow with the graph.
        """
        through = [] if goal.held else links(goal, self.graph, self.output)
        names = {link.name for link in through} | {name_of(goal.function)}
        names = names.union(*(self.graph.mentions(name) for name in names if name in self.graph))
        used = [name for name in reversed(self.graph.order) if name in names]
        folds = [rule for name in used for rule in self.folds[name]]
        adjoints = (
            self._adjoints(goal) if any(link.equation.is_relation for link in through) else []
        )
        return [self.facts.rule, contract_inverse, *adjoints, *folds]

    def _adjoints(self, goal: Partial) -> list[Rule]:
        """The gradients that are known already: beside a solution stands that of its right side."""
        found = [
            fold_gradient(known, result)
            for known, result in self.known.values()
            if known.function == goal.function and name_of(known.function) not in self.graph
        ]
        return [rule for rule in found if rule is not None]

    def _definition_lines(self, log: Log) -> None:
        """From the definition to elementary derivatives; the chain rule is spelled out once."""
        log.exhaust(UNFOLD)
        if log.exhaust((*DETERMINANTS, *STRUCTURE)):
            log.line()
        if not self.chain_rule_shown and log.exhaust(CHAIN):
            log.line()
            self.chain_rule_shown = True


def _title(goal: Partial, graph: Graph) -> str:
    function, variable = name_of(goal.function), name_of(goal.variable)
    held = f" with {', '.join(goal.held)} held fixed" if goal.held else ""
    if function not in graph:
        return f"Backpropagated gradient with respect to {variable}"
    return f"Derivative of {function} with respect to {variable}{held}"
