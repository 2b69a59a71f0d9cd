"""Documents made from a derivation: terminal, LaTeX, Markdown, JSON."""

from derive.exports.comparison import comparison_json, comparison_text
from derive.exports.data import to_json
from derive.exports.documents import latex, latex_block, latex_document, markdown
from derive.exports.options import Matrix, Options
from derive.exports.report import Evidence, Report, StageReport
from derive.exports.terminal import listing, terminal

__all__ = [
    "Evidence",
    "Matrix",
    "Options",
    "Report",
    "StageReport",
    "comparison_json",
    "comparison_text",
    "latex",
    "latex_block",
    "latex_document",
    "listing",
    "markdown",
    "terminal",
    "to_json",
]
