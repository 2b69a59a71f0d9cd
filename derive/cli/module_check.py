"""`derive verify --module`: a module of code beside the definitions."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from derive.cli.checking import settings_of
from derive.cli.output import console, emit
from derive.cli.programs import (
    batch_of,
    batch_option,
    check_wrt,
    goal_option,
    goals_of,
    rank_option,
    ranks_of,
)
from derive.errors import DeriveError
from derive.expressions import Batch
from derive.files import write_whole
from derive.problems import load_problem

__all__ = ["module_options", "verify_module"]


def module_options(command: argparse.ArgumentParser) -> None:
    """Add the options that say which module to check."""
    options = command.add_argument_group("a module of code")
    options.add_argument(
        "--module",
        metavar="PATH.py",
        help="check this module, which `derive code` wrote, in place of the derivation; it is run",
    )
    options.add_argument(
        "--wrt",
        metavar="X",
        action="append",
        help="an input whose gradient the module returns; repeated, in order",
    )
    goal_option(options)
    rank_option(options)
    batch_option(options)


def verify_module(arguments: argparse.Namespace) -> int:
    """Check a module; returns the exit code."""
    from derive.codegen.further import asked, is_further
    from derive.codegen.spread import spread, spread_goals
    from derive.exports.module_check import module_check_json, module_check_lines
    from derive.verify.generated import check_module

    if arguments.format not in ("text", "json"):
        raise DeriveError(
            f"the check of a module has no form in {arguments.format}",
            mend="take --format text or json",
        )
    problem = load_problem(arguments.problem)
    batch, ranks = batch_of(arguments.batch, problem.graph), ranks_of(arguments.rank)
    goals = goals_of(arguments.goal, problem, batch)
    goals = spread_goals([g for g in goals if is_further(g, problem.graph)], problem.graph, ranks)
    graph = spread(problem.graph, ranks)
    derivatives = asked(goals, graph)
    graph = Batch(graph, batch).graph if batch else graph
    wrt = arguments.wrt or []
    check_wrt(wrt, graph.inputs)
    report = check_module(graph, arguments.module, wrt, settings_of(arguments), derivatives)
    if arguments.format == "json":
        text = json.dumps(module_check_json(report), ensure_ascii=False, indent=2) + "\n"
    else:
        text = "".join(f"{line}\n" for line in module_check_lines(report))
    if arguments.output not in (None, "-"):
        write_whole(Path(arguments.output), text)
    else:
        emit(text, console())
    return 0 if report.ok else 1
