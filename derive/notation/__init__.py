"""The notation as plain text and LaTeX: read to expressions, and written from them."""

from derive.notation.goals import read_expression, read_goal
from derive.notation.read import read_graph
from derive.notation.write import (
    write_equation_latex,
    write_equation_text,
    write_latex,
    write_text,
)

__all__ = [
    "read_expression",
    "read_goal",
    "read_graph",
    "write_equation_latex",
    "write_equation_text",
    "write_latex",
    "write_text",
]
