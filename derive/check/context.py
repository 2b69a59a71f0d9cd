"""What a text has defined: names, functions of a letter, restated and shadowed as it goes on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace

from derive.check.formula import Formula
from derive.check.layers import at_layer, layer_of
from derive.check.reading import Reading

__all__ = ["Context", "Definition", "compatible"]

Choices = Mapping[str, str]
"""For each topic that readings may differ in, what is chosen."""


def compatible(readings: Iterable[Formula], choices: Choices) -> Formula:
    """The first reading that goes with the choices, or the first of all."""
    every = list(readings)
    fitting = (formula for formula in every if _fits(formula.reading, choices))
    return next(fitting, every[0])


def _fits(reading: Reading, choices: Choices) -> bool:
    return all(choices.get(one.topic, one.choice) == one.choice for one in reading.assumed)


@dataclass(frozen=True)
class Definition:
    """`name_letters = right`, in one of its readings.

    `number` counts the statements of the document; `line` is where it stands in the file.
    """

    name: str
    letters: tuple[str, ...]
    readings: tuple[Formula, ...]
    number: int = 0
    line: int = 0
    section: tuple[str, ...] = ()
    inline: bool = False
    right: Formula = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "right", self.readings[0])

    @property
    def is_derivative(self) -> bool:
        """Whether it is a name for a derivative, as in `δ_j = ∂E/∂z_j`."""
        return bool(self.right.derivatives)

    def chosen(self, choices: Choices) -> Definition:
        """The definition in the reading that goes with choices."""
        found = replace(self)
        object.__setattr__(found, "right", compatible(self.readings, choices))
        return found


@dataclass
class Context:
    """The definitions of a document in order.

    `unread` are the names whose definitions are not understood, each with its line.
    """

    definitions: list[Definition] = field(default_factory=list)
    unread: dict[str, int] = field(default_factory=dict)

    def names(self) -> set[str]:
        """The names that are tensors or numbers."""
        return {definition.name for definition in self.definitions}

    def visible(self, name: str, number: int, section: tuple[str, ...]) -> Definition | None:
        """What a name stands for at a place.

        It is the last definition before, or else one that follows in the same section, as behind
        *where*.
        """
        own = [d for d in self.definitions if d.name == name]
        before = [d for d in own if d.number <= number]
        after = [d for d in own if d.number > number and d.section == section]
        return before[-1] if before else after[0] if after else None

    def before(self, name: str, number: int, section: tuple[str, ...]) -> Definition | None:
        """The definition that a name has in a section already, before a statement."""
        own = [d for d in self.definitions if d.name == name and d.section == section]
        earlier = [definition for definition in own if definition.number < number]
        return earlier[-1] if earlier else None

    def needed(
        self,
        names: Iterable[str],
        number: int,
        section: tuple[str, ...],
        choices: Choices,
        without: Set[str] = frozenset(),
    ) -> list[Definition]:
        """The definitions that names rest on, each after those that it rests on itself.

        What is in `without` counts as not defined.
        """
        asked = frozenset(names)
        found: dict[str, Definition] = {}
        under_way: set[str] = set()

        def visit(name: str) -> None:
            if name in found or name in under_way or name in without:
                return
            definition = self.visible(name, number, section)
            if definition is None:
                definition = self._of_layer(name, number, section, asked)
            if definition is None:
                return
            under_way.add(name)
            definition = definition.chosen(choices)
            for inner in sorted(definition.right.names - {name}):
                visit(inner)
            found[name] = definition

        for name in sorted(asked):
            visit(name)
        return list(found.values())

    def _of_layer(
        self, name: str, number: int, section: tuple[str, ...], asked: frozenset[str]
    ) -> Definition | None:
        """What a name of one layer stands for by the definition for layer l."""
        wanted = layer_of(name)
        if wanted is None:
            return None
        for generic in dict.fromkeys(definition.name for definition in self.definitions):
            defined = layer_of(generic)
            if defined is None or not defined.is_reached(wanted, asked):
                continue
            definition = self.visible(generic, number, section)
            if definition is not None:
                moved = (at_layer(formula, defined, wanted) for formula in definition.readings)
                return replace(definition, name=name, readings=tuple(moved))
        return None
