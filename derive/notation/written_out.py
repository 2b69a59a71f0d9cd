"""Words of other notations that look like functions, and how they are written in this one."""

from __future__ import annotations

import re

from derive.notation.source import Mistake, Span

__all__ = ["check_reductions", "written_out"]

_WRITTEN_OUT = {
    "sum": "1_i x_i",
    "mean": "(1/N) 1_i x_i",
    "var": "(1/N) 1_i (x_i - 1_i m)^2 with m = (1/N) 1_i x_i",
    "std": "sqrt((1/N) 1_i (x_i - 1_i m)^2) with m = (1/N) 1_i x_i",
    "norm": "sqrt(x_i x_i)",
    "softmax": "exp(x_i)/(1_j exp(x_j))",
    "logsumexp": "log(1_i exp(x_i))",
    "tr": "x_ii",
    "trace": "x_ii",
    "transpose": "x_ji",
    "diag": "x_i δ_ij",
    "gelu": "x_i (1 + erf(x_i/sqrt(2)))/2",
    "silu": "x_i sigmoid(x_i)",
    "swish": "x_i sigmoid(x_i)",
    "elu": "[x_i > 0] x_i + [x_i <= 0] a (exp(x_i) - 1)",
    "expit": "sigmoid(x_i)",
    "det": "det_ij(x_ij)",
    "logdet": "logdet_ij(x_ij)",
    "prod": "prod_i(x_i)",
    "argmax": "y_{argmax_i(x_i)}",
    "argmin": "y_{argmin_i(x_i)}",
}
# As a product `mean_i(x_i)` would be read: a tensor called mean, and a bracket.
_REDUCTIONS = ("mean", "var", "std", "norm", "softmax", "logsumexp", "tr", "trace", "diag")
_REDUCED = re.compile(rf"(?<![^\W0-9])({'|'.join(_REDUCTIONS)})_(?:[^\W_]+|\{{[^{{}}]*\}})\(")


def written_out(word: str) -> str:
    """A sentence that says how the function is written in this notation, or an empty string."""
    formula = _WRITTEN_OUT.get(word.lower())
    return f"write it with indices, as in `{formula}`" if formula else ""


def check_reductions(text: str, span: Span) -> None:
    """Refuse what looks like a function with an index, and would be read as a product.

    Raises
    ------
    Mistake : there is such a word directly before a bracket.
    """
    if match := _REDUCED.search(text, *span):
        raise Mistake(
            f"{match[1]} over an index is not part of the notation",
            (match.start(), match.end() - 1),
            mend=f"{written_out(match[1])}; for a product write a space before the bracket",
        )
