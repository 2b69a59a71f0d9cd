"""Derivation files: a title, equations, goals and references, as TOML."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from sympy import Expr

from derive.errors import Place, ProblemFileError
from derive.expressions import Graph
from derive.files import read_bounded
from derive.notation.goals import read_goal
from derive.notation.read import read_sources
from derive.notation.source import Source, did_you_mean, normalise
from derive.notation.surface import split

__all__ = ["Problem", "catalogue", "load_problem", "statement_of", "titles"]

MOST_BYTES = 200_000
_AT_LINE = re.compile(r"\(at line (\d+), column (\d+)\)")


@dataclass(frozen=True)
class Problem:
    """What a derivation file says.

    `equations` are the texts of the equations in the order of the file.
    """

    name: str
    title: str
    references: tuple[str, ...]
    graph: Graph
    goals: tuple[Expr, ...]
    equations: tuple[str, ...]


def catalogue() -> list[str]:
    """The names of the derivations that come with the package, sorted."""
    folder = _shipped()
    entries = [Path(entry.name) for entry in folder.iterdir()] if folder.is_dir() else []
    return sorted(entry.stem for entry in entries if entry.suffix == ".toml")


def titles() -> dict[str, str]:
    """The title of each derivation of the catalogue, without reading its equations."""
    files = {name: f"{name}.toml" for name in catalogue()}
    tables = {n: (file, _table(_text(_shipped() / file, file), file)) for n, file in files.items()}
    return {n: _title(file, "title", table.get("title")) for n, (file, table) in tables.items()}


def load_problem(name: str | os.PathLike[str]) -> Problem:
    """The problem of that name in the catalogue, or in the file at a path.

    What contains a slash or ends in `.toml` is a path. Hyphens and underscores in the name of
    a shipped derivation are the same.

    Raises
    ------
    ProblemFileError : there is no such derivation, or its file cannot be read.
    DeriveError : a notation error in the file; its places name the file and the line.
    """
    return _read(*_located(name))


def statement_of(name: str | os.PathLike[str]) -> dict[str, Any]:
    """What a derivation follows from, as plain data: its equations, goals, sizes, multi-indices.

    Nothing is parsed but the file; errors of the file are those of `load_problem`.
    """
    path, _, file = _located(name)
    table = _table(_text(path, file), file)
    return {key: table[key] for key in ("equations", "goals", "sizes", "multi") if key in table}


def _located(name: str | os.PathLike[str]) -> tuple[Traversable, str, str]:
    """The file of a derivation, the name of the derivation, and what the file is called."""
    text = os.fspath(name)
    if isinstance(name, os.PathLike) or "/" in text or os.sep in text or text.endswith(".toml"):
        path = Path(text)
        return path, path.stem, text
    known, wanted = catalogue(), text.strip().lower().replace("-", "_")
    if wanted not in known:
        near = did_you_mean(wanted, known)
        listed = "`derive list` prints them all; a file is named by its path"
        raise ProblemFileError(
            f"there is no derivation called {text!r:.80}",
            mend=near or listed,
        )
    file = f"{wanted}.toml"
    return _shipped() / file, wanted, file


def _shipped() -> Traversable:
    """The folder of derivations: inside the installed package, or beside it in a checkout."""
    package = files("derive")
    inside = package / "derivations"
    return inside if inside.is_dir() else Path(str(package)).parent / "derivations"


def _read(path: Traversable, name: str, file: str) -> Problem:
    text = _text(path, file)
    table = _table(text, file)
    for key in table:
        if key not in _KEYS:
            mend = did_you_mean(key, _KEYS) or f"the keys are {', '.join(_KEYS)}"
            raise _fault(file, f"the key `{key:.40}` is unknown", mend)
    values = {key: check(file, key, table.get(key)) for key, check in _KEYS.items()}
    sources = _sources(values["equations"], text, file)
    graph = read_sources(sources, sizes=values["sizes"], multi=values["multi"], name=file)
    goals = tuple(
        read_goal(goal, graph, f"goal {number} of {file}{_line_of(goal, text, 'goals')}")
        for number, goal in enumerate(values["goals"], 1)
    )
    equations = tuple(source.text for source in sources)
    return Problem(name, values["title"], values["references"], graph, goals, equations)


def _fault(file: str, message: str, mend: str, *places: Place) -> ProblemFileError:
    return ProblemFileError(f"{file}: {message}", mend=mend, places=places)


# The file -----------------------------------------------------------------------------------


def _text(path: Traversable, file: str) -> str:
    text = read_bounded(path, MOST_BYTES, lambda message, mend: _fault(file, message, mend))
    if not text.strip():
        raise _fault(file, "the file is empty", "it needs the keys title, equations and goals")
    return text


def _table(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _AT_LINE.search(message)
        reason = _AT_LINE.sub("", message).strip()
        where = f"line {place[1]} is" if place else "the file is"
        places = (_toml_place(text, file, int(place[1]), int(place[2])),) if place else ()
        mend = "see https://toml.io for how to write it"
        raise _fault(file, f"{where} not TOML: {reason}", mend, *places) from None
    except (RecursionError, ValueError):
        raise _fault(file, "the file is not TOML that can be read", "simplify it") from None


def _toml_place(text: str, file: str, line: int, column: int) -> Place:
    # tomllib counts lines by line feeds alone.
    lines = text.replace("\r\n", "\n").split("\n")
    return Place(lines[line - 1], column - 1, column, f"{file}, line {line}")


# The keys -----------------------------------------------------------------------------------


def _title(file: str, key: str, value: object) -> str:
    if value is None:
        raise _missing(file, key, 'title = "Softmax"')
    if not isinstance(value, str) or not value.strip():
        raise _fault(file, f"`{key}` is not a text", 'as in title = "Softmax"')
    return " ".join(value.split())


def _equations(file: str, key: str, value: object) -> tuple[str, ...]:
    example = 'equations = ["y_i = exp(x_i)"]'
    if isinstance(value, str):
        return (normalise(value),)
    return tuple(map(normalise, _texts(file, key, value, example)))


def _goals(file: str, key: str, value: object) -> tuple[str, ...]:
    return _texts(file, key, value, 'goals = ["∂y_i/∂x_n"]')


def _texts(file: str, key: str, value: object, example: str) -> tuple[str, ...]:
    """A list of texts with at least one in it."""
    if value is None:
        raise _missing(file, key, example)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _fault(file, f"`{key}` is not a list of texts", f"as in {example}")
    if not value:
        raise _fault(file, f"`{key}` is empty", f"as in {example}")
    return tuple(value)


def _missing(file: str, key: str, example: str) -> ProblemFileError:
    return _fault(file, f"the key `{key}` is missing", f"write it, as in {example}")


def _references(file: str, key: str, value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, list):
        lines = [_reference(item) for item in value]
        if all(lines):
            return tuple(lines)
    mend = 'each is a text or { title = "…", url = "…" }'
    raise _fault(file, f"`{key}` is not a list of references", mend)


def _reference(item: object) -> str:
    """A reference in one line; an empty text if it is none."""
    if isinstance(item, str):
        return " ".join(item.split())
    if not isinstance(item, dict) or not item or item.keys() - {"title", "url"}:
        return ""
    parts = [item[key] for key in ("title", "url") if key in item]
    return ", ".join(parts) if all(isinstance(part, str) and part for part in parts) else ""


def _sizes(file: str, key: str, value: object) -> Mapping[str, str | int]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _fault(file, f"`{key}` is not a table", 'as in sizes = { h = "H" }')
    return value


def _multi(file: str, key: str, value: object) -> tuple[str, ...]:
    return () if value is None else _texts(file, key, value, 'multi = ["A", "B"]')


_KEYS: dict[str, Callable[[str, str, object], Any]] = {
    "title": _title,
    "equations": _equations,
    "goals": _goals,
    "references": _references,
    "sizes": _sizes,
    "multi": _multi,
}


# Where in the file --------------------------------------------------------------------------


def _sources(equations: tuple[str, ...], text: str, file: str) -> list[Source]:
    """The equations, each with a name that tells its number and its line in the file."""
    pieces = [piece for whole in equations for piece in split(whole, file)]
    return [
        piece.source(f"equation {number} of {file}{_line_of(piece.text, text, 'equations')}")
        for number, piece in enumerate(pieces, 1)
    ]


def _line_of(piece: str, text: str, key: str) -> str:
    """Where the piece stands, as `, line 3`; nothing if escapes hide it."""
    lines = normalise(text).splitlines()
    start = next((n for n, line in enumerate(lines) if line.lstrip().startswith(key)), 0)
    found = [n for n, line in enumerate(lines) if n >= start and normalise(piece) in line]
    return f", line {found[0] + 1}" if found else ""
