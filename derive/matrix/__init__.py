"""Matrix notation: what a result in index notation is as a product of matrices."""

from derive.matrix.forms import Form, NoMatrixFormError
from derive.matrix.line import MatrixLine, NoMatrixLine, matrix_line
from derive.matrix.lines import form_latex_lines
from derive.matrix.translate import translate
from derive.matrix.write import write_form

__all__ = [
    "Form",
    "MatrixLine",
    "NoMatrixFormError",
    "NoMatrixLine",
    "form_latex_lines",
    "matrix_line",
    "translate",
    "write_form",
]
