"""Read the equations of a computation graph, written as plain text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sympy import Expr

from derive.errors import DefinitionError, NotationError
from derive.expressions import Equation, Graph, Index, One, Size, broadcast, free_indices, tensor
from derive.notation.bind import Effort, bind
from derive.notation.census import (
    Use,
    check_uses,
    letters_of,
    places_of,
    sizes_of_letters,
    subscripted,
    uses_in,
)
from derive.notation.comparisons import labels_in, with_positions
from derive.notation.multi import check_declared, check_ranks, declared_letters, shapes
from derive.notation.parse import words
from derive.notation.sizes import declared_sizes, named_sizes, with_limits, within
from derive.notation.source import Mistake, Source, normalise
from derive.notation.statement import Statement, inverses_used, own_letters, statement
from derive.notation.subscripts import spelled
from derive.notation.surface import split
from derive.notation.syntax import Letter, letters_used

__all__ = ["bounded", "read_graph", "read_sources"]

MOST_CHARACTERS = 20_000


def read_graph(
    equations: str | Sequence[str],
    *,
    sizes: Mapping[str, str | int] | None = None,
    multi: Iterable[str] = (),
    name: str = "",
) -> Graph:
    """The computation graph that equations make.

    Parameters
    ----------
    equations : definitions `c = …` and abbreviations `sigma := …`, in one text, separated by
        semicolons or lines, or in a list. What follows a `#` in a line is a comment. A text with
        a backslash or a dollar sign is LaTeX, where rows of a display are equations too.
    sizes : for an index letter its size, a name such as `H` or a number.
    multi : the index letters that are multi-indices, each for any number of axes.
    name : what the text is called in error messages.

    >>> graph = read_graph("s_i = exp(x_i) / sigma; sigma := 1_j exp(x_j); c = -log(s_T)")
    >>> graph.inputs, graph.outputs
    (('x',), ('c',))
    """
    texts = [equations] if isinstance(equations, str) else list(equations)
    pieces = [piece for whole in texts for piece in split(bounded(whole, name), name)]
    origin = f" of {name}" if name else ""
    sources = [
        piece.source(f"equation {number}{origin}" if len(pieces) > 1 or name else "")
        for number, piece in enumerate(pieces, 1)
    ]
    return read_sources(sources, sizes=sizes, multi=multi, name=name)


def read_sources(
    sources: Sequence[Source],
    *,
    sizes: Mapping[str, str | int] | None = None,
    multi: Iterable[str] = (),
    name: str = "",
) -> Graph:
    """The computation graph of equations that know what they are called in error messages."""
    if not sources:
        raise NotationError(
            within(name, "there are no equations"),
            mend="write at least one, such as `y_i = exp(x_i)`",
        )
    _check_length(sum(len(source.text) for source in sources), name)
    known = set().union(*(words(source.text) for source in sources))
    several = declared_letters(multi)
    lines = _with_positions([statement(source, known, several) for source in sources])
    sides = [side for line in lines for side in (line.left, line.right)]
    tensors = subscripted(sides) | {line.name for line in lines}
    uses = [
        use
        for n, line in enumerate(lines)
        for use in uses_in(n, line.source, line.left, line.right)
    ]
    _check_names(lines)
    given = with_limits(sources, sizes or {})
    check_uses(uses, tensors, [spelled(normalise(str(s))) for s in given.values()])
    check_declared(several, uses)
    inverses = inverses_used(uses, {line.name for line in lines})
    declared = declared_sizes(given, uses, several, name)
    reading = _Reading(lines, uses, tensors, declared, several, inverses)
    graph = reading.graph([{}] * len(lines))
    check_ranks(uses, graph)
    unknown = reading.unknown_sizes(graph)
    if not unknown:
        return graph
    # Letters that run over no axis, as in `1_h 1_h`, are as long as elsewhere in their line.
    graph = reading.graph([reading.sizes(graph, line) for line in range(len(lines))])
    reading.check_sizes(graph)
    return graph


@dataclass(frozen=True)
class _Reading:
    """Equations that are parsed, and all that is known of the names in them."""

    lines: Sequence[Statement]
    uses: Sequence[Use]
    tensors: set[str]
    declared: Mapping[str, str | int]
    multi: Sequence[str] = ()
    inverses: Sequence[Equation] = ()
    effort: Effort = field(default_factory=Effort)

    def graph(self, sizes: Sequence[Mapping[str, Expr]]) -> Graph:
        """The graph, when the letters of each line have the given sizes."""
        equations = [
            _equation(line, self.tensors, self._sizes(line, known), self.effort)
            for line, known in zip(self.lines, sizes, strict=True)
        ]
        left = [_left_use(self.uses, n, line.name) for n, line in enumerate(self.lines)]
        letters = letters_of(self.uses, left, [line.free for line in self.lines])
        try:
            return Graph(
                [*equations, *self.inverses],
                letters=letters,
                sizes=self.declared,
                multi=self.multi,
            )
        except DefinitionError as error:
            raise error.at(*places_of(error.subjects, self.uses)) from None

    def _sizes(self, line: Statement, known: Mapping[str, Expr]) -> dict[str, Expr]:
        letters = line.left.letters | line.right.letters
        return {
            **shapes(letters, self.multi),
            **known,
            **named_sizes(self.declared, self.multi),
        }

    def sizes(self, graph: Graph, line: int) -> dict[str, Expr]:
        """The sizes of the letters of a line, as far as its tensors tell."""
        return sizes_of_letters((use for use in self.uses if use.line == line), graph)

    def unknown_sizes(self, graph: Graph) -> list[int]:
        """The lines with an index whose size neither an axis nor a declaration tells."""
        axes = [(name, axis) for name, order in graph.arity.items() for axis in range(order)]
        named = named_sizes(self.declared, self.multi)
        known = {*(graph.axis_size(*axis) for axis in axes), *named.values()}
        return [
            number
            for number, equation in enumerate(graph.equations)
            if any(not i.is_label and i.size not in known for i in equation.rhs.atoms(Index))
            # Of an index that a product lacks, a power is left, whose exponent is its size.
            or any(not size.is_named and size not in known for size in equation.rhs.atoms(Size))
        ]

    def check_sizes(self, graph: Graph) -> None:
        """Refuse an index of unknown size."""
        for line in self.unknown_sizes(graph):
            known = {*self.sizes(graph, line), *self.declared}
            for use in self.uses:
                if use.line == line and use.role == "index" and use.name not in known:
                    raise NotationError(
                        f"the index {use.name} runs over no axis, so its size is not known",
                        mend=f"use it in a tensor too, or declare its size: `{use.name}` is `N`",
                        places=(use.place,),
                    )


def bounded(text: str, name: str) -> str:
    """The text in one spelling, if it is short enough to be read."""
    _check_length(len(text), name)
    return normalise(text)


def _check_length(length: int, name: str) -> None:
    if length > MOST_CHARACTERS:
        raise NotationError(
            within(name, f"the text has {length} characters"),
            mend=f"at most {MOST_CHARACTERS} can be read at once",
        )


def _with_positions(lines: Sequence[Statement]) -> list[Statement]:
    """The equations with the index letters in comparisons told from scalars."""
    labels = labels_in(side for line in lines for side in (line.left, line.right))
    return [_positioned(line, labels) for line in lines]


def _positioned(line: Statement, labels: set[str]) -> Statement:
    letters = letters_used(line.left) | letters_used(line.right)
    right = with_positions(line.right, letters, labels)
    if line.kind != "relation":
        return replace(line, right=right)
    return replace(line, left=with_positions(line.left, letters, labels), right=right)


def _check_names(lines: Sequence[Statement]) -> None:
    first: dict[str, Statement] = {}
    for line in lines:
        other = first.setdefault(line.name, line)
        if other is not line:
            raise NotationError(
                f"{line.name} is defined twice",
                mend="give one of the two another name",
                places=tuple(one.source.place(one.defined.span) for one in (line, other)),
            )


def _equation(
    line: Statement, tensors: set[str], sizes: Mapping[str, Expr], effort: Effort
) -> Equation:
    """Bind the indices of one equation."""
    if line.kind == "relation":
        return _relation(line, tensors, sizes, effort)
    left, free = line.defined, line.free
    with line.source.reading():
        right = bind(line.right, line.source, free, tensors, sizes=sizes, effort=effort)
        for slot in left.slots:
            if isinstance(slot, Letter) and slot.name not in line.right.letters:
                quoted = line.source.quote(line.right.span)
                short = f"write `1_{slot.name} ({quoted})` on the right"
                raise Mistake(
                    f"the index {slot.name} is free on the left-hand side only",
                    slot.span,
                    mend=f"{short} to broadcast over {slot.name}, or remove it on the left",
                )
        lost = sorted(free - {index.name for index in free_indices(right)})
        if lost and right.is_zero:
            raise Mistake(
                f"the right-hand side of {left.name} is zero",
                line.right.span,
                mend="its terms cancel: check their signs",
            )
        for letter in lost:
            right = One(Index(letter, sizes.get(letter))) * right
    letters = [slot.name for slot in left.slots if isinstance(slot, Letter)]
    indices = [Index(letter, sizes.get(letter)) for letter in letters]
    return Equation(tensor(left.name, *indices), right, line.kind)


def _relation(
    line: Statement, tensors: set[str], sizes: Mapping[str, Expr], effort: Effort
) -> Equation:
    """Bind the indices of a relation, each side by itself."""
    with line.source.reading():
        sides = [
            bind(side, line.source, line.free, tensors, sizes=sizes, effort=effort)
            for side in (line.left, line.right)
        ]
    free = [Index(letter, sizes.get(letter)) for letter in sorted(line.free)]
    left, right = (broadcast(side, free) for side in sides)
    letters = own_letters(line.defined)
    lhs = tensor(line.name, *(Index(letter, sizes.get(letter)) for letter in letters))
    return Equation(lhs, right, "relation", left)


def _left_use(uses: Sequence[Use], line: int, name: str) -> Use:
    """The first mention of what a line defines."""
    return next(use for use in uses if use.line == line and use.name == name)
