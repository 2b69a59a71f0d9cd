"""The mathematics of a Jupyter notebook: its Markdown cells, read as one text."""

from __future__ import annotations

import json
from typing import Any

from derive.check.blocks import Source
from derive.check.collect import Collector
from derive.check.macros import Macros
from derive.check.markdown import scan_markdown
from derive.errors import DeriveError

__all__ = ["scan_notebook"]


def scan_notebook(collector: Collector, macros: Macros) -> None:
    """Adds the blocks of all Markdown cells; a place counts cells of all kinds, from 1."""
    file = collector.source.file
    for number, cell in enumerate(cells(collector.text, file), 1):
        if not isinstance(cell, dict) or cell.get("cell_type") != "markdown":
            continue
        text = cell_text(cell)
        collector.turn_to(Source(text, file, number), text, range(len(text) + 1))
        scan_markdown(collector, macros, always_display=True)


def cells(text: str, file: str) -> list[Any]:
    """The cells of a notebook; notebooks of the third format have them in worksheets."""
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError):
        raise DeriveError(
            f"{file} is not a notebook: it is not JSON", mend="save it again with Jupyter"
        ) from None
    if not isinstance(notebook, dict):
        raise _without_cells(file)
    found = notebook.get("cells")
    if found is None:
        sheets = notebook.get("worksheets") or [{}]
        first = sheets[0] if isinstance(sheets, list) and isinstance(sheets[0], dict) else {}
        found = first.get("cells")
    if not isinstance(found, list):
        raise _without_cells(file)
    return found


def _without_cells(file: str) -> DeriveError:
    return DeriveError(
        f"{file} is not a notebook: it has no cells", mend="save it again with Jupyter"
    )


def cell_text(cell: dict[str, Any]) -> str:
    """What a cell says: a text, or a list of its lines."""
    said = cell.get("source", "")
    lines = said if isinstance(said, list) else [said]
    text = "".join(line for line in lines if isinstance(line, str))
    return text.replace("\r\n", "\n").replace("\r", "\n")
