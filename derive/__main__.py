"""`python -m derive`, and the command `derive`."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import threading
from contextlib import suppress
from typing import NoReturn

from derive.cli import main

__all__ = ["run"]


def run() -> NoReturn:
    """Run the command line of this process, and end the process."""
    # What is loaded stays; to look through it for garbage takes longer than a derivation.
    gc.set_threshold(100_000, 50, 50)
    code = main()
    if threading.active_count() == 1:
        _end(code)
    sys.exit(code)


def _end(code: int) -> NoReturn:
    """End the process; what its memory held the system takes back faster than Python."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
