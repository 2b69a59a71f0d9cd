"""The author's macros, written out: `\\newcommand`, `\\def`, `\\DeclareMathOperator`, `\\let`."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Macro", "Macros"]

WORD = re.compile(r"\\(?:[A-Za-z@]+|.)|[{}]", re.S)
COMMAND = re.compile(r"\\(?:[A-Za-z@]+|[^A-Za-z@\s])")
PARAMETER = re.compile(r"##|#([1-9])")
DEFINING = {
    "\\newcommand": "command",
    "\\renewcommand": "command",
    "\\providecommand": "command",
    "\\DeclareRobustCommand": "command",
    "\\def": "def",
    "\\gdef": "def",
    "\\edef": "def",
    "\\xdef": "def",
    "\\let": "let",
    "\\DeclareMathOperator": "operator",
    "\\DeclarePairedDelimiter": "delimiters",
}
# Macros that call macros are followed so deep, and all of them may write so much more than the
# author did: enough for any article, and an end to what doubles itself.
DEEPEST = 20
LARGEST = 500_000
CALLS = 50_000


@dataclass(frozen=True)
class Macro:
    """A macro: its number of arguments, what its optional first one is, and its body."""

    arguments: int
    default: str | None
    body: str


@dataclass(frozen=True)
class Placed:
    """Text in which each character, and its end, knows its offset in the source."""

    text: str
    where: Sequence[int]

    def part(self, start: int, end: int) -> Placed:
        return Placed(self.text[start:end], self.where[start : end + 1])


class Macros:
    """The macros of a document, in the order of the text: a later definition counts from there."""

    def __init__(self) -> None:
        self.known: dict[str, Macro] = {}
        self.exhausted = False
        self._budget = LARGEST
        self._calls = CALLS

    def expand(self, text: str, where: Sequence[int]) -> tuple[str, Sequence[int]]:
        """The text with its macros written out and their definitions taken in and blanked."""
        if not self.known and not any(word in text for word in DEFINING):
            return text, where
        placed = self._expand(Placed(text, where), 0)
        return placed.text, placed.where

    def _expand(self, placed: Placed, depth: int) -> Placed:
        text = placed.text
        output = Output(placed)
        groups = matching_braces(text)
        position = 0
        while match := COMMAND.search(text, position):
            position = match.end()
            if match[0] in DEFINING:
                end = self._define(DEFINING[match[0]], text, position, groups)
                if end is not None:
                    output.blank(match.start(), end)
                    position = end
            elif match[0] in self.known and depth < DEEPEST and not self.exhausted:
                call = self._call(self.known[match[0]], placed, match, groups)
                if call is not None:
                    position = call[0]
                    output.replace(match.start(), position, self._expand(call[1], depth + 1))
        return output.finish()

    # Definitions

    def _define(self, kind: str, text: str, position: int, groups: dict[int, int]) -> int | None:
        """Takes in the definition whose name follows; its end, or None where it is unreadable."""
        position += text.startswith("*", position)
        name = re.compile(r"\s*(?:\{\s*(\\(?:[A-Za-z@]+|.))\s*\}|(\\(?:[A-Za-z@]+|.)))").match(
            text, position
        )
        if not name:
            return None
        read = {"command": self._command, "def": self._def, "let": self._let}.get(kind)
        if read:
            return read(name[1] or name[2], text, name.end(), groups)
        return self._named(kind, name[1] or name[2], text, name.end(), groups)

    def _command(self, name: str, text: str, start: int, groups: dict[int, int]) -> int | None:
        head = re.compile(r"\s*(?:\[(\d)\])?\s*(?:\[([^\[\]\n]*)\])?\s*(?=\{)").match(text, start)
        if not head or head.end() not in groups:
            return None
        end = groups[head.end()]
        self._keep(name, Macro(int(head[1] or 0), head[2], text[head.end() + 1 : end]))
        return end + 1

    def _def(self, name: str, text: str, start: int, groups: dict[int, int]) -> int | None:
        # Arguments with delimiters of their own (`\def\x#1.{...}`) are beyond what is expanded.
        head = re.compile(r"\s*((?:#[1-9])*)\s*(?=\{)").match(text, start)
        if not head or head.end() not in groups:
            return None
        end = groups[head.end()]
        self._keep(name, Macro(len(head[1]) // 2, None, text[head.end() + 1 : end]))
        return end + 1

    def _let(self, name: str, text: str, start: int, groups: dict[int, int]) -> int | None:
        other = re.compile(r"\s*=?\s*(\\(?:[A-Za-z@]+|.)|\S)").match(text, start)
        if not other:
            return None
        self._keep(name, self.known.get(other[1], Macro(0, None, other[1])))
        return other.end()

    def _named(
        self, kind: str, name: str, text: str, start: int, groups: dict[int, int]
    ) -> int | None:
        bodies: list[str] = []
        for _ in range(1 if kind == "operator" else 2):
            while text[start : start + 1].isspace():
                start += 1
            if start not in groups:
                return None
            bodies.append(text[start + 1 : groups[start]])
            start = groups[start] + 1
        if kind == "operator":
            self._keep(name, Macro(0, None, f"\\operatorname{{{bodies[0]}}}"))
        else:
            self._keep(name, Macro(1, None, f"\\left{bodies[0]} #1 \\right{bodies[1]}"))
        return start

    def _keep(self, name: str, macro: Macro) -> None:
        # A macro that says itself (`\let\x\x`, `\def\E{\E}`) would never come to an end.
        if re.search(re.escape(name) + r"(?![A-Za-z@])", macro.body):
            self.known.pop(name, None)
        else:
            self.known[name] = macro

    # Calls

    def _call(
        self, macro: Macro, placed: Placed, match: re.Match[str], groups: dict[int, int]
    ) -> tuple[int, Placed] | None:
        """Where a call ends and what it stands for, or None where its arguments are missing."""
        arguments: list[Placed] = []
        position = match.end()
        if macro.arguments and placed.text.startswith("*", position):
            position += 1
        call = placed.where[match.start()]
        if macro.default is not None:
            position, first = optional_argument(placed, position, macro.default, call)
            arguments.append(first)
        while len(arguments) < macro.arguments:
            argument = next_argument(placed, position, groups)
            if argument is None:
                return None
            position, value = argument
            arguments.append(value)
        body = substituted(macro.body, arguments, call)
        self._calls -= 1
        self._budget -= len(body.text)
        self.exhausted = self._calls < 0 or self._budget < 0
        # A letter after the call must not run into a command that its body ends with.
        return position, body


class Output:
    """The text that grows while a text is read and parts of it are replaced."""

    def __init__(self, placed: Placed) -> None:
        self._placed = placed
        self._texts: list[str] = []
        self._where = array("q")
        self._read = 0

    def blank(self, start: int, end: int) -> None:
        """Leaves out a part."""
        self._copy(start)
        self._read = end

    def replace(self, start: int, end: int, other: Placed) -> None:
        """Puts another text in the place of a part."""
        self._copy(start)
        self._read = end
        self._add(other.text, other.where)
        following = self._placed.text[end : end + 1]
        if re.search(r"\\[A-Za-z@]+\Z", other.text) and following.isalpha():
            self._add(" ", other.where[-1:])

    def finish(self) -> Placed:
        """The whole text."""
        self._copy(len(self._placed.text))
        self._where.append(self._placed.where[len(self._placed.text)])
        return Placed("".join(self._texts), self._where)

    def _copy(self, end: int) -> None:
        self._add(self._placed.text[self._read : end], self._placed.where[self._read : end])

    def _add(self, text: str, where: Sequence[int]) -> None:
        self._texts.append(text)
        self._where.extend(where[: len(text)])


def matching_braces(text: str) -> dict[int, int]:
    """For each brace that is closed, where."""
    opened: list[int] = []
    groups: dict[int, int] = {}
    for match in WORD.finditer(text):
        if match[0] == "{":
            opened.append(match.start())
        elif match[0] == "}" and opened:
            groups[opened.pop()] = match.start()
    return groups


def optional_argument(placed: Placed, position: int, default: str, call: int) -> tuple[int, Placed]:
    """The argument in brackets, or else what stands for it."""
    match = re.compile(r"\s*\[([^\[\]\n]*)\]").match(placed.text, position)
    if match:
        return match.end(), placed.part(match.start(1), match.end(1))
    return position, Placed(default, array("q", [call]) * (len(default) + 1))


def next_argument(
    placed: Placed, position: int, groups: dict[int, int]
) -> tuple[int, Placed] | None:
    """The group, command or character that is a macro's next argument, and where it ends."""
    match = re.compile(r"\s*(\{|\\(?:[A-Za-z@]+|.)|[^\s}])").match(placed.text, position)
    if not match or (match[1] == "{" and match.start(1) not in groups):
        return None
    if match[1] != "{":
        return match.end(), placed.part(match.start(1), match.end(1))
    end = groups[match.start(1)]
    return end + 1, placed.part(match.start(1) + 1, end)


def substituted(body: str, arguments: list[Placed], call: int) -> Placed:
    """The body of a macro with its arguments, which keep their places."""
    texts: list[str] = []
    where = array("q")
    position = 0
    for match in PARAMETER.finditer(body):
        number = int(match[1] or 0)
        piece = body[position : match.start()]
        texts.append(piece)
        where.extend([call] * len(piece))
        if 0 < number <= len(arguments):
            value = arguments[number - 1]
            texts.append(value.text)
            where.extend(value.where[: len(value.text)])
        position = match.end()
    texts.append(body[position:])
    where.extend([call] * (len(body) - position + 1))
    return Placed("".join(texts), where)
