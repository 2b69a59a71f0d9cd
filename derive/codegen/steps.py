"""Functions as steps: an assignment each, with the statements that make it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from derive.codegen.assignment import Assignment

__all__ = ["Function", "Step"]


@dataclass(frozen=True)
class Step:
    """An assignment and the statements that make it."""

    assignment: Assignment
    statements: tuple[ast.stmt, ...]


@dataclass(frozen=True)
class Function:
    """A function of a module.

    Attributes
    ----------
    parameters : tensors, labels and sizes that it takes, by name.
    results : the tensors that it returns.
    saved : what it takes or returns beside them, for the backward pass.
    lengths : the statements that find the sizes it needs.
    steps : the work, in order.
    title : what the function is called.
    used : those of `saved` that the function of what was saved needs.
    """

    parameters: tuple[str, ...]
    results: tuple[str, ...]
    saved: tuple[str, ...]
    lengths: tuple[ast.stmt, ...]
    steps: tuple[Step, ...]
    title: str
    used: frozenset[str] = frozenset()

    @property
    def statements(self) -> Iterator[ast.stmt]:
        """All statements, the `return` left out."""
        yield from self.lengths
        for step in self.steps:
            yield from step.statements
