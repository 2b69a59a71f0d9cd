"""What holds for all tests."""

from __future__ import annotations

import os
import sys

import pytest

# The tests start hundreds of processes, each of which would compile all modules anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(autouse=True)
def _no_cache_of_the_user(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each test begins with an empty cache of its own."""
    monkeypatch.setenv("DERIVE_CACHE", str(tmp_path_factory.mktemp("cache")))
