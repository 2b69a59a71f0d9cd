"""Statements, row after row, gathered to chains."""

from __future__ import annotations

from dataclasses import dataclass, field

from derive.check.conditions import Condition
from derive.check.statements import Statement, statements
from derive.check.tokens import Item, NotUnderstood

__all__ = ["Building", "gather"]

# More columns of equations than anyone sets side by side: chains of so many would be slow to cut.
COLUMNS = 16


@dataclass
class Building:
    """A chain in the making: the items of each side, the relations, what is noted beside each.

    `conditions` has for each row its links, by number, and the conditions that stand in it.
    """

    sides: list[list[Item]] = field(default_factory=lambda: [[]])
    relations: list[Item] = field(default_factory=list)
    notes: list[list[str]] = field(default_factory=list)
    conditions: list[tuple[range, list[Condition]]] = field(default_factory=list)
    note: str = ""
    remarks: list[str] = field(default_factory=list)

    @property
    def dangling(self) -> bool:
        """Whether the last row ends where a formula cannot."""
        last = self.sides[-1]
        return (bool(self.relations) and not last) or (bool(last) and last[-1].kind == "operator")

    def extend(self, statement: Statement) -> None:
        """Takes in a statement that goes on with this chain."""
        before = len(self.relations)
        for item in statement.items:
            if item.kind != "relation":
                self.sides[-1].append(item)
            elif not (self.relations and not self.sides[-1] and self._same(item)):
                self.relations.append(item)
                self.notes.append([item.note] if item.note else [])
                self.sides.append([])
        self.conditions.append((range(before, len(self.relations)), statement.conditions))
        (self.notes[-1] if self.notes else self.remarks).extend(statement.notes)

    def _same(self, item: Item) -> bool:
        # A relation at the end of a row, said again at the start of the next.
        return self.relations[-1].value == item.value


def gather(items: list[Item], text: str) -> list[Building]:
    """The chains of a block, in the order in which they begin."""
    gatherer = Gatherer(text)
    row: list[Item] = []
    for item in items:
        if item.kind == "row":
            gatherer.read(row, item.value)
            row = []
        else:
            row.append(item)
    gatherer.read(row, "")
    return gatherer.finish()


class Gatherer:
    """Adds each statement to the chain of its column, or starts a chain with it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.chains: list[Building] = []
        self.columns: dict[int, Building] = {}
        # What a row says that has no formula: it leads the next chain.
        self.conditions: list[Condition] = []
        self.notes: list[str] = []

    def read(self, row: list[Item], environment: str) -> None:
        """Takes in a row."""
        shifted = next((item.kind for item in row if item.kind != "space"), "") == "align"
        found = statements(row, self.text)
        if len(found) > COLUMNS:
            reason = f"more than {COLUMNS} equations stand in one row"
            raise NotUnderstood(
                reason, found[COLUMNS].items[0].start if found[COLUMNS].items else 0
            )
        for position, statement in enumerate(found):
            if not statement.items:
                self.conditions += statement.conditions
                self.notes += statement.notes
                continue
            statement.conditions[:0], self.conditions = self.conditions, []
            statement.notes[:0], self.notes = self.notes, []
            self._add(statement, shifted and position == 0, environment)

    def finish(self) -> list[Building]:
        """The chains; what the last rows only say belongs to the last of them."""
        if self.chains and (self.conditions or self.notes):
            last = Statement([], conditions=self.conditions, notes=self.notes)
            self.chains[-1].extend(last)
        return self.chains

    def _add(self, statement: Statement, shifted: bool, environment: str) -> None:
        last = self.columns.get(statement.column) or (self.chains[-1] if self.chains else None)
        if last is not None and self._continues(statement, last, shifted, environment):
            last.extend(statement)
            self.columns[statement.column] = last
            return
        new = Building(note=statement.note)
        new.extend(statement)
        self.chains.append(new)
        self.columns[statement.column] = new

    def _continues(
        self, statement: Statement, last: Building, shifted: bool, environment: str
    ) -> bool:
        """Whether a statement goes on with the chain above it."""
        items = statement.items
        if statement.note:
            return False
        if items[0].kind == "relation" or last.dangling:
            return True
        relation = any(item.kind == "relation" for item in items)
        if items[0].kind == "operator":
            return shifted or not relation or items[0].value not in ("-", "+", "−")
        return not relation and (shifted or environment in ("multline", "multlined"))
