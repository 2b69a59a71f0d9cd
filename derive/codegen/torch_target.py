"""Modules for PyTorch: both passes, and a function of them that autograd knows."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import groupby
from typing import ClassVar

from derive.codegen.autograd import autograd_class, convenience
from derive.codegen.checks import checked
from derive.codegen.dialect import Dialect
from derive.codegen.double import doubled
from derive.codegen.double_autograd import backward_classes
from derive.codegen.frame_helpers import TORCH_HELPERS
from derive.codegen.leading import flat, lead_of
from derive.codegen.passes import Function, Passes
from derive.codegen.program import Program
from derive.codegen.selftest import DRAW, braced, drawn, example, inputs
from derive.codegen.selftest_further import further_test
from derive.codegen.source import INDENT, Fresh, statement
from derive.codegen.steps import Step
from derive.codegen.target import Target
from derive.codegen.torch_dialect import TorchDialect
from derive.codegen.wrapping import MAIN, Wrapping, never, strings

__all__ = ["TorchTarget"]

_TEST = '''
def self_test(seed=0):
    """Compare first and second derivatives with differences on random data."""
    rng = np.random.default_rng(seed)
{inputs}
{wrt}
    arguments = [_argument(value, name in wrt) for name, value in inputs.items()]

    def twice(*arguments):
        return {twice}

    torch.autograd.gradcheck({once}, arguments)
    torch.autograd.gradgradcheck(twice, arguments)
{further}'''
_FURTHER = """    tensors = {name: _argument(value, False) for name, value in inputs.items()}
    for found, expected in _further(tensors, rng):
        torch.testing.assert_close(found, expected)
"""
_ARGUMENT = """
def _argument(value, is_wanted):
    if not isinstance(value, np.ndarray):
        return value
    return torch.as_tensor(value).requires_grad_(is_wanted)
"""


class TorchTarget(Target):
    """Writes the module of a program for PyTorch."""

    name: ClassVar[str] = "torch"
    purpose: ClassVar[str] = "Value and gradients, with PyTorch."
    helper_texts: ClassVar[Mapping[str, str]] = TORCH_HELPERS
    multiplies_halves: ClassVar[bool] = True

    def dialect(self) -> Dialect:
        """How the target spells operations."""
        return TorchDialect()

    def packages(self, text: str) -> Iterator[str]:
        """The imports of packages."""
        yield from ("import numpy as np", "import torch")

    def passes(self, program: Program) -> Passes:
        """The passes of a program, with that of the backward pass where it is wanted."""
        return super().passes(doubled(program) if program.is_twice else program)

    def backward_parameters(self, found: Passes) -> list[str]:
        """The parameters of the backward pass, with which gradients are needed."""
        several = len(found.program.wrt) > 1
        needs = [f"needs=({', '.join(['True'] * len(found.program.wrt))})"] if several else []
        parameters = super().backward_parameters(found)
        place = 1 + len(found.backward.parameters)
        return [*parameters[:place], *needs, *parameters[place:]]

    def about_backward(self, found: Passes) -> list[str]:
        """The docstring of the backward pass."""
        about = super().about_backward(found)
        if len(found.program.wrt) > 1:
            about += ["", "Gradients that `needs` does not ask for are None."]
        return about

    def work(self, found: Passes, function: Function, fresh: Fresh) -> Iterator[str]:
        """The steps; those of the backward pass are left out where no gradient needs them."""
        if function is not found.backward or len(found.program.wrt) < 2:
            yield from super().work(found, function, fresh)
            return
        users = _users(found)
        everything = frozenset(range(len(found.program.wrt)))
        if any(use != everything for use in users.values()):
            yield INDENT + " = ".join(found.names[n] for n in function.results) + " = None"
        for use, steps in groupby(function.steps, key=lambda step: users[step.assignment.name]):
            if use != everything:
                yield f"{INDENT}if {' or '.join(f'needs[{k}]' for k in sorted(use))}:"
            for step in steps:
                yield from self.step_lines(step, found, fresh, 1 if use == everything else 2)

    def wrapped(self, found: Passes) -> Iterator[str]:
        """The function of autograd's, and the one to call."""
        wrapping = Wrapping(found)
        if wrapping.double is not None:
            yield backward_classes(wrapping)
        yield autograd_class(wrapping)
        yield convenience(wrapping, _leading(found, self.dialect()))

    def self_test(self, found: Passes, text: str) -> Iterator[str]:
        """The functions that test the module."""
        wrapping = Wrapping(found)
        data = example(found.program.graph)
        further = ", recompute=True" if wrapping.computed and wrapping.double is None else ""
        yield DRAW
        yield _ARGUMENT
        yield from further_test(found, partial(drawn, found.program, data), "torch")
        yield _TEST.format(
            inputs=braced("inputs = {", list(inputs(found, data, "torch")), "}"),
            wrt=strings("wrt", wrapping.wrt),
            once=wrapping.function,
            twice=f"{wrapping.function}(*arguments{further})",
            further=_FURTHER if found.program.further else "",
        )
        yield MAIN


def _leading(found: Passes, dialect: Dialect) -> Iterator[str]:
    """Statements of the function to call that put one axis in the place of leading ones.

    Autograd's own function gets one, so that what it keeps are its arguments.
    """
    given = found.program.inputs
    lead = [line for s in lead_of(found, dialect, given) for line in statement(s, 1, never)]
    if not lead:
        return
    yield from (*lead, f"{INDENT}if len(lead) != 1:")
    for each in (*checked(found, given, leading=True), *flat(found, given)):
        yield from statement(each, 2, never)


def _users(found: Passes) -> dict[str, frozenset[int]]:
    """For each step of the backward pass the gradients that it is needed for, by number."""
    function, names = found.backward, found.names
    users = {step.assignment.name: frozenset[int]() for step in function.steps}
    users |= {name: frozenset({k}) for k, name in enumerate(function.results)}
    for step in reversed(function.steps):
        mine, mentioned = users[step.assignment.name], _mentioned(step)
        for name in users:
            if names[name] in mentioned and name != step.assignment.name:
                users[name] |= mine
    return users


def _mentioned(step: Step) -> set[str]:
    walk = (node for each in step.statements for node in ast.walk(each))
    return {node.id for node in walk if isinstance(node, ast.Name)}
