"""A block as a flat list of items: what stands outside of all braces, and what it is there."""

from __future__ import annotations

from derive.check.brackets import BLANK, closed_brackets
from derive.check.layout import Layout
from derive.check.tokens import Item, Token
from derive.check.vocabulary import (
    CLOSERS,
    DECORATED_RELATIONS,
    IMPLICATIONS,
    MATRICES,
    OPENERS,
    OPERATORS,
    PICTURES,
    QUADS,
    RELATIONS,
    ROWS,
    TEXTS,
)

__all__ = ["items"]


# Of every so many `&` in a row of an environment, one separates two equations.
COLUMNS = {"eqnarray": 3, "IEEEeqnarray": 3, "array": 3, "cases": 2}
STARTS = ("relation", "operator", "row", "align", "column", "open", "quad", "comma", "implies")


def items(layout: Layout) -> list[Item]:
    """The items of a block in order."""
    return Itemizer(layout).items


class Itemizer:
    """One pass over the living tokens, which jumps over groups as wholes."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.tokens = layout.tokens
        self.items: list[Item] = []
        # The environments that are open, each with the number of `&` in its row so far.
        self._open: list[tuple[str, int]] = [("align", 0)]
        position = layout.next(0)
        while position < len(self.tokens):
            position = layout.next(self._item(position, self.tokens[position]))
        self.items = closed_brackets(self.items, layout.tex)
        for item in self.items:
            if item.kind in BLANK:
                layout.blank(item.start, item.end)

    def _add(self, kind: str, first: int, last: int, value: str = "", note: str = "") -> int:
        """Adds the item from one token to another; the position behind it."""
        item = Item(kind, self.tokens[first].start, self.tokens[last].end, value, note)
        self.items.append(item)
        return last + 1

    def _item(self, position: int, token: Token) -> int:
        if token.kind in ("begin", "end", "row"):
            return getattr(self, f"_{token.kind}")(position, token)
        if token.kind == "delimiter":
            return self._delimiter(position, token)
        if token.text == "&":
            return self._ampersand(position)
        if token.text == "{":
            return self._group(position)
        if token.text in ("_", "^"):
            return self._script(position)
        if token.text in TEXTS:
            return self._text(position)
        return self._sign(position, token)

    # Environments

    def _begin(self, position: int, token: Token) -> int:
        end = self.layout.partner[position]
        name = token.name
        if name in PICTURES:
            return self._add("picture", position, end)
        if name not in ROWS or self._is_value(position, name, end):
            kind = "matrix" if name in MATRICES or name == "array" else "atom"
            return self._add("cases" if self._has_branches(name) else kind, position, end)
        last = position
        for _ in range(ROWS[name] + 1):
            group = self.layout.group(last + 1) if self._argument(last + 1, name) else None
            last = group[1] if group else last
        last = self._position_argument(last)
        self.layout.kill(position, last)
        self.layout.blank(token.start, self.tokens[last].end)
        if self.layout.holds_relation(position + 1, end):
            self._drop_brace(end)
        self._open.append((name, 0))
        return last + 1

    def _position_argument(self, last: int) -> int:
        """The last token of the `[t]` that may follow the beginning of an environment."""
        following = [token.text for token in self.tokens[last + 1 : last + 4]]
        if len(following) == 3 and following[0] + following[2] == "[]" and following[1] in "tbc":
            return last + 3
        return last

    def _drop_brace(self, end: int) -> None:
        """Drops the brackets around rows of equations: `\\left\\{ ... \\right.`."""
        closing = self.layout.next(end + 1)
        opened = bool(self.items) and self.items[-1].kind == "open"
        if opened and closing < len(self.tokens) and self.tokens[closing].kind == "delimiter":
            self.layout.kill(closing, closing)
            self.layout.blank(self.tokens[closing].start, self.tokens[closing].end)
        if opened:
            item = self.items.pop()
            self.layout.blank(item.start, item.end)

    def _argument(self, position: int, name: str) -> bool:
        return ROWS[name] > 0 and self.layout.group(position) is not None

    def _is_value(self, position: int, name: str, end: int) -> bool:
        """Whether an array or cases is a value, not rows of equations."""
        if name not in ("array", "cases", "dcases", "rcases", "numcases"):
            return False
        before = next((i for i in reversed(self.items) if i.kind != "align"), None)
        braced = before is not None and before.kind == "open" and before.value == "\\{"
        if braced:
            before = next((i for i in reversed(self.items[:-1]) if i.kind != "align"), None)
        elif before is not None and before.kind == "open":
            return True
        if before is None or before.kind in ("row", "column", "quad", "implies", "comma", "text"):
            return name == "array" and not self.layout.holds_relation(position + 1, end)
        return True

    def _has_branches(self, name: str) -> bool:
        before = self.items[-1] if self.items else None
        braced = before is not None and before.kind == "open" and before.value == "\\{"
        return name.endswith("cases") or (name == "array" and braced)

    def _end(self, position: int, token: Token) -> int:
        self.layout.blank(token.start, token.end)
        self._open.pop()
        return position + 1

    def _row(self, position: int, token: Token) -> int:
        name = self._open[-1][0]
        self._open[-1] = (name, 0)
        return self._add("row", position, position, name)

    def _ampersand(self, position: int) -> int:
        name, count = self._open[-1]
        self._open[-1] = (name, count + 1)
        separates = (count + 1) % COLUMNS.get(name, 2) == 0
        return self._add("column" if separates else "align", position, position)

    # Groups and brackets

    def _group(self, position: int) -> int:
        end = self.layout.partner[position]
        bare = not self.items or self.items[-1].kind in STARTS
        first = self.layout.next(position + 1)
        alone = first + 1 == end and self.tokens[first].text in RELATIONS
        if first == end or alone or (bare and self.layout.holds_relation(position + 1, end)):
            self.layout.alive[position] = self.layout.alive[end] = False
            self.layout.blank(self.tokens[position].start, self.tokens[position].end)
            self.layout.blank(self.tokens[end].start, self.tokens[end].end)
            return position + 1
        return self._add("atom", position, end)

    def _script(self, position: int) -> int:
        sign = self.tokens[position].text
        following = self.layout.next(position + 1)
        if following >= len(self.tokens):
            return self._add("atom", position, position, sign)
        if self.tokens[following].text != "{":
            return self._add("atom", position, following, sign)
        return self._add("atom", position, self.layout.partner[following], sign)

    def _delimiter(self, position: int, token: Token) -> int:
        command = token.text.lstrip("\\")
        sign = command.removeprefix("left").removeprefix("right").removeprefix("middle").strip()
        if command.startswith("left"):
            return self._add("open", position, position, sign, "left")
        if command.startswith("right"):
            return self._add("close", position, position, sign, "right")
        sign = token.text[-2:] if token.text[-2] == "\\" else token.text[-1]
        kind = "open" if sign in OPENERS else "close" if sign in CLOSERS else "atom"
        return self._add(kind, position, position, sign)

    def _text(self, position: int) -> int:
        group = self.layout.group(position + 1)
        if group is None:
            return self._add("atom", position, position)
        start, end = self.tokens[group[0]].end, self.tokens[group[1]].start
        # Text between rows is a remark, never a name; the note says so.
        remark = self.tokens[position].text.removeprefix("\\short").endswith("intertext")
        words = self.layout.tex[start:end]
        return self._add("text", position, group[1], words, "remark" if remark else "")

    # Signs

    def _sign(self, position: int, token: Token) -> int:
        relation = self._relation(position, token)
        if relation:
            return relation
        text = token.text
        if text in IMPLICATIONS:
            return self._add("implies", position, position, IMPLICATIONS[text])
        for kind, names in (
            ("quad", QUADS),
            ("operator", OPERATORS),
            ("comma", (",", ";")),
            ("stop", (".", ":")),
            ("forall", ("\\forall", "∀")),
        ):
            if text in names:
                return self._add(kind, position, position, text)
        kind = "open" if text in OPENERS else "close" if text in CLOSERS else "atom"
        return self._add(kind, position, position, text)

    def _relation(self, position: int, token: Token) -> int | None:
        """The position behind a relation of one or more tokens, if one begins here."""
        following = self.layout.next(position + 1)
        after = self.tokens[following].text if following < len(self.tokens) else ""
        if token.text in (":", "\\colon", "\\vcentcolon") and after == "=":
            return self._add("relation", position, following, ":=")
        if token.text == "=" and after in (":", "\\colon", "\\vcentcolon"):
            return self._add("relation", position, following, "=:")
        if token.text == "=" and after == "=":
            return self._add("relation", position, following, "=")
        if token.text == "\\not" and after in RELATIONS:
            value = "!=" if RELATIONS[after] == "=" else f"not {RELATIONS[after]}"
            return self._add("relation", position, following, value)
        if token.text == "<" and after == "-" and following == position + 1:
            return self._add("relation", position, following, "<-")
        if token.text in RELATIONS:
            return self._add("relation", position, position, RELATIONS[token.text])
        return self._decorated(position, token)

    def _decorated(self, position: int, token: Token) -> int | None:
        if token.text not in DECORATED_RELATIONS:
            return None
        first = self.layout.group(position + 1)
        second = self.layout.group(first[1] + 1) if first else None
        place = DECORATED_RELATIONS[token.text]
        inner = second if place else first
        if first is None or inner is None:
            return None
        value = self._group_text(inner).replace(" ", "")
        relation = {":=": ":=", "=:": "=:"}.get(value) or RELATIONS.get(value)
        if relation is None:
            return None
        note = self._group_text(first) if place else ""
        if relation == "=" and re_defines(note):
            relation = ":="
        return self._add("relation", position, inner[1], relation, note)

    def _group_text(self, group: tuple[int, int]) -> str:
        return self.layout.tex[self.tokens[group[0]].end : self.tokens[group[1]].start].strip()


def re_defines(note: str) -> bool:
    """Whether what stands over an equals sign makes it a definition."""
    return any(word in note for word in ("def", "\\triangle", "\\Delta"))
