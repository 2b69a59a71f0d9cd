"""What holds for all tests."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from amount import FEW, MANY
from hypothesis import settings

# The tests start hundreds of processes, each of which would compile all modules anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


settings.register_profile("many", max_examples=MANY)
settings.register_profile("few", max_examples=FEW)
settings.load_profile("few")

# A worker holds all modules and what SymPy keeps; to look through them for garbage again and again
# takes longer than many a test.
gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session")
def _caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names of folders; pytest's own way to make one looks at all that there are."""
    folder = tmp_path_factory.mktemp("caches")
    return (folder / str(number) for number in count())


@pytest.fixture(autouse=True)
def _no_cache_of_the_user(_caches: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins with an empty cache of its own."""
    monkeypatch.setenv("DERIVE_CACHE", str(next(_caches)))
