"""The processes that `bench_code.py` measures in: one for each library.

Libraries keep threads that wait for work and memory that they have freed, which would spoil the
figures of another one in the same process. A process is asked over a pipe for one turn of one
contestant at a time, so that turns of all libraries are interleaved, and sleeps in between.
"""

from __future__ import annotations

import ctypes
import gc
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from code_cases import CASES
from code_contestants import Contestant, Entry, Skipped, installed, numba_entries, numpy_entries
from code_frameworks import jax_entries, torch_entries

COPY = "copy of what must move"
# What is shorter is repeated for so many seconds in a turn, of which the median counts.
TURN = 0.003


@dataclass(frozen=True)
class Work:
    """What a process has to measure.

    Attributes
    ----------
    case : the number of the case.
    library : whose contestants take part.
    reference : the files of the gradients that all have to find.
    tolerance : by how much they may be off, beside the largest entry.
    moved : the bytes that a copy has to move.
    """

    case: int
    library: str
    reference: tuple[str, ...]
    tolerance: float
    moved: int
    compiled: bool = True
    device: str = "cpu"
    dtype: str = ""


class Worker:
    """A process, seen from the one that asks it.

    Attributes
    ----------
    names : its contestants.
    separate : those that have a backward pass of their own.
    skipped : those that do not take part.
    """

    def __init__(self, work: Work) -> None:
        context = get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=serve, args=(other, work), daemon=True)
        self._process.start()
        other.close()
        self.names: list[str] = []
        self.separate: set[str] = set()
        self.skipped: list[Skipped] = []
        try:
            self.names, self.separate, self.skipped = self._pipe.recv()
        except EOFError:
            self.skipped = [Skipped(work.library, "its process has ended, maybe for memory")]

    def ask(self, what: str, name: str) -> Any:
        """The seconds of both passes (`time`), or the bytes of `memory`; None if it has ended."""
        try:
            self._pipe.send((what, name))
            return self._pipe.recv()
        except (EOFError, BrokenPipeError):
            return None

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(10)
        self._process.kill()


# In the process ------------------------------------------------------------------------------


def serve(pipe: Connection, work: Work) -> None:
    """Say who takes part, then answer."""
    entries = list(_entries(work))
    contestants = {each.name: each for each in entries if isinstance(each, Contestant)}
    separate = {name for name, each in contestants.items() if each.backward is not None}
    pipe.send((list(contestants), separate, [e for e in entries if isinstance(e, Skipped)]))
    answers = {"time": turn, "memory": memory}
    while True:
        try:
            what, name = pipe.recv()
        except EOFError:
            return
        pipe.send(answers[what](contestants[name]))


def run(contestant: Contestant) -> tuple[float, float, Sequence[Any]]:
    """Seconds forward and backward, and the gradients."""
    start = time.perf_counter()
    state = contestant.forward()
    between = time.perf_counter()
    found = state if contestant.backward is None else contestant.backward(state)
    return between - start, time.perf_counter() - between, found


def turn(contestant: Contestant) -> tuple[float, float]:
    """Seconds forward and backward; short ones are run until threads and caches are awake."""
    times = [run(contestant)[:2]]
    end = time.perf_counter() + TURN
    while time.perf_counter() < end:
        times.append(run(contestant)[:2])
    return sorted(times, key=sum)[len(times) // 2]


def memory(contestant: Contestant) -> int | None:
    """The bytes by which both passes raise the memory of the process; None where unknown."""
    gc.collect()
    try:
        # What was freed goes back to the system, or it would not be seen when it is used again.
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        before = _status("VmRSS")
        result = run(contestant)
        after = _status("VmHWM")
    except (OSError, AttributeError):
        return None
    del result
    return max(after - before, 0)


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))


def _entries(work: Work) -> Iterator[Entry]:
    if work.library == "copy":
        yield copying(work.moved)
        return
    case = CASES[work.case]
    data, upstream = case.data()
    if work.library == "torch":
        found = torch_entries(
            case, data, upstream, compiled=work.compiled, device=work.device, dtype=work.dtype
        )
    else:
        makers = {"numpy": numpy_entries, "numba": numba_entries, "jax": jax_entries}
        found = makers[work.library](case, data, upstream)
    for entry in found:
        yield _admitted(entry, work)


def _admitted(entry: Entry, work: Work) -> Entry:
    """A contestant, if its gradients are right; it has run once then."""
    if isinstance(entry, Skipped):
        return entry
    try:
        off = _error(run(entry)[2], work.reference)
    except Exception as reason:
        first = (str(reason).splitlines() or [""])[0]
        return Skipped(entry.name, f"failed: {type(reason).__name__}: {first}"[:110])
    return entry if off <= work.tolerance else Skipped(entry.name, f"WRONG by {off:.1e}")


def _error(found: Sequence[Any], reference: Sequence[str]) -> float:
    """The worst distance of an entry, beside the largest one of its gradient."""
    worst = 0.0
    for one, path in zip(found, reference, strict=True):
        array, other = as_numpy(one), np.load(path, mmap_mode="r")
        if array.shape != other.shape or not np.isfinite(array).all():
            return float("inf")
        worst = max(worst, float(np.abs(array - other).max() / np.abs(other).max()))
    return worst


def as_numpy(value: Any) -> Any:
    """An array of any library as one of NumPy's."""
    if hasattr(value, "detach"):
        value = value.detach().float().cpu().numpy()
    return np.asarray(value)


def copying(moved: int) -> Contestant:
    """Read half of the bytes and write as many, by the faster of NumPy and PyTorch."""
    source = np.ones(max(moved // 8, 1), dtype=np.float32)
    target = np.empty_like(source)
    ways = [Contestant(COPY, lambda: None, lambda _: np.copyto(target, source) or ())]
    torch = installed("torch")
    if torch is not None:
        into, out = torch.from_numpy(target), torch.from_numpy(source)
        ways.append(Contestant(COPY, lambda: None, lambda _: (into.copy_(out),)))
    return min(ways, key=lambda way: min(run(way)[1] for _ in range(5)))
