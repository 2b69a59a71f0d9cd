"""How far a long work is, at the terminal of whoever waits for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer

__all__ = ["progress"]

# Work that is done sooner says nothing, in seconds.
PATIENCE = 1.0


@contextmanager
def progress(what: str, part: str = "stage") -> Iterator[Callable[[int, int], None] | None]:
    """What is to be told how many parts are done; None where nobody watches.

    The line stands on standard error while it is a terminal, and is gone in the end.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    status = Console(stderr=True).status(what)
    timer = Timer(PATIENCE, status.start)
    timer.start()
    try:
        yield lambda done, total: status.update(f"{what}: {part} {done + 1} of {total}")
    finally:
        timer.cancel()
        timer.join()
        status.stop()
