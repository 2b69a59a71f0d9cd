"""Code from derivations: forward and backward passes as modules of source text."""

from __future__ import annotations

from derive.codegen.assignment import CodeError
from derive.codegen.jax_target import JaxTarget
from derive.codegen.numba_target import NumbaTarget
from derive.codegen.program import Program, program
from derive.codegen.target import Target
from derive.codegen.torch_target import TorchTarget

__all__ = ["TARGETS", "CodeError", "Program", "Target", "module", "program"]

TARGETS: dict[str, type[Target]] = {
    each.name: each for each in (Target, TorchTarget, JaxTarget, NumbaTarget)
}
"""The class of each target, by name."""


def module(program: Program, target: str = "numpy") -> str:
    """The source text of a module that computes a program.

    >>> from derive.notation import read_graph
    >>> text = module(program(read_graph("y_i = x_i^2")))
    >>> namespace = {"__name__": "example"}
    >>> exec(text, namespace)
    >>> namespace["self_test"]() < 1e-9
    True
    """
    return TARGETS[target]().source(program)
