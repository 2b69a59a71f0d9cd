"""The options of the commands about a program: which gradients, with how many axes, in a batch."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from derive.errors import DeriveError
from derive.expressions import Graph, batchable
from derive.notation.source import did_you_mean
from derive.problems import Problem, load_problem

if TYPE_CHECKING:
    from sympy import Expr

    from derive.codegen import Program

__all__ = [
    "batch_of",
    "batch_option",
    "check_wrt",
    "goal_option",
    "goals_of",
    "program_of",
    "program_options",
    "rank_option",
    "ranks_of",
]

# No name of a tensor.
EVERY = "*"


def program_options(command: argparse.ArgumentParser) -> None:
    """Add what says of which derivation the program is, and of which gradients."""
    command.add_argument("problem", metavar="NAME|FILE", help="a catalogue name or a file")
    command.add_argument(
        "--wrt",
        metavar="X",
        action="append",
        default=[],
        help="an input to differentiate by (default: all); may be repeated",
    )
    goal_option(command)
    rank_option(command)
    batch_option(command)


def goal_option(command: argparse._ActionsContainer) -> None:
    """Add the option for derivatives that are no gradients."""
    command.add_argument(
        "--goal",
        metavar="GOAL",
        action="append",
        help="another derivative, which gets a function of its own, as in "
        "`--goal 'v_m d2 c / d w_m d w_n'` for a product of a Hessian with a vector; may be "
        "repeated (default: the goals of the file that are no gradients)",
    )


def rank_option(command: argparse._ActionsContainer) -> None:
    """Add the option for the ranks of multi-indices."""
    command.add_argument(
        "--rank",
        metavar="INDEX=N",
        action="append",
        default=[],
        help="how many axes a multi-index stands for, as in `--rank B=2` (default 1)",
    )


def batch_option(command: argparse._ActionsContainer) -> None:
    """Add the option for inputs with leading axes."""
    command.add_argument(
        "--batch",
        metavar="X,Y",
        nargs="?",
        action="append",
        const=EVERY,
        default=[],
        help="inputs and labels of which each example of a batch has its own, along any number of "
        "leading axes; the others are shared (all, if none is named)",
    )


def program_of(arguments: argparse.Namespace) -> Program:
    """The program that the options ask for."""
    from derive.codegen import program

    problem = load_problem(arguments.problem)
    check_wrt(arguments.wrt, problem.graph.inputs)
    batch = batch_of(arguments.batch, problem.graph)
    return program(
        problem.graph,
        arguments.wrt,
        goals=goals_of(arguments.goal, problem, batch),
        name=problem.name,
        ranks=ranks_of(arguments.rank),
        batch=batch,
        title=problem.title,
        references=problem.references,
    )


def goals_of(
    texts: Sequence[str] | None, problem: Problem, batch: Sequence[str]
) -> tuple[Expr, ...]:
    """What `--goal` asks for, or else the file; nothing for a batch."""
    from derive.codegen.further import is_further
    from derive.notation import read_goal

    if batch:
        if texts:
            mend = "leave out one of --goal and --batch"
            raise DeriveError("a batch has gradients alone", mend=mend)
        return ()
    if texts is None:
        return problem.goals
    goals = tuple(read_goal(text, problem.graph) for text in texts)
    for text, goal in zip(texts, goals, strict=True):
        if not is_further(goal, problem.graph):
            raise DeriveError(
                f"`{text}` is a gradient, which the backward pass returns",
                mend="ask for a second derivative or a Jacobian, or leave out --goal",
            )
    return goals


def check_wrt(wanted: Iterable[str], inputs: Sequence[str]) -> None:
    """Refuse what is no input."""
    for name in wanted:
        if name not in inputs:
            listed = f"the inputs are {', '.join(inputs)}"
            mend = f"{did_you_mean(name, inputs)} {listed}".strip()
            raise DeriveError(f"{name} is no input", mend=mend)


def ranks_of(texts: Iterable[str]) -> dict[str, int]:
    """What `--rank` says."""
    return dict(map(_rank, texts))


def batch_of(texts: Iterable[str], graph: Graph) -> tuple[str, ...]:
    """The inputs and labels that `--batch` names."""
    known = batchable(graph)
    names = [name.strip() for text in texts for name in text.split(",")]
    if EVERY in names:
        names = [*known]
        if not known:
            raise DeriveError("there is no input that each example could have its own of")
    for name in names:
        if name not in known:
            listed = f"each example can have its own {', '.join(known)}"
            mend = f"{did_you_mean(name, known)} {listed}".strip() if known else ""
            subject = name or "an empty name"
            raise DeriveError(f"{subject} is no input or label of a batch", mend=mend)
    return tuple(dict.fromkeys(names))


def _rank(text: str) -> tuple[str, int]:
    letter, _, number = text.partition("=")
    if not (letter and number.isdecimal() and len(number) == 1):
        raise DeriveError(f"`{text}` is no rank", mend="write `--rank B=2`, say")
    return letter, int(number)
