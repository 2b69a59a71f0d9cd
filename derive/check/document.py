"""Reads a file: Markdown in its dialects, LaTeX or a Jupyter notebook, to blocks in order."""

from __future__ import annotations

from pathlib import Path

from derive.check.blocks import Document, Source
from derive.check.collect import Collector
from derive.check.latex import scan_latex
from derive.check.macros import Macros
from derive.check.markdown import scan_markdown
from derive.check.notebook import scan_notebook
from derive.errors import DeriveError

__all__ = ["read_document", "read_text"]

# Formats in which `$$` is a display wherever it stands.
LATEX = (".tex", ".latex", ".ltx")
PANDOC = (".qmd", ".rmd")


def read_document(path: str | Path) -> Document:
    """The blocks of mathematics of a file; which format it is, its name says."""
    if Path(path).is_dir():
        raise DeriveError(f"{path} cannot be read: it is a folder", mend="name the files in it")
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DeriveError(f"{path} cannot be read: {reason}", mend="check the path") from None
    if b"\0" in data:
        raise DeriveError(
            f"{path} cannot be read: it is not text",
            mend="give Markdown, LaTeX or a Jupyter notebook, in UTF-8",
        )
    return read_text(data, str(path))


def read_text(data: bytes | str, file: str) -> Document:
    """The blocks of mathematics of a text that has the name of a file."""
    text, whole = decoded(data)
    kind = Path(file).suffix.lower()
    source = Source(text, file)
    collector = Collector(source, text, range(len(text) + 1))
    if not whole:
        collector.note("this file is not UTF-8; what cannot be read is shown as \ufffd", 0)
    macros = Macros()
    if kind in LATEX:
        scan_latex(collector, macros)
    elif kind == ".ipynb":
        scan_notebook(collector, macros)
    else:
        scan_markdown(collector, macros, always_display=kind in PANDOC)
    collector.finish()
    return Document(file, tuple(collector.blocks), tuple(collector.hints), tuple(collector.notes))


def decoded(data: bytes | str) -> tuple[str, bool]:
    """The text with ends of lines as one character each, and whether all of it is UTF-8."""
    if isinstance(data, bytes):
        text = data.decode("utf-8-sig", errors="replace")
        whole = "\ufffd" not in text or "\ufffd".encode() in data
    else:
        text, whole = data.removeprefix("\ufeff"), True
    return text.replace("\r\n", "\n").replace("\r", "\n"), whole
