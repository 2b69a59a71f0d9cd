"""Results kept from one run to the next, in the user's cache directory.

A cache only saves time: what cannot be read is found anew, what cannot be written is left out.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from derive.errors import DeriveError
from derive.files import write_whole

__all__ = ["Cache", "cache_folder"]

# All entries together; when there are more, the ones go first that were used longest ago.
MOST_BYTES = 50_000_000
LARGEST_ENTRY = 2_000_000


def cache_folder() -> Path:
    """The folder named by `DERIVE_CACHE`, or the platform's for caches of derive."""
    named = os.environ.get("DERIVE_CACHE")
    return Path(named) if named else user_cache_path("derive", appauthor=False)


class Cache:
    """Plain data by the hash of all that they depend on."""

    def __init__(self, folder: Path | None = None, most: int = MOST_BYTES) -> None:
        self._folder = folder or cache_folder()
        self._most = most

    def get(self, material: object) -> Any:
        """What was kept for this material, or None."""
        path = self._path(material)
        try:
            with path.open("rb") as stream:
                data = stream.read(LARGEST_ENTRY + 1)
            found = json.loads(data) if len(data) <= LARGEST_ENTRY else None
        except (OSError, ValueError, RecursionError):
            return None
        with suppress(OSError):
            os.utime(path)
        return found

    def put(self, material: object, data: object) -> None:
        """Keep plain data for this material, if there is room."""
        text = json.dumps(data)
        if len(text) > LARGEST_ENTRY:
            return
        with suppress(OSError, DeriveError):
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._path(material), text)
            self._make_room()

    def _path(self, material: object) -> Path:
        text = json.dumps(material, sort_keys=True)
        return self._folder / f"{sha256(text.encode('ascii')).hexdigest()}.json"

    def _make_room(self) -> None:
        """Drop what was used longest ago, until the rest fits."""
        found = [(entry, entry.stat()) for entry in os.scandir(self._folder) if entry.is_file()]
        total = sum(stat.st_size for _, stat in found)
        for entry, stat in sorted(found, key=lambda each: each[1].st_mtime_ns):
            if total <= self._most:
                break
            with suppress(OSError):
                os.unlink(entry.path)
            total -= stat.st_size
