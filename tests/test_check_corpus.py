"""The corpus: articles in the styles of the web, right, and wrong in many small ways."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from derive.check.checker import check_document
from derive.check.document import read_text
from derive.check.results import DocumentResult

ARTICLES = Path(__file__).parent / "articles"


@dataclass(frozen=True)
class Article:
    """An article with its wrong versions, each an edit and the kind of mistake that it makes.

    An edit is `old` and `new`, where `old` stands once in the file; the first wrong line is the one
    that the edit changes, or the one that holds `at`.
    """

    name: str
    file: str
    text: str
    wrong: tuple[dict[str, str], ...]

    def edited(self, edit: dict[str, str]) -> tuple[str, int, int]:
        """The wrong version, and the cell and the line of the first wrong line."""
        assert self.text.count(edit["old"]) == 1, edit
        text = self.text.replace(edit["old"], edit["new"])
        return (text, *_place(text, edit.get("at", edit["new"]), self.file))


def _place(text: str, marker: str, file: str) -> tuple[int, int]:
    """The cell, or 0, and the line in which a text stands."""
    if not file.endswith(".ipynb"):
        return 0, text[: text.index(marker)].count("\n") + 1
    marker = json.loads(f'"{marker}"')
    for number, cell in enumerate(json.loads(text)["cells"], 1):
        source = "".join(cell["source"])
        if marker in source:
            return number, source[: source.index(marker)].count("\n") + 1
    raise ValueError(marker)


@cache
def articles() -> tuple[Article, ...]:
    found = []
    for path in sorted(ARTICLES.glob("*.toml")):
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        file = data.get("article", f"{path.stem}.md")
        text = (ARTICLES / file).read_text(encoding="utf-8")
        found.append(Article(path.stem, file, text, tuple(data["wrong"])))
    return tuple(found)


def checked(article: Article, text: str) -> DocumentResult:
    return check_document(read_text(text, article.file))


def findings(result: DocumentResult) -> list[str]:
    return [f"{f.place} {f.kind}: {f.message}\n    {f.source}" for f in result.findings]


EDITS = [
    pytest.param(article, edit, id=f"{article.name}-{number}-{edit['kind'].replace(' ', '-')}")
    for article in articles()
    for number, edit in enumerate(article.wrong)
]


@pytest.mark.parametrize("article", articles(), ids=lambda article: article.name)
def test_a_right_article_raises_no_alarm(article: Article) -> None:
    result = checked(article, article.text)
    assert [f for f in result.findings if f.kind != "warning"] == [], "\n".join(findings(result))
    unread = [b for b in result.blocks if b.status in ("not understood", "not index notation")]
    assert unread == []


@pytest.mark.catalogue
@pytest.mark.parametrize(("article", "edit"), EDITS)
def test_a_wrong_line_is_found_at_its_place(article: Article, edit: dict[str, str]) -> None:
    text, cell, line = article.edited(edit)
    result = checked(article, text)
    failed = [f for f in result.findings if f.fails]
    assert failed, f"nothing is found; {findings(result)}"
    assert (failed[0].place.cell or 0, failed[0].place.line) == (cell, line), findings(result)


def test_the_corpus_has_every_kind_of_mistake() -> None:
    kinds = {edit["kind"] for article in articles() for edit in article.wrong}
    assert kinds >= {"sign", "index", "factor", "lost sum", "case"}
    assert len(articles()) >= 14
    assert all(len(article.wrong) >= 2 for article in articles())
