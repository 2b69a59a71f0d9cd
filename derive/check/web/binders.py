"""Signs that bind letters: sums with their ranges, products, extrema."""

from __future__ import annotations

from derive.check.web.lexer import Token
from derive.check.web.names import Names
from derive.check.web.scripts import slots_in
from derive.check.web.state import RELATIONS, Reader
from derive.check.web.tree import (
    Bind,
    Call,
    Compare,
    Letter,
    Node,
    Product,
    Slot,
    Sum,
    free_letters,
    rebuilt,
)

__all__ = ["extremum", "product_over", "summation"]


def summation(reader: Reader) -> Node:
    """`\\sum_{j=1}^{N}` and what it reaches over: the rest of the term."""
    token = reader.next()
    letters, conditions = _range(reader, token)
    body = _signed_term(reader)
    if not letters:
        letters = _only_letter(reader, token, body)
    return _bound(token, "sum", letters, conditions, body)


def _signed_term(reader: Reader) -> Node:
    """A term, before which a sign may stand: `\\sum_i -2 x_i`."""
    sign = reader.takes("-", "+")
    body = reader.term()
    negative = sign is not None and sign.text == "-"
    return Sum(body.span, (body,), (True,)) if negative else body


def product_over(reader: Reader) -> Node:
    """`\\prod_j` and what it reaches over."""
    token = reader.next()
    letters, conditions = _range(reader, token)
    if conditions:
        raise reader.refused("a product over a part of an index", token)
    body = reader.term()
    return _bound(token, "prod", letters or _only_letter(reader, token, body), (), body)


def extremum(reader: Reader) -> Node:
    """`\\max_j x_j`, or `\\max(a, b)`."""
    token = reader.next()
    if reader.sees("_"):
        letters, conditions = _range(reader, token)
        if conditions:
            raise reader.refused("an extremum over a part of an index", token)
        return _bound(token, token.text, letters, (), reader.factor())
    if not reader.sees("(", "\\{", "["):
        raise reader.refused(f"`\\{token.text}` without an index or a bracket", token)
    start, end = reader.bracketed("()")
    return Call((token.span[0], reader.tokens[end].span[1]), token.text, _two(reader, start, end))


def _two(reader: Reader, start: int, end: int) -> tuple[Node, ...]:
    depth, commas = 0, []
    for position in range(start, end):
        token = reader.tokens[position]
        depth += token.opens("(", "{", "[") - token.opens(")", "}", "]")
        if token.opens(",") and not depth:
            commas.append(position)
    if len(commas) != 1:
        raise reader.refused("an extremum of two values has two", reader.tokens[start - 1])
    return reader.read_sum((start, commas[0])), reader.read_sum((commas[0] + 1, end))


def _bound(
    token: Token, kind: str, letters: tuple[str, ...], conditions: tuple[Node, ...], body: Node
) -> Node:
    span = (token.span[0], body.span[1])
    if conditions:
        body = Product(body.span, (*conditions, body), (False,) * (len(conditions) + 1))
    letters = tuple(dict.fromkeys(letters))
    taken = {letter: f"{letter.lower()}'" for letter in letters if letter[0].isupper()}
    return Bind(span, kind, tuple(taken.get(c, c) for c in letters), _lowered(body, taken))


def _lowered(node: Node, taken: dict[str, str]) -> Node:
    """The node with lower-case letters for the upper-case ones of a sign."""

    def change(part: Node | Slot | Letter) -> Node | Slot | Letter:
        if isinstance(part, Letter):
            return Letter(taken.get(part.name, part.name))
        found: Node | Slot | Letter = rebuilt(part, change)
        return found

    found: Node = rebuilt(node, change) if taken else node
    return found


def _only_letter(reader: Reader, token: Token, body: Node) -> tuple[str, ...]:
    """The letter of a sum that names none: the only one that can be meant."""
    letters = sorted(free_letters(body) - (reader.found.free or frozenset()))
    if len(letters) != 1:
        raise reader.refused("a sum that does not say what it runs over", token)
    reader.remark(f"the sum does not name its letter; read as one over {letters[0]}", token.span[0])
    return (letters[0],)


def _range(reader: Reader, token: Token) -> tuple[tuple[str, ...], tuple[Node, ...]]:
    """The letters of a sign and the conditions on them, from what stands below and above."""
    below: tuple[int, int] | None = None
    above: tuple[int, int] | None = None
    while (mark := reader.takes("_", "^")) is not None:
        if mark.text == "_":
            below = reader.argument()
        else:
            above = reader.argument()
    if below is None:
        return (), ()
    with reader.inside(*below):
        letters, conditions = _below(reader, token, above)
        reader.position = reader.end
    return letters, conditions


def _below(
    reader: Reader, token: Token, above: tuple[int, int] | None
) -> tuple[tuple[str, ...], tuple[Node, ...]]:
    tokens = reader.tokens[reader.position : reader.end]
    at = next((n for n, t in enumerate(tokens) if t.opens(*RELATIONS, "in")), len(tokens))
    letters = tuple(_letters(reader, tokens[:at], reader.names))
    if at == len(tokens):
        if above is not None:
            _name_size(reader, letters, reader.tokens[slice(*above)])
        return letters, ()
    sign, rest = tokens[at], tokens[at + 1 :]
    if sign.opens("in"):
        return letters, _member(reader, letters, rest, sign)
    if not sign.opens("="):
        start = reader.position + at + 1
        return letters, (_restricted(reader, letters, sign, start),)
    if len(letters) != 1 or above is None:
        raise reader.refused("a range that is not understood", token)
    return letters, _from_to(reader, letters[0], rest, reader.tokens[slice(*above)])


def _letters(reader: Reader, tokens: tuple[Token, ...], names: Names) -> list[str]:
    found = [slot.letter for slot in slots_in(tokens, "", names)]
    if not found or not all(found):
        raise reader.refused("a sum over what is no letter", tokens[0] if tokens else None)
    return found


def _member(
    reader: Reader, letters: tuple[str, ...], rest: tuple[Token, ...], sign: Token
) -> tuple[Node, ...]:
    """`j \\in \\{1, …, N\\}` is all of an index."""
    if not rest or not rest[0].opens("\\{") or not any(t.opens("ldots") for t in rest):
        raise reader.refused("a sum over a set", sign)
    _name_size(reader, letters, rest[-2:-1])
    return ()


def _restricted(reader: Reader, letters: tuple[str, ...], sign: Token, start: int) -> Node:
    """`k \\neq i`, `j \\le q`: a factor that is 1 where it holds."""
    other = slots_in(reader.tokens[start : reader.end], "", reader.names)
    if len(letters) != 1 or len(other) != 1:
        raise reader.refused("a condition below a sum that is not understood", sign)
    span = (sign.span[0], sign.span[1])
    return Compare(span, (Slot((Letter(letters[0]),)), other[0]), (RELATIONS[sign.text],))


def _from_to(
    reader: Reader, letter: str, start: tuple[Token, ...], above: tuple[Token, ...]
) -> tuple[Node, ...]:
    """All of an index, or conditions on its ends."""
    first, names = "".join(t.text for t in start if not t.opens("{", "}")), reader.names
    conditions: list[Node] = []
    span = (start[0].span[0], above[-1].span[1]) if start and above else (0, 1)
    here = Slot((Letter(letter),))
    upper = above
    if first == "0" and [t.text for t in above[-2:]] == ["-", "1"]:
        upper = above[:-2]
    elif first.isdigit() and int(first) > names.first:
        conditions.append(Compare(span, (here, Slot((str(int(first) - names.first),))), (">=",)))
    elif not first.isdigit():
        other = slots_in(start, "", names)
        conditions.append(Compare(span, (here, *other[:1]), (">=",)))
    if _is_index(upper, names):
        other = slots_in(upper, "", names)
        conditions.append(Compare(span, (here, *other[:1]), ("<=",)))
    else:
        _name_size(reader, (letter,), upper)
    return tuple(conditions)


def _is_index(tokens: tuple[Token, ...], names: Names) -> bool:
    return any(t.kind == "letter" and t.text in names.indices and t.text.islower() for t in tokens)


def _name_size(reader: Reader, letters: tuple[str, ...], above: tuple[Token, ...]) -> None:
    """Keep the size of letters, if it is a name or a number."""
    texts = [token.text for token in above if not token.opens("{", "}")]
    if len(texts) == 1 and (texts[0].isalnum()):
        size: str | int = int(texts[0]) if texts[0].isdigit() else texts[0]
        reader.found.sizes.update(dict.fromkeys(letters, size))
