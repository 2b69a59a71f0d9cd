"""What a text takes for granted of its inputs: that they sum to one, that they are positive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sympy import Expr, exp

from derive.check.formula import Formula
from derive.expressions import Contraction, Equation, Index, tensor
from derive.notation.syntax import Binder, Group, Letter, Named, Node, Number

__all__ = ["Fact", "fact_in", "normalised", "positive"]


@dataclass(frozen=True)
class Fact:
    """Something that is given of a tensor, which samples then have: by its definition.

    `axis` is the one over which the entries sum to one; `words` say the fact.
    """

    name: str
    kind: Literal["normalised", "positive", "symmetric"]
    axis: int = 0
    words: str = ""

    def fits(self, order: int | None) -> bool:
        """Whether a tensor of that many indices can have it."""
        if order is None or (self.kind == "symmetric" and order != 2):
            return False
        return self.axis < order or not self.axis

    def equation(self, order: int) -> Equation:
        """A definition of the tensor, of that many indices, that makes the fact true."""
        indices = [Index(f"f{axis}") for axis in range(order)]
        if self.kind == "symmetric":
            half = tensor(f"⟨{self.name}⟩", *indices)
            return Equation(
                tensor(self.name, *indices), half + _transposed(half, indices), auxiliary=True
            )
        positive = exp(tensor(f"⟨{self.name}⟩", *indices))
        lhs = tensor(self.name, *indices)
        if self.kind == "positive":
            return Equation(lhs, positive, auxiliary=True)
        over, summed = indices[self.axis], Index("s")
        total = Contraction(positive.xreplace({over: summed}), summed)
        return Equation(lhs, positive / total, auxiliary=True)


def _transposed(half: Expr, indices: Sequence[Index]) -> Expr:
    first, second = indices
    return half.xreplace({first: second, second: first})


def fact_in(left: Formula, right: Formula) -> Fact | None:
    """The fact that an equation `Σ_k t_k = 1` or `C_ij = C_ji` states."""
    body, one = left.bare, right.bare
    if isinstance(body, Named) and isinstance(one, Named):
        return _symmetric(body, one)
    if not (isinstance(one, Number) and one.value == 1):
        return None
    if not isinstance(body, Binder) or body.kind != "sum" or len(body.slots) != 1:
        return None
    inner = _bare(body.body)
    if not isinstance(inner, Named):
        return None
    letters = [slot.name if isinstance(slot, Letter) else "" for slot in inner.slots]
    letter = body.slots[0].name
    if letters.count(letter) != 1:
        return None
    return normalised(inner.name, letters.index(letter), letters)


def _symmetric(left: Named, right: Named) -> Fact | None:
    here, there = (
        [slot.name for slot in side.slots if isinstance(slot, Letter)] for side in (left, right)
    )
    exchanged = len(left.slots) == len(set(here)) == 2 and there == here[::-1]
    if left.name != right.name or len(right.slots) != 2 or not exchanged:
        return None
    words = f"{left.name} is symmetric"
    return Fact(left.name, "symmetric", words=words)


def normalised(name: str, axis: int, letters: list[str]) -> Fact:
    """The fact that entries sum to one over an axis."""
    words = f"Σ_{letters[axis]} {name}_{''.join(letters)} = 1"
    return Fact(name, "normalised", axis, words)


def positive(left: Formula, right: Formula) -> Fact | None:
    """The fact that a comparison `x_i > 0` states."""
    name, zero = left.bare, right.bare
    if not isinstance(name, Named) or not isinstance(zero, Number) or zero.value != 0:
        return None
    return Fact(name.name, "positive", words=f"{name.name} > 0")


def _bare(node: Node) -> Node:
    while isinstance(node, Group):
        node = node.inner
    return node
