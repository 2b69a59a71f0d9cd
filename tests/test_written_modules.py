"""Generated modules as files: run elsewhere, with one framework, without this package."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from derive.codegen import TARGETS, module, program
from derive.problems import catalogue, load_problem

FEW = ["cross_entropy_batch", "layer_norm", "cubic_root"]
# What is compiled takes long: some modules are run whole, others each day, the rest is imported.
SEED = int(os.environ.get("DERIVE_TEST_SEED", time.time() // 86400))
SAMPLE = {"numpy": 1000, "torch": 1000, "jax": 8, "numba": 5}
ALLOWED = {
    "numpy": r"functools|itertools|math|numpy|scipy\.special",
    "torch": r"functools|itertools|math|numpy|torch",
    "jax": r"functools|itertools|math|numpy|jax(\.numpy|\.test_util)?",
    "numba": r"functools|itertools|math|numpy|numba|scipy\.special",
}
frameworks = pytest.mark.parametrize(
    "target",
    [
        pytest.param(
            name,
            marks=pytest.mark.skipif(find_spec(name) is None, reason=f"{name} is not installed"),
        )
        for name in TARGETS
    ],
)
names = pytest.mark.parametrize(
    "names", [FEW, pytest.param(catalogue(), marks=pytest.mark.catalogue)], ids=["few", "all"]
)

RUN = """
import contextlib, json, os, runpy, sys, traceback
blocked, paths = json.load(sys.stdin)
for name in blocked:
    sys.modules[name] = None
failed = {}
for path, role in paths:
    try:
        with contextlib.redirect_stdout(sys.stderr):
            runpy.run_path(path, run_name=role)
    except SystemExit as end:
        if end.code:
            failed[path] = f"exit code {end.code}"
    except Exception:
        failed[path] = traceback.format_exc()
print(json.dumps(failed))
"""


@cache
def text(name: str, target: str) -> str:
    """The module of a derivation of the catalogue."""
    problem = load_problem(name)
    return module(program(problem.graph, name=name, title=problem.title), target)


def written(folder: Path, names: Any, target: str) -> list[Path]:
    """Modules in files."""
    paths = [folder / f"{name}_{target}.py" for name in names]
    for name, path in zip(names, paths, strict=True):
        path.write_text(text(name, target), encoding="utf-8")
    return paths


@frameworks
@names
def test_a_module_tests_itself_elsewhere(tmp_path: Path, names: Any, target: str) -> None:
    """Without this package, and without the frameworks of the other targets."""
    paths = written(tmp_path, names, target)
    rng = np.random.default_rng(SEED)
    whole = set(rng.permutation(len(paths))[: SAMPLE[target]].tolist())
    print(f"DERIVE_TEST_SEED={SEED}: {', '.join(paths[k].stem for k in sorted(whole))}")
    roles = [(str(p), "__main__" if k in whole else "imported") for k, p in enumerate(paths)]
    blocked = ["derive", *({"torch", "jax", "numba"} - {target})]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        input=json.dumps([blocked, roles]),
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == {}


@pytest.mark.parametrize("target", TARGETS)
@names
def test_a_module_imports_one_framework_alone(tmp_path: Path, names: Any, target: str) -> None:
    for path in written(tmp_path, names, target):
        imported = re.findall(r"^\s*(?:import|from) (\S+)", path.read_text(), re.MULTILINE)
        assert imported
        for each in imported:
            assert re.fullmatch(ALLOWED[target], each), (path.stem, each)


@pytest.mark.parametrize("target", TARGETS)
@names
def test_text_is_laid_out_as_ruff_does(tmp_path: Path, names: Any, target: str) -> None:
    if find_spec("ruff") is None:
        pytest.skip("ruff is not installed (extra `lint`)")
    written(tmp_path, names, target)
    ruff = [sys.executable, "-m", "ruff"]
    for command in (
        ["format", "--diff", "--isolated"],
        ["check", "--isolated", "--select", "E,F,I,W,B,UP", "--ignore", "B905"],
    ):
        done = subprocess.run([*ruff, *command, tmp_path], capture_output=True, text=True)
        assert not done.returncode, done.stdout
