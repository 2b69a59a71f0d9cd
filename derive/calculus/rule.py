"""A rule: its name, its statement, its reason and its rewrite, in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sympy import Expr

if TYPE_CHECKING:
    from derive.calculus.context import Context

__all__ = ["Rewrite", "Rule", "rule"]

Rewrite = Callable[[Expr, "Context"], Expr | None]


@dataclass(frozen=True)
class Rule:
    """A named equality that the engine may use from left to right.

    Attributes
    ----------
    name : what stands beside a line.
    statement : an instance of the rule in the input language, `left = right`.
    free : the index letters that are free in the statement.
    where : equations for the names in the statement.
    sizes : sizes of index letters in the statement.
    refuses : look-alikes of the left side that the rule leaves alone.
    reason : one sentence on why it holds.
    rewrite : the new expression for a node, or None where the rule does not apply.
    """

    name: str
    statement: str
    reason: str
    rewrite: Rewrite = field(compare=False)
    free: str = ""
    where: str = ""
    refuses: tuple[str, ...] = ()
    sizes: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __call__(self, node: Expr, context: Context) -> Expr | None:
        return self.rewrite(node, context)

    def __repr__(self) -> str:
        return f"<rule: {self.name}>"


def rule(
    name: str,
    statement: str,
    *,
    free: str = "",
    where: str = "",
    refuses: tuple[str, ...] = (),
    sizes: Mapping[str, str] | None = None,
) -> Callable[[Rewrite], Rule]:
    """Make a rule of a function; the first line of its docstring is the reason."""

    def decorate(rewrite: Rewrite) -> Rule:
        reason = (rewrite.__doc__ or "").strip().partition("\n")[0]
        return Rule(name, statement, reason, rewrite, free, where, refuses, sizes or {})

    return decorate
