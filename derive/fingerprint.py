"""What a result of verification depends on besides the problem: the programs that found it."""

from __future__ import annotations

import platform
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.resources.abc import Traversable

__all__ = ["source_digest", "versions"]


@cache
def versions() -> dict[str, str]:
    """The versions of derive, of Python and of what derive computes with."""
    packages = {name: _version(name) for name in ("derive", "numpy", "sympy")}
    return {**packages, "python": platform.python_version(), "source": source_digest()}


@cache
def source_digest() -> str:
    """A hash of the source code of derive: two that are equal find the same."""
    digest = sha256()
    for path, data in sorted(_sources(files("derive"))):
        digest.update(f"{path} {len(data)}\n".encode())
        digest.update(data)
    return digest.hexdigest()


def _sources(folder: Traversable, path: str = "") -> list[tuple[str, bytes]]:
    """Every module under a folder with its path; line ends as in a checkout of any system."""
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        here = f"{path}/{entry.name}"
        if entry.is_dir():
            found += _sources(entry, here)
        elif entry.name.endswith(".py"):
            found.append((here, entry.read_bytes().replace(b"\r\n", b"\n")))
    return found


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
