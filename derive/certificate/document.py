"""The certificate as a document: what it holds, its hashes, and how it is read from JSON.

One object::

    {
      "format": "derive certificate",
      "version": 1,
      "name": "cross_entropy",            the derivation's name, "" if it has none
      "versions": {"derive": "0.1.0",     of the programs that made it; `source` is a hash of
                   "python": "3.12.3",    derive's own code
                   "numpy": "2.4.6", "sympy": "1.14.0", "source": "9f…"},
      "definitions": ["s_i = …"],         the equations as text, in the notation
      "auxiliary": [],                    those that results need and that are no outputs
      "sizes": {},                        declared sizes of index letters
      "multi": [],                        the multi-indices
      "goals": ["∂l/∂x_n"],               what was asked for; each is the goal of a stage
      "stages": [
        {"goal": "∂s_i/∂x_n",             the left-hand side of all lines of the stage
         "free": ["i", "n"],              its free letters
         "lines": 3}                      how many lines the stage has
      ],
      "lines": [                          in any order
        {"stage": 1, "position": 1,       from 1
         "text": "s_i δ_in − s_i s_n",
         "rules": ["quotient rule"],      what led here from the line above
         "evidence": {"grade": "exact"},  what the verification found
         "hash": "…"}                     of the definitions, the goal, the line above, and this
      ],                                  line with its rules and its grade
      "hash": "…"                         of all the rest, the lines in order
    }

Hashes are SHA-256 of JSON without spaces, in ASCII, with sorted keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, cast, get_args

from derive.errors import CertificateError
from derive.files import read_bounded
from derive.verify.report import Grade

__all__ = ["Certificate", "CertifiedLine", "StatedGoal"]

FORMAT = "derive certificate"
VERSION = 1
# Bounds on what is read.
MOST_BYTES = 10_000_000
MOST_LINES = 10_000
GRADES: tuple[str, ...] = get_args(Grade)

Plain = dict[str, Any]


@dataclass(frozen=True)
class StatedGoal:
    """The goal of a stage, its free letters, and how many lines the stage has."""

    goal: str
    free: tuple[str, ...]
    lines: int


@dataclass(frozen=True)
class CertifiedLine:
    """A line with its evidence; stage and position count from 1."""

    stage: int
    position: int
    text: str
    rules: tuple[str, ...]
    evidence: Mapping[str, Any]
    hash: str = ""

    @property
    def grade(self) -> Grade:
        return cast("Grade", self.evidence["grade"])

    @property
    def place(self) -> tuple[int, int]:
        """Stage and position, by which lines are sorted."""
        return self.stage, self.position


@dataclass(frozen=True)
class Certificate:
    """What a derivation states, line by line, with the evidence; lines may be in any order."""

    name: str
    versions: Mapping[str, str]
    definitions: tuple[str, ...]
    auxiliary: tuple[str, ...]
    sizes: Mapping[str, str | int]
    multi: tuple[str, ...]
    goals: tuple[str, ...]
    stages: tuple[StatedGoal, ...]
    lines: tuple[CertifiedLine, ...]
    hash: str = ""

    @cached_property
    def in_order(self) -> tuple[CertifiedLine, ...]:
        """The lines by stage and position."""
        return tuple(sorted(self.lines, key=lambda line: line.place))

    @cached_property
    def by_stage(self) -> dict[int, list[CertifiedLine]]:
        """The lines of each stage in order."""
        found: dict[int, list[CertifiedLine]] = {}
        for line in self.in_order:
            found.setdefault(line.stage, []).append(line)
        return found

    @cached_property
    def _by_place(self) -> dict[tuple[int, int], str]:
        return {line.place: line.text for line in self.lines}

    def line_hash(self, line: CertifiedLine) -> str:
        """What the hash of a line has to be."""
        above = self._by_place.get((line.stage, line.position - 1))
        stage = self.stages[line.stage - 1]
        return _hash(
            [
                [self.definitions, self.auxiliary, dict(self.sizes), self.multi],
                [stage.goal, stage.free],
                above,
                [line.text, line.rules, line.grade],
            ]
        )

    def whole_hash(self) -> str:
        """What the hash of the whole has to be."""
        return _hash({**self.as_json(), "hash": ""})

    def sealed(self) -> Certificate:
        """The same with all hashes as they have to be."""
        lines = tuple(replace(line, hash=self.line_hash(line)) for line in self.in_order)
        found = replace(self, lines=lines)
        return replace(found, hash=found.whole_hash())

    def as_json(self) -> Plain:
        """The document as plain data, its lines in order."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "name": self.name,
            "versions": dict(self.versions),
            "definitions": list(self.definitions),
            "auxiliary": list(self.auxiliary),
            "sizes": dict(self.sizes),
            "multi": list(self.multi),
            "goals": list(self.goals),
            "stages": [
                {"goal": stage.goal, "free": list(stage.free), "lines": stage.lines}
                for stage in self.stages
            ],
            "lines": [_plain_line(line) for line in self.in_order],
            "hash": self.hash,
        }

    def text(self) -> str:
        """The document as a file holds it."""
        return json.dumps(self.as_json(), ensure_ascii=False, indent=2) + "\n"

    @staticmethod
    def parse(text: str) -> Certificate:
        """The certificate that a text holds.

        Raises
        ------
        CertificateError : it holds none: no JSON, another format, a key missing or unknown.
        """
        return _certificate(_loaded(text))

    @staticmethod
    def load(path: Path) -> Certificate:
        """The certificate in a file; errors as for `parse`."""
        try:
            return Certificate.parse(read_bounded(path, MOST_BYTES, _fault))
        except CertificateError as error:
            raise CertificateError(f"{path}: {error.message}", mend=error.mend) from None


def _plain_line(line: CertifiedLine) -> Plain:
    return {
        "stage": line.stage,
        "position": line.position,
        "text": line.text,
        "rules": list(line.rules),
        "evidence": dict(line.evidence),
        "hash": line.hash,
    }


def _hash(data: object) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode("ascii")).hexdigest()


# Reading --------------------------------------------------------------------------------------


def _fault(message: str, mend: str) -> CertificateError:
    return CertificateError(message, mend=mend)


def _loaded(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_distinct, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise CertificateError(
            f"line {error.lineno}, column {error.colno} is not JSON: {error.msg}",
            mend="`derive verify NAME --certificate FILE` writes a certificate",
        ) from None
    except (RecursionError, ValueError):
        raise CertificateError("the file is not JSON that can be read") from None


def _distinct(pairs: list[tuple[str, Any]]) -> Plain:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(key for key, _ in pairs if [name for name, _ in pairs].count(key) > 1)
        raise CertificateError(f"the key `{twice:.40}` stands twice in one object")
    return found


def _no_number(name: str) -> object:
    raise CertificateError(f"{name} is no number in JSON")


def _certificate(data: object) -> Certificate:
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise CertificateError(
            "this is no certificate of derive",
            mend="`derive verify NAME --certificate FILE` writes one",
        )
    if data.get("version") != VERSION or isinstance(data["version"], bool):
        raise CertificateError(
            f"the version {data.get('version')!r:.40} of the format is not known",
            mend=f"this derive reads version {VERSION}",
        )
    _check_keys(data, _KEYS, "the certificate")
    return Certificate(
        name=_text(data["name"], "name"),
        versions=_table(data["versions"], "versions", str),
        definitions=_texts(data["definitions"], "definitions"),
        auxiliary=_texts(data["auxiliary"], "auxiliary"),
        sizes=_table(data["sizes"], "sizes", str | int),
        multi=_texts(data["multi"], "multi"),
        goals=_texts(data["goals"], "goals"),
        stages=tuple(map(_stage, _list(data["stages"], "stages"))),
        lines=tuple(map(_line, _list(data["lines"], "lines"))),
        hash=_text(data["hash"], "hash"),
    )


_KEYS = (
    *("format", "version", "name", "versions", "definitions", "auxiliary", "sizes", "multi"),
    *("goals", "stages", "lines", "hash"),
)


def _stage(data: object) -> StatedGoal:
    found = _check_keys(data, ("goal", "free", "lines"), "a stage")
    return StatedGoal(
        _text(found["goal"], "goal"),
        _texts(found["free"], "free"),
        _count(found["lines"], "lines"),
    )


def _line(data: object) -> CertifiedLine:
    keys = ("stage", "position", "text", "rules", "evidence", "hash")
    found = _check_keys(data, keys, "a line")
    return CertifiedLine(
        _count(found["stage"], "stage"),
        _count(found["position"], "position"),
        _text(found["text"], "text"),
        _texts(found["rules"], "rules"),
        _evidence(found["evidence"]),
        _text(found["hash"], "hash"),
    )


def _evidence(data: object) -> Plain:
    if not isinstance(data, dict) or data.get("grade") not in GRADES:
        raise CertificateError(f"the evidence for a line has no grade: {', '.join(GRADES)}")
    return data


def _check_keys(data: object, keys: Iterable[str], what: str) -> Plain:
    if not isinstance(data, dict):
        raise CertificateError(f"{what} is not an object")
    wanted = list(keys)
    for key in wanted:
        if key not in data:
            raise CertificateError(f"{what} lacks the key `{key}`")
    for key in data:
        if key not in wanted:
            raise CertificateError(f"{what} has an unknown key, `{key:.40}`")
    return data


def _text(value: object, key: str) -> str:
    if not isinstance(value, str):
        raise CertificateError(f"`{key}` is not a text")
    return value


def _list(value: object, key: str) -> list[Any]:
    if not isinstance(value, list):
        raise CertificateError(f"`{key}` is not a list")
    if len(value) > MOST_LINES:
        raise CertificateError(f"`{key}` has more than {MOST_LINES} entries")
    return value


def _texts(value: object, key: str) -> tuple[str, ...]:
    return tuple(_text(item, key) for item in _list(value, key))


def _count(value: object, key: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise CertificateError(f"`{key}` is not a positive whole number")
    return value


def _table(value: object, key: str, kind: Any) -> Plain:
    if not isinstance(value, dict) or not all(isinstance(item, kind) for item in value.values()):
        raise CertificateError(f"`{key}` is not a table of texts or numbers")
    return value
