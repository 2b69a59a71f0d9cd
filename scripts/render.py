"""Render the catalogue beside its files, and what the README shows of the program's output.

    python scripts/render.py            write what has changed
    python scripts/render.py --check    change nothing; exit 1 if something is out of date

In the README, a `console` block shows `$ derive ...` commands with what they print, and between
`<!-- derivation NAME -->` and `<!-- end -->` stands a derivation of the catalogue.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

import derive
from derive.cli import main as command

ROOT = Path(__file__).resolve().parent.parent
WIDTH = "100"

CONSOLE = re.compile(r"```console\n(.*?)```\n", re.S)
MARKED = re.compile(r"<!-- derivation (\S+) -->\n.*?<!-- end -->\n", re.S)


def printed(line: str) -> str:
    """What a `derive` command writes to standard output; a check may fail, which is its result."""
    output = io.StringIO()
    os.environ["COLUMNS"] = WIDTH
    with contextlib.redirect_stdout(output):
        code = command(shlex.split(line)[1:])
    if code > 1:
        raise SystemExit(f"{line!r} in the README ends with exit code {code}")
    return output.getvalue()


def console(block: re.Match[str]) -> str:
    commands = [line[2:] for line in block[1].splitlines() if line.startswith("$ ")]
    shown = "\n".join(f"$ {line}\n{printed(line)}" for line in commands)
    return f"```console\n{shown}```\n"


def marked(block: re.Match[str]) -> str:
    body = derive.load(block[1]).markdown(reasons=True).partition("\n## ")[2]
    body = "## " + body.partition("\n## References")[0]
    text = re.sub(r"^## (.*)$", r"**\1**", body, flags=re.M)
    return f"<!-- derivation {block[1]} -->\n{text}\n<!-- end -->\n"


def rendered_readme() -> dict[Path, str]:
    """The README, with what it should hold."""
    readme = ROOT / "README.md"
    return {readme: MARKED.sub(marked, CONSOLE.sub(console, readme.read_text("utf-8")))}


def rendered_catalogue(names: Iterable[str]) -> dict[Path, str]:
    """The files beside those of the catalogue, with what they should hold."""
    return {
        ROOT / "derivations" / f"{name}.md": derive.load(name).markdown(reasons=True)
        for name in names
    }


def is_up_to_date(path: Path, text: str) -> bool:
    return path.exists() and path.read_text("utf-8") == text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = []
    for path, text in (rendered_readme() | rendered_catalogue(derive.catalogue())).items():
        if not is_up_to_date(path, text):
            stale.append(path)
            if not check:
                path.write_text(text, "utf-8")
    for path in stale:
        print(f"{'out of date' if check else 'written'}: {path.relative_to(ROOT)}")
    sys.exit(1 if check and stale else 0)


if __name__ == "__main__":
    main()
