"""LaTeX as input: rewritten as text, with the place of every character in the LaTeX.

One grammar reads both surfaces, so that what one has the other has, with the same meaning.
"""

from derive.notation.tex.rows import equations
from derive.notation.tex.transcribe import transcribe

__all__ = ["equations", "transcribe"]
