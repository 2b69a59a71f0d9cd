"""The real KaTeX and a real TeX engine, as far as they are installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

# Reads formulas from stdin, and writes for each what KaTeX has against it; warnings count.
_SCRIPT = """
const katex = require(process.argv[1]);
const formulas = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const options = {displayMode: true, throwOnError: true, strict: 'error'};
const found = formulas.map(formula => {
  try { katex.renderToString(formula, options); return null; }
  catch (error) { return String(error.message); }
});
console.log(JSON.stringify(found));
"""


@cache
def _katex() -> str | None:
    """The KaTeX package: the folder in DERIVE_KATEX, or what Node.js finds by itself."""
    package = os.environ.get("DERIVE_KATEX") or "katex"
    if shutil.which("node") is None:
        return None
    probe = ["node", "-e", "require(process.argv[1])", package]
    return package if subprocess.run(probe, capture_output=True).returncode == 0 else None


def require_katex() -> str:
    """The KaTeX package, without which a test is skipped."""
    package = _katex()
    if package is None:
        pytest.skip("needs Node.js and the npm package katex (DERIVE_KATEX names its folder)")
    return package


def katex_complaints(formulas: Sequence[str]) -> list[str]:
    """What KaTeX has against the formulas, each complaint with its formula."""
    package = require_katex()
    run = subprocess.run(
        ["node", "-e", _SCRIPT, package],
        input=json.dumps(list(formulas)),
        capture_output=True,
        text=True,
        check=True,
    )
    found = zip(json.loads(run.stdout), formulas, strict=True)
    return [f"{complaint}: {formula}" for complaint, formula in found if complaint]


def compile_latex(source: str, folder: Path) -> str:
    """The log of a run of pdfLaTeX, which must succeed."""
    if shutil.which("pdflatex") is None:
        pytest.skip("needs pdflatex (texlive-latex-base and texlive-latex-recommended)")
    (folder / "page.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
    assert run.returncode == 0, run.stdout[-2000:]
    assert (folder / "page.pdf").stat().st_size > 1000
    return run.stdout
