"""Subscripts and superscripts: which are indices, and which belong to the name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from derive.check.refusal import NotUnderstood
from derive.check.web.lexer import Token
from derive.check.web.names import Names
from derive.check.web.spelling import in_ascii, spell
from derive.check.web.tree import Letter, Slot
from derive.expressions.multi import MOST_PRIMES

__all__ = [
    "Scripts",
    "arguments_end",
    "closing",
    "collect",
    "ends_in_number",
    "is_label",
    "is_word",
    "named",
    "slots_in",
]

_TRANSPOSES = {"top", "T", "intercal", "dagger", "H"}
_LAYERS = ("l", "L", "ℓ")
_MARKS = {"*": "star", "star": "star", "+": "plus", "cdot": "star", "-": "minus"}
_SIGNS = {"-": "m", "+": "p", "*": "star", "/": "o", "=": "eq", "star": "star", "cdot": "star"}
# Runs of letters that are words and no indices, however short.
_WORDS = {
    "in",
    "out",
    "max",
    "min",
    "new",
    "old",
    "tot",
    "reg",
    "avg",
    "net",
    "hid",
    "true",
    "pred",
}


@dataclass(frozen=True)
class Scripts:
    """What stands below, above and behind a sign, and the position after it."""

    below: tuple[Token, ...] = ()
    above: tuple[Token, ...] = ()
    primes: int = 0
    end: int = 0
    sloppy: Token | None = None


def closing(tokens: Sequence[Token], start: int, pair: str = "{}") -> int:
    """The position of the bracket that closes the one at `start`, or of the end."""
    depth = 0
    for position in range(start, len(tokens)):
        if tokens[position].kind == "sign":
            depth += (tokens[position].text == pair[0]) - (tokens[position].text == pair[1])
        if depth == 0:
            return position
    return len(tokens)


def arguments_end(tokens: Sequence[Token], position: int) -> tuple[int, int, int]:
    """Where the argument at a position begins and ends, and the position behind it."""
    if position >= len(tokens):
        raise NotUnderstood("an argument is missing", tokens[-1].span[1] - 1 if tokens else 0)
    if tokens[position].opens("{"):
        end = closing(tokens, position)
        return position + 1, end, end + 1
    if tokens[position].opens("frac"):
        after = arguments_end(tokens, arguments_end(tokens, position + 1)[2])[2]
        return position, after, after
    return position, position + 1, position + 1


def collect(tokens: Sequence[Token], position: int, names: Names) -> Scripts:
    """The scripts that stand at a position."""
    found: dict[str, tuple[Token, ...]] = {}
    primes, sloppy = 0, None
    while position < len(tokens):
        token = tokens[position]
        if token.opens("'", "prime"):
            primes, position = primes + 1, position + 1
        elif token.opens("_", "^") and token.text not in found:
            start, end, position = arguments_end(tokens, position + 1)
            inside = tuple(tokens[start:end])
            if token.text == "^" and inside and all(t.opens("'", "prime") for t in inside):
                primes += len(inside)
                continue
            found[token.text] = inside
            if token.text == "_" and not tokens[start - 1].opens("{"):
                more = _run_on(tokens, position, names)
                sloppy = more[0] if more else sloppy
                found["_"] += more
                position += len(more)
        elif token.opens("_", "^"):
            raise NotUnderstood("a second script stands here", token.span[0])
        else:
            break
    return Scripts(found.get("_", ()), found.get("^", ()), primes, position, sloppy)


def _run_on(tokens: Sequence[Token], position: int, names: Names) -> tuple[Token, ...]:
    """The letters right behind a subscript without braces that can only belong to it: `x_ij`."""
    found: list[Token] = []
    while position + len(found) < len(tokens):
        token = tokens[position + len(found)]
        before = tokens[position + len(found) - 1]
        index = token.kind == "letter" and token.text in names.indices - names.lettered
        if not index or before.span[1] != token.span[0] or len(found) > 3:
            break
        found.append(token)
    following = tokens[position + len(found)] if position + len(found) < len(tokens) else None
    return () if following is not None and following.opens("_", "'") else tuple(found)


def is_label(above: Sequence[Token], names: Names) -> bool:
    """Whether a superscript belongs to the name, or is an index, and is no power."""
    if not above:
        return False
    if above[0].opens("(", "["):
        return above[-1].opens(")", "]")
    if len(above) == 1 and (above[0].kind in ("word", "text") or above[0].text in _MARKS):
        return True
    first, *rest = above
    arithmetic = not rest or (rest[0].opens("+", "-") and len(rest) == 2)
    return first.kind == "letter" and first.text in _LAYERS and arithmetic


def check_transpose(above: Sequence[Token]) -> None:
    """Refuse a transpose, which is matrix notation."""
    if len(above) == 1 and above[0].text in _TRANSPOSES and above[0].kind in ("command", "letter"):
        raise NotUnderstood("a transpose: matrix notation", above[0].span[0], "not index notation")
    if len(above) == 2 and above[0].opens("-") and above[1].text == "T":
        raise NotUnderstood("a transpose: matrix notation", above[0].span[0], "not index notation")


def named(base: str, scripts: Scripts, names: Names) -> tuple[str, tuple[Slot, ...], bool]:
    """The name and its indices, and whether what stands above is a power of it."""
    above = scripts.above
    check_transpose(above)
    marks, slots = [], []
    power = bool(above)
    if is_label(above, names):
        power = False
        inside = above[1:-1] if above[0].opens("(", "[") else above
        if _is_sample(inside, names):
            slots += slots_in(inside, base, names)
        else:
            marks.append(_suffix(inside))
    if scripts.below:
        delta = base == "δ" and not above and "δ" not in names.tensors
        if not delta and _is_suffix(base, scripts.below, names):
            marks.insert(0, _suffix(scripts.below))
        else:
            slots += slots_in(scripts.below, base, names)
            if len(scripts.below) == 1 and (base, scripts.below[0].text) in names.families:
                marks.append(scripts.below[0].text)
    name = spell(base, *marks)
    if power and [token.text for token in above] == ["2"] and base in names.squares:
        name, power = spell(name, "sq"), False
    if name == "δ" and (len(slots) != 2 or "δ" in names.tensors):
        name = "deltav"
    return names.spelling(name), tuple(slots), power


def _suffix(tokens: Sequence[Token]) -> str:
    """What a script adds to a name, in letters and digits."""
    parts: list[str] = []
    for token in tokens:
        if token.kind in ("letter", "word", "number", "text"):
            parts.append(in_ascii(token.text).replace(".", "p"))
        elif token.text in _SIGNS:
            parts.append(_SIGNS[token.text])
        elif not token.opens(",", "{", "}", "(", ")", "_", "\\{", "\\}"):
            raise NotUnderstood("this is no index and no part of a name", token.span[0])
    return "".join(parts)


def _is_sample(inside: Sequence[Token], names: Names) -> bool:
    """Whether a superscript in brackets is an index: its letter is summed over, or used as one."""
    letters = [token.text for token in inside if token.kind == "letter"]
    return bool(letters) and all(c in names.indices and c not in _LAYERS for c in letters)


def _is_suffix(base: str, below: Sequence[Token], names: Names) -> bool:
    """Whether a subscript belongs to the name."""
    if any(token.kind in ("word", "text") for token in below):
        return True
    letters = [token.text for token in below if token.kind == "letter"]
    if len(below) == 1 and (base, below[0].text) in names.tagged:
        return True
    if is_word(below) and not set(letters) <= names.bound:
        return True
    if any(c in names.indices or c in names.labels for c in letters):
        return False
    if letters and set(letters) <= names.marks:
        return True
    if base in names.lettered:
        return False
    return not any(c.islower() for c in letters) or ends_in_number(below)


def ends_in_number(below: Sequence[Token]) -> bool:
    """Whether a subscript is a letter and a number, as in `out_{h1}`."""
    return len(below) == 2 and below[0].kind == "letter" and below[-1].kind == "number"


def is_word(below: Sequence[Token]) -> bool:
    """Whether a subscript is a run of letters that is rather a word than indices."""
    run = "".join(token.text for token in below)
    plain = all(token.kind == "letter" and token.text.isascii() for token in below)
    return plain and (run in _WORDS or len(run) > 4)


def slots_in(tokens: Sequence[Token], base: str, names: Names) -> list[Slot]:
    """The indices that a script holds, one after the other or between commas."""
    found: list[Slot] = []
    for part in _parts(tokens):
        found += _slots_of_part(part, base, names)
    return found


def _parts(tokens: Sequence[Token]) -> list[list[Token]]:
    """The tokens between commas."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += token.opens("{", "(", "[") - token.opens("}", ")", "]")
        if token.opens(",", ";") and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def _slots_of_part(part: list[Token], base: str, names: Names) -> list[Slot]:
    if any(token.opens("+", "-", "cdot", "times") for token in part):
        return [Slot(tuple(_computed(part, names)))]
    found: list[Slot] = []
    position = 0
    while position < len(part):
        token = part[position]
        position += 1
        if token.opens("{", "}"):
            continue
        if token.kind == "number":
            found += [Slot((str(max(0, int(c) - names.first)),)) for c in _digits(token)]
        elif token.kind == "letter":
            slot, position = _letter(part, position - 1, names)
            found.append(slot)
        else:
            what = "dots" if token.opens("ldots") else f"`{token.text}`"
            raise NotUnderstood(f"{what} in a subscript", token.span[0])
    return found


def _digits(token: Token) -> str | list[str]:
    if "." in token.text:
        raise NotUnderstood("a number with a point as an index", token.span[0])
    return token.text if len(token.text) < 4 else [token.text]


def _letter(part: list[Token], position: int, names: Names) -> tuple[Slot, int]:
    """A letter in a slot, with its primes, or an entry of a tensor of labels."""
    token = part[position]
    scripts = collect(part, position + 1, names)
    if scripts.above:
        raise NotUnderstood("a superscript in a subscript", scripts.above[0].span[0])
    primes = "'" * min(scripts.primes, MOST_PRIMES)
    name = names.index(token.text) + primes
    if not scripts.below:
        return Slot((Letter(name),)), scripts.end
    if all(inner.kind == "number" for inner in scripts.below):
        digits = "".join(inner.text for inner in scripts.below)
        return Slot((Letter(names.numbered(token.text, digits)),)), scripts.end
    inner = slots_in(scripts.below, token.text, names)
    parts: list[Letter | str] = [f"{token.text}_{{"]
    for number, slot in enumerate(inner):
        parts += [*([","] if number else []), *slot.parts]
    return Slot((*parts, "}")), scripts.end


def _computed(part: list[Token], names: Names) -> list[Letter | str]:
    """Index arithmetic, such as `i + k - 1`."""
    found: list[Letter | str] = []
    if part[-1].kind not in ("letter", "number") and not part[-1].opens(")", "}"):
        raise NotUnderstood("index arithmetic that does not end", part[-1].span[0])
    for token in part:
        if token.kind == "letter":
            found.append(Letter(names.index(token.text)))
        elif token.kind == "number" or token.opens("+", "-", "(", ")"):
            found.append(token.text)
        elif token.opens("cdot", "times"):
            found.append("*")
        elif not token.opens("{", "}"):
            raise NotUnderstood(f"`{token.text}` in index arithmetic", token.span[0])
    return found
