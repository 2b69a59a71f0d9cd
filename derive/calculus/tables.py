"""All the rules on one screen, in the order in which the engine tries them."""

from __future__ import annotations

from derive.calculus.algebra import ALGEBRA
from derive.calculus.derivative import (
    CHAIN,
    EVALUATE,
    STRUCTURE,
    UNFOLD,
    graph_chain_rule,
    known_first,
)
from derive.calculus.determinant import DETERMINANTS
from derive.calculus.facts import known_fact, write_out
from derive.calculus.fold import fold
from derive.calculus.index_algebra import INDICES, SUMS
from derive.calculus.inverse import contract_inverse
from derive.calculus.relation import RELATION
from derive.calculus.rule import Rule

__all__ = ["RULES"]

RULES: tuple[Rule, ...] = tuple(
    dict.fromkeys(
        (
            graph_chain_rule,
            known_first,
            *UNFOLD,
            *STRUCTURE,
            *CHAIN,
            *EVALUATE,
            *INDICES,
            *SUMS,
            *RELATION,
            *DETERMINANTS,
            contract_inverse,
            *ALGEBRA,
            fold,
            write_out,
            known_fact,
        )
    )
)
"""Every rule once."""
