"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from derive.errors import DeriveError

__all__ = ["write_whole"]


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all; a link stays one."""
    path = Path(os.path.realpath(path))
    try:
        if path.exists() and not path.is_file():
            # A pipe or a device cannot be replaced; a directory is refused here.
            path.write_text(text, encoding="utf-8")
            return
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=".derive-", delete=False
        ) as file:
            try:
                file.write(text)
                file.flush()
                os.chmod(file.name, path.stat().st_mode if path.exists() else 0o666 & ~_umask())
                os.replace(file.name, path)
            except BaseException:
                with suppress(OSError):
                    os.unlink(file.name)
                raise
    except OSError as error:
        raise DeriveError(
            f"cannot write {path}: {error.strerror or error}",
            mend="name a file in a folder that exists and may be written to",
        ) from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
