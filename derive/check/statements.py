"""A row of a block as statements: equations, and what only stands beside them."""

from __future__ import annotations

from dataclasses import dataclass, field

from derive.check.branches import condition_of_text
from derive.check.conditions import Condition, bracketed, is_condition
from derive.check.pieces import (
    LAYOUT,
    Piece,
    condition_first,
    has_relation,
    pieces,
    plain_words,
    text_of,
    trimmed,
)
from derive.check.tokens import Item, NotUnderstood

__all__ = ["Statement", "statements"]

# What a colon ends can be a condition only if it is as short as this.
SHORT = 40


@dataclass
class Statement:
    """Items that say one thing: an equation, or the part of one that a row adds to the last."""

    items: list[Item]
    column: int = 0
    note: str = ""
    notes: list[str] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    related: bool = False

    def extend(self, items: list[Item]) -> None:
        """Goes on with more items."""
        self.items.extend(items)
        self.related = self.related or has_relation(items)

    @property
    def complete(self) -> bool:
        """Whether there is something behind a relation."""
        return self.related and self.items[-1].kind != "relation"


def statements(row: list[Item], text: str) -> list[Statement]:
    """The statements of a row, in order."""
    reader = RowReader(text)
    for piece in pieces(row):
        reader.read(piece)
    return reader.finish()


class RowReader:
    """Joins the pieces of a row to statements, from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.done: list[Statement] = []
        self.current: Statement | None = None
        # What was said before the statement it belongs to.
        self.conditions: list[Condition] = []
        self.notes: list[str] = []
        self.last = ""

    def read(self, piece: Piece) -> None:
        """Takes in the next piece."""
        items = trimmed([item for item in piece.items if item.kind not in LAYOUT])
        if piece.boundary == "condition" or (items and self._is_condition(piece, items)):
            self._condition(piece, items)
        elif self.last == "condition" and piece.boundary == "comma" and not has_relation(items):
            self._longer_condition(items)
        elif piece.boundary in ("note", "join"):
            self._words(piece, items)
        elif items:
            self._expression(piece, items)

    def finish(self) -> list[Statement]:
        """The statements; what was said beside none of them makes one of its own."""
        if self.current is None and (self.conditions or self.notes):
            self._start([], 0, "")
        return self.done

    def _start(self, items: list[Item], column: int, note: str) -> None:
        self.current = Statement(
            items, column, plain_words(note), self.notes, self.conditions, has_relation(items)
        )
        self.notes, self.conditions = [], []
        self.done.append(self.current)

    def _note(self, words: str) -> None:
        (self.current.notes if self.current else self.notes).append(plain_words(words))

    def _is_condition(self, piece: Piece, items: list[Item]) -> bool:
        if piece.boundary == "join" and self.last == "condition":
            return is_condition(items, self.text)
        if self.current is None or not self.current.complete:
            return False
        if piece.boundary not in ("quad", "column", "comma"):
            return False
        inner = bracketed(items)
        if inner and inner[0].kind == "text":
            return condition_first(inner[0].value)
        return is_condition(inner or items, self.text)

    def _condition(self, piece: Piece, items: list[Item]) -> None:
        self.last = "condition"
        said = condition_of_text(piece.words)
        if items and said and said != "otherwise":
            said = ""
        inner = bracketed(items) or items
        inner = inner[inner[0].kind == "text" :] if inner else inner
        tex = text_of(inner, self.text) or said
        offset = inner[0].start if inner else piece.offset
        if tex:
            conditions = self.current.conditions if self.current else self.conditions
            conditions.append(Condition(tex, offset))

    def _longer_condition(self, items: list[Item]) -> None:
        """What follows the comma of `i = 1, ..., n`."""
        conditions = self.current.conditions if self.current else self.conditions
        if items and conditions:
            start = conditions[-1].offset
            conditions[-1] = Condition(self.text[start : items[-1].end], start)

    def _words(self, piece: Piece, items: list[Item]) -> None:
        self.last = "words"
        if has_relation(items) and items[0].kind != "relation":
            if piece.boundary == "note" and piece.words:
                self.current = None
                self._note(piece.words)
            self._start(items, piece.column, piece.words if piece.boundary == "join" else "")
        elif items and (items[0].kind in ("relation", "operator") or self.current is None):
            self._note(piece.words)
            self._extend(items, piece)
        else:
            self._note(f"{piece.words} {text_of(items, self.text)}".strip())

    def _extend(self, items: list[Item], piece: Piece) -> None:
        if self.current is None:
            self._start(items, piece.column, "")
        else:
            self.current.extend(items)

    def _expression(self, piece: Piece, items: list[Item]) -> None:
        """A piece behind a wide space, a column, a comma, a colon, an implication, or nothing."""
        self.last = "expression"
        relation = has_relation(items)
        if piece.boundary == "implies":
            self._implied(piece, items, relation)
        elif self.current is None:
            self._start(items, piece.column, "")
        elif piece.boundary == "column" and items[0].kind in ("relation", "operator"):
            # It may go on with what stands in the same column of the row above.
            self._start(items, piece.column, "")
        elif items[0].kind in ("relation", "operator") or not self.current.items:
            self.current.extend(items)
        elif piece.boundary == "colon":
            self._after_colon(piece, items)
        elif not relation:
            self._aside(piece, items)
        elif piece.boundary == "comma" and not self.current.complete:
            self._list(piece, items)
        else:
            self._start(items, piece.column, "")

    def _implied(self, piece: Piece, items: list[Item], relation: bool) -> None:
        if items[0].kind == "relation" and self.current is not None:
            self._note(piece.words)
            self.current.extend(items)
        elif relation or self.current is None or piece.words not in ("and", "or"):
            self._start(items, piece.column, piece.words)
        else:
            # An operator after all: the wedge of two vectors, the meet of two sets.
            self._list(piece, items)

    def _after_colon(self, piece: Piece, items: list[Item]) -> None:
        current = self.current
        short = current is not None and len(current.items) < SHORT
        if short and current is not None and is_condition(current.items, self.text):
            condition = Condition(text_of(current.items, self.text), current.items[0].start)
            self.done.pop()
            self.conditions = [*current.conditions, condition]
            self._start(items, piece.column, "")
        else:
            self._list(piece, items)

    def _list(self, piece: Piece, items: list[Item]) -> None:
        """Goes on with the separator as part of the formula: `i, j = 1, ..., n`."""
        sign = Item("atom", piece.offset, piece.offset + 1)
        self._extend([sign, *items], piece)

    def _aside(self, piece: Piece, items: list[Item]) -> None:
        """Something without a relation beside an equation."""
        current = self.current
        if piece.boundary == "comma":
            self._list(piece, items)
        elif current is not None and current.complete and not bracketed(items):
            reason = "it is not clear what stands beside this equation"
            raise NotUnderstood(reason, items[0].start)
        elif bracketed(items):
            self._note(text_of(items, self.text))
        else:
            self._extend(items, piece)
