"""Layers: what a text defines for layer l holds for the layers l + 1, L and 2 too."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from derive.check.formula import Formula
from derive.notation.syntax import Named, Node, rebuilt

__all__ = ["Layer", "at_layer", "layer_of"]

_LAYER = re.compile(r"(?P<stem>.*[^\d])(?P<letter>[lL])(?:(?P<sign>[pm])(?P<steps>\d+))?")
_NUMBER = re.compile(r"(?P<stem>.*[^\d])(?P<steps>\d+)")


@dataclass(frozen=True)
class Layer:
    """A name with its layer: `letter + steps`, or the number `steps`."""

    stem: str
    letter: str
    steps: int

    @property
    def name(self) -> str:
        if not self.letter:
            return f"{self.stem}{self.steps}"
        sign = "p" if self.steps > 0 else "m"
        return f"{self.stem}{self.letter}" + (f"{sign}{abs(self.steps)}" if self.steps else "")

    def is_reached(self, other: Layer, asked: Iterable[str]) -> bool:
        """Whether a definition for this layer is to be taken for another one.

        It is for what stands in the line, and for what that rests on, up to the highest layer in
        the line. Below the layer of the definition values are given.
        """
        if self.stem != other.stem or self.letter != "l":
            return False
        if other.letter == "l":
            found = (layer_of(name) for name in asked)
            top = max((one.steps for one in found if one and one.letter == "l"), default=0)
            return self.steps < other.steps <= top
        return other.steps >= (0 if other.letter else 1) or other.name in asked


def layer_of(name: str) -> Layer | None:
    """The layer in a name, as the reader of sides spells it."""
    if match := _LAYER.fullmatch(name):
        steps = int(match["steps"] or 0)
        return Layer(match["stem"], match["letter"], -steps if match["sign"] == "m" else steps)
    if match := _NUMBER.fullmatch(name):
        return Layer(match["stem"], "", int(match["steps"][:6]))
    return None


def at_layer(formula: Formula, defined: Layer, wanted: Layer) -> Formula:
    """What a definition for one layer says for another."""
    return formula.changed(_moved(formula.tree, defined, wanted))


def _moved(node: Node, defined: Layer, wanted: Layer) -> Node:
    node = rebuilt(node, lambda child: _moved(child, defined, wanted))
    if not isinstance(node, Named):
        return node
    here = layer_of(node.name)
    if here is None or here.letter != defined.letter:
        return node
    steps = here.steps - defined.steps + wanted.steps
    return replace(node, name=Layer(here.stem, wanted.letter, steps).name)
