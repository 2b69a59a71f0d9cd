"""A bound on the time that a piece of work takes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from types import FrameType

__all__ = ["Deadline", "TookTooLongError"]


class TookTooLongError(Exception):
    """The work is not done by its deadline."""


class Deadline:
    """A point in time by which work is to be done.

    >>> Deadline(60).is_over
    False
    """

    def __init__(self, seconds: float) -> None:
        self.end = monotonic() + seconds

    @property
    def is_over(self) -> bool:
        return monotonic() > self.end

    def extended(self, seconds: float) -> Deadline:
        """As much time from now on, whatever is left of this one."""
        return Deadline(seconds)

    def check(self) -> None:
        if self.is_over:
            raise TookTooLongError

    @contextmanager
    def enforced(self) -> Iterator[None]:
        """Interrupt the work at the deadline wherever it is, where the system can do that."""
        if threading.current_thread() is not threading.main_thread() or not _HAS_TIMER:
            yield
            return
        before = signal.signal(signal.SIGALRM, _interrupt)
        signal.setitimer(signal.ITIMER_REAL, max(self.end - monotonic(), 1e-3))
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


_HAS_TIMER = hasattr(signal, "setitimer")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise TookTooLongError
