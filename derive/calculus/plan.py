"""The plan: which stages lead from the equations to a goal, and the lines of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sympy import Expr, Indexed, Mul, S
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
    known_first,
    links,
    short_output,
)
from derive.calculus.determinant import DETERMINANTS
from derive.calculus.engine import Log
from derive.calculus.facts import FACT, Facts
from derive.calculus.fold import fold_gradient, fold_rules
from derive.calculus.goal import check_second, opened, title_of
from derive.calculus.index_algebra import INDICES
from derive.calculus.index_arithmetic import fits_its_axes
from derive.calculus.inverse import contract_inverse
from derive.calculus.relation import (
    differentiate_and_divide,
    differentiate_relation,
    multiply_by_inverse,
)
from derive.calculus.rule import Rule
from derive.calculus.tidy import tidy
from derive.errors import DerivationError, GoalError
from derive.expressions import (
    Graph,
    Index,
    Partial,
    Shape,
    Tensor,
    indices_of,
    is_tensor,
    name_of,
    nodes_in,
    tensors_in,
)
from derive.expressions.multi import multi_letters

__all__ = ["derive"]

SPARE_LETTERS = "npqrijkmabcdfghstuvwxyz"


def derive(
    graph: Graph,
    goals: Sequence[Expr],
    *,
    name: str = "",
    title: str = "",
    references: Sequence[str] = (),
) -> Derivation:
    """The stages that lead to the goals, each built on those before it.

    A goal is a derivative, or a product of one with tensors, summed over indices they share.

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


def _between(graph: Graph, goals: Sequence[Expr]) -> list[str]:
    """The defined names whose derivatives the goals need."""
    pairs = [
        (name_of(partial.root), name_of(variable))
        for goal in goals
        for partial in nodes_in(goal, Partial)
        for variable in partial.variables
    ]
    return [name for name in graph.order if any(_is_between(name, *pair, graph) for pair in pairs)]


def _is_between(name: str, function: str, variable: str, graph: Graph) -> bool:
    """Whether a variable acts on a function through the name."""
    ends = (function,) if function in graph else graph.outputs
    return variable in graph.ancestors(name) and graph.leads_to(name, ends)


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

    def start(self, goal: Expr) -> None:
        """Derive a goal that was asked for."""
        partial = self._derivative(goal)
        check_second(partial, self.graph)
        self.goal_indices = partial.indices
        self.output = short_output(name_of(partial.variable), self.graph)
        self.reach(partial)
        if goal != partial and all(stage.goal != goal for stage in self.stages):
            context = Context(self.graph, partial, self.known, self.output)
            self._append(self._stage(goal, partial, context))

    def _derivative(self, goal: Expr) -> Partial:
        """The derivative in a goal, with letters of its own for indices that are summed over."""
        if isinstance(goal, Partial):
            return goal
        factors = [f for part in Mul.make_args(goal) for f in opened(part)]
        (partial,) = [factor for factor in factors if isinstance(factor, Partial)]
        taken = [i for i in partial.indices if not i.name.startswith("_")]
        for index in partial.indices:
            if index not in taken:
                axes = [
                    (t, n)
                    for t in (partial.root, *partial.variables)
                    for n, slot in enumerate(indices_of(t))
                    if slot == index
                ]
                letters = self._candidates(name_of(axes[0][0]), axes[0][1])
                names = {other.name for other in taken}
                letter = Index(next(c for c in letters if c not in names), index.size)
                partial = partial.xreplace({index: letter})
                taken.append(letter)
        return partial

    def reach(self, goal: Partial) -> None:
        """Derive the goal, unless an earlier stage has."""
        if key_of(goal) in self.known:
            return
        context = Context(self.graph, goal, self.known, self.output)
        for needed in self._needs(goal):
            self.reach(needed)
        stage = self._stage(goal, goal, context)
        self.known[key_of(goal)] = (goal, stage.result)
        self._append(stage)

    def _append(self, stage: Stage) -> None:
        """Add a stage behind the facts that it rests on."""
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
        if isinstance(goal.function, Partial):
            yield from self._needs_of_second(goal, goal.function)
            return
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

    def _needs_of_second(self, goal: Partial, first: Partial) -> Iterator[Partial]:
        """The first derivative, and by the other variable all that its result is made of."""
        yield first
        _, result = self.known[key_of(first)]
        moved = {name_of(node) for node in tensors_in(result.xreplace(_without_partials(result)))}
        variable = name_of(goal.variable)
        for name in self.graph.in_order(moved):
            if variable in self.graph.ancestors(name):
                yield self._goal(name, goal.variable, ())
        for inner in sorted(nodes_in(result, Partial), key=default_sort_key):
            if key_of(inner) in self.known:
                by = self._tensor(name_of(inner.variable), goal.indices)
                yield Partial(Partial(first.root, by), goal.variable)

    def _is_given(self, goal: Partial, link: Link) -> bool:
        """Whether the derivative by a name is the upstream gradient itself."""
        return name_of(goal.function) not in self.graph and link.name in self.graph.outputs

    def _abbreviated(self, goal: Partial) -> Iterator[Partial]:
        """The derivatives of the abbreviations in a definition."""
        variable = name_of(goal.variable)
        name = name_of(goal.function)
        if name not in self.graph:
            return
        for used in self.graph.in_order(self.graph.mentions(name)):
            is_short = self.graph[used].kind == "abbreviation"
            if is_short and variable in self.graph.ancestors(used):
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
        if isinstance(size, Shape):
            yield from multi_letters(size, self.graph)
            return
        for (other, position), letters in self.graph.letters.items():
            if self.graph.axis_size(other, position) == size:
                yield from letters
        yield from (index.name for index in self.goal_indices if index.size == size)
        elsewhere = {letter for letters in self.graph.letters.values() for letter in letters}
        elsewhere |= {index.name for index in self.goal_indices} | set(self.graph.names)
        yield from (letter for letter in SPARE_LETTERS if letter not in elsewhere)

    def _stage(self, goal: Expr, partial: Partial, context: Context) -> Stage:
        """The lines from a goal to its result; `partial` is the derivative in the goal."""
        log = Log(goal, context)
        if goal == partial:
            self._first_lines(log)
        log.exhaust((*DETERMINANTS, *EVALUATE))
        self._check_done(log.expr, context)
        log.line()
        log.exhaust(INDICES)
        log.line()
        log.record(tidy(log.expr, context, self._folds(partial, log.expr)))
        log.line()
        self._check_ranges(log)
        return Stage(goal, tuple(log.lines), title_of(goal, partial, self.graph))

    def _check_ranges(self, log: Log) -> None:
        """Refuse a letter over an axis of another size, as where `x_{i+1}` meets i = n - 1."""
        leaves = {leaf for line in log.lines for leaf in nodes_in(line.expr, Indexed)}
        strays = [name_of(leaf) for leaf in leaves if not fits_its_axes(leaf, self.graph)]
        if strays:
            raise DerivationError(
                f"an index of {min(strays)} would run over an axis of another size",
                mend="where shifts cancel the axes must be as long: give the letters that run "
                "over them one size, such as i = N and n = N",
            )

    def _first_lines(self, log: Log) -> None:
        """The rule that opens a stage, and what follows from the form that it gives."""
        if log.once((graph_chain_rule,)):
            log.line()
        elif log.once((known_first,)):
            log.line()
            if log.exhaust(STRUCTURE):
                log.line()
        elif (name := name_of(log.context.goal.function)) in self.graph and (
            self.graph[name].is_relation
        ):
            self._relation_lines(log, name)
        else:
            self._definition_lines(log)

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

    def _check_done(self, expr: Expr, context: Context) -> None:
        """Refuse a derivative that no rule has taken out, except what has a stage or is given."""
        for partial in sorted(nodes_in(expr, Partial), key=default_sort_key):
            function = partial.function
            given = is_tensor(function) and name_of(function) not in self.graph.arity
            if not given and not context.has_stage(partial):
                raise DerivationError(
                    f"no rule differentiates {function.func.__name__}",
                    mend="write it with functions that the notation knows",
                )

    def _folds(self, goal: Partial, expr: Expr) -> list[Rule]:
        """The ways to use facts, and to write the names at hand for their definitions.

        At hand are the goal's function, the definitions that the chain rule goes through, those
        whose gradients stand in the expression, and what these are directly made of: a number
        of names that does not grow with the graph.
        """
        names = {name_of(goal.root)}
        if isinstance(goal.function, Partial):
            _, first = self.known[key_of(goal.function)]
            names |= {name_of(node) for node in tensors_in(first)}
        elif not goal.held:
            names |= {link.name for link in links(goal, self.graph, self.output)}
        names |= {name_of(p.variable) for p in nodes_in(expr, Partial) if is_tensor(p.variable)}
        names = names.union(*(self.graph.mentions(name) for name in names if name in self.graph))
        used = reversed(self.graph.in_order(names))
        folds = [rule for name in used for rule in self.folds[name]]
        return [self.facts.rule, contract_inverse, *self._adjoints(goal), *folds]

    def _adjoints(self, goal: Partial) -> list[Rule]:
        """The gradients that are known already: beside a solution stands that of its right side."""
        if goal.held or isinstance(goal.function, Partial):
            return []
        through = links(goal, self.graph, self.output)
        if not any(link.equation.is_relation for link in through):
            return []
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


def _without_partials(expr: Expr) -> dict[Expr, Expr]:
    return dict.fromkeys(nodes_in(expr, Partial), S.One)
