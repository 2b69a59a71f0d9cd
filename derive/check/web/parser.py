"""The reader of sides: every rule, bound together."""

from __future__ import annotations

from derive.check.web.factors import factor
from derive.check.web.state import Reader
from derive.check.web.sums import sum_of_terms, term
from derive.check.web.tree import Node

__all__ = ["Parser"]


class Parser(Reader):
    """Reads a side, or a part of one."""

    def side(self) -> Node:
        """All of a side."""
        return self.read_sum((0, len(self.tokens)))

    def sum(self) -> Node:
        return sum_of_terms(self)

    def term(self) -> Node:
        return term(self)

    def factor(self) -> Node:
        return factor(self)
