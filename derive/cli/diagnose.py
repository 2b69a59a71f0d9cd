"""`derive diagnose`: what is wrong with a formula, or with a function that computes gradients."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console

from derive.api import Derivation, derivation, load
from derive.cli.checking import checking_options, seconds, settings_of
from derive.cli.options import file_option, format_options
from derive.cli.output import deliver, emit
from derive.errors import DeriveError

if TYPE_CHECKING:
    from derive.verify.diagnosis import Diagnosis

__all__ = ["add_diagnose"]


def add_diagnose(command: argparse.ArgumentParser) -> None:
    """Options of `derive diagnose`."""
    command.add_argument(
        "what",
        metavar="NAME|FILE FORMULA",
        nargs="+",
        help="a catalogue name or a file, and a formula for its last goal, or `goal = formula`; "
        "or in place of the formula a NumPy or PyTorch function, `package.module:function` or "
        "`path/to/file.py:function`, whose module is run and which is called with the tensors by "
        "the names of its parameters",
    )
    command.add_argument(
        "--of", metavar="EQUATIONS", help="equations, separated by `;`, in place of a name"
    )
    command.add_argument("--goal", metavar="GOAL", help="what the formula or the function is of")
    command.add_argument(
        "--seconds", metavar="S", help="how long to search for an explanation (default 10)"
    )
    format_options(command)
    file_option(command)
    checking_options(command)
    command.set_defaults(run=_diagnose, verify=True)


def _diagnose(arguments: argparse.Namespace) -> int:
    from derive.verify.diagnosis import SECONDS, diagnose, diagnose_function
    from derive.verify.implementation import is_import_path, load_function

    given = arguments.what[-1]
    function = load_function(given) if is_import_path(given) else None
    found = _derivation(arguments, given if function is None else "")
    settings = settings_of(arguments)
    most = SECONDS if arguments.seconds is None else seconds(arguments.seconds)
    if function is not None:
        goal = arguments.goal or ""
        diagnoses = diagnose_function(found, function, settings, goal=goal, seconds=most)
    else:
        formula = f"{arguments.goal} = {given}" if arguments.goal else given
        diagnoses = (diagnose(found, formula, settings, seconds=most),)
    deliver(arguments, partial(_print, found, diagnoses, arguments.format))
    return 0 if all(diagnosis.ok for diagnosis in diagnoses) else 1


def _derivation(arguments: argparse.Namespace, formula: str) -> Derivation:
    """What the formula is about: of the catalogue, of a file, or from equations."""
    from derive.verify.diagnosis import sides

    expected = 1 if arguments.of else 2
    if len(arguments.what) != expected:
        raise DeriveError(
            "a formula is diagnosed beside the derivation of what it is said to be",
            mend="write `derive diagnose NAME 'formula'`, or "
            "`derive diagnose --of 'equations' 'goal = formula'`",
        )
    if not arguments.of:
        return load(arguments.what[0])
    goal = arguments.goal or sides(formula)[0]
    if not goal:
        raise DeriveError("the goal is missing", mend="write `goal = formula`, or add --goal")
    return derivation(arguments.of, goal)


def _print(found: Derivation, diagnoses: Sequence[Diagnosis], kind: str, console: Console) -> None:
    from derive.exports.diagnosis import diagnosis_json, diagnosis_lines

    if kind == "json":
        ok = all(diagnosis.ok for diagnosis in diagnoses)
        data = {"name": found.name, "ok": ok, "goals": diagnosis_json(diagnoses)}
        emit(json.dumps(data, ensure_ascii=False, indent=2) + "\n", console)
        return
    for diagnosis in diagnoses:
        emit("".join(f"{line}\n" for line in diagnosis_lines(diagnosis)), console)
