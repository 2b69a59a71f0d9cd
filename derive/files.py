"""Files that are read if they are not too long, and written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from importlib.resources.abc import Traversable
from pathlib import Path

from derive.errors import DeriveError

__all__ = ["read_bounded", "write_whole"]


def read_bounded(path: Traversable, most: int, fault: Callable[[str, str], DeriveError]) -> str:
    """The text of a file of no more than so many bytes; `fault` makes the error otherwise.

    It is given what is wrong, and how to mend it.
    """
    try:
        if path.is_dir():
            raise fault("this is a folder", "name a file in it")
        if isinstance(path, Path) and path.exists() and not path.is_file():
            raise fault("this is not a regular file", "name a file")
        with path.open("rb") as stream:
            data = stream.read(most + 1)
    except FileNotFoundError:
        raise fault("there is no such file", "check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise fault(f"cannot be read: {reason}", "check the path") from None
    if len(data) > most:
        raise fault("the file is too long", f"at most {most} bytes can be read")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise fault(f"line {line} is not UTF-8 text", "save the file as UTF-8") from None


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
