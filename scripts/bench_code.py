"""Measure generated code beside code by hand and beside frameworks, in one run.

python scripts/bench_code.py [--repeat N] [--only WORD …] [--no-compile] [--json FILE]

Each library has a process of its own. Results are compared before anything is timed. Turns are
interleaved, so that what else the machine does falls on all; a ratio is the median of the ratios
of each round, with the least and the greatest. What is not installed is skipped, and so is what
does not fit into memory.
"""

from __future__ import annotations

import os

THREADS = "2"
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = THREADS
# Threads look for work a moment, then sleep: others may want the processors.
os.environ |= {"GOMP_SPINCOUNT": "20000", "KMP_BLOCKTIME": "0"}
# Memory is kept, as in a program that runs for long: pages new from the system cost more than
# what is measured. The processes for each library have these variables from their start.
os.environ |= {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}
# XLA has no option for it: it uses as many threads as it is given processors.
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(THREADS)])

import argparse  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Mapping, Sequence  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
from code_cases import CASES, Case  # noqa: E402
from code_contestants import Contestant, Skipped, case_program, installed, numpy_entries  # noqa: E402
from code_table import Times, goal_line, goals, table  # noqa: E402
from code_workers import Work, Worker, as_numpy, run  # noqa: E402

from derive.codegen.spec import sheet  # noqa: E402
from derive.notation.names import ascii_name  # noqa: E402

LIBRARIES = ("numpy", "numba", "torch", "jax", "copy")
TOLERANCE = {"float32": 2e-3, "bfloat16": 5e-2}
# The rounds of a case take so many seconds together, or are so few.
LONGEST, FEWEST = 20, 3
# Threads of a library go to sleep within so many seconds when its turn is over.
PAUSE = 0.005
# An array of so many bytes is large: libraries are measured one after the other then.
LARGE = 200e6
# So many arrays as large as the largest input have to fit into memory.
ROOM = 18


def reference(case: Case, folder: str) -> tuple[str, ...]:
    """The files of the gradients by hand."""
    by_hand = next(numpy_entries(case, *case.data()))
    assert isinstance(by_hand, Contestant)
    paths = []
    for number, gradient in enumerate(run(by_hand)[2]):
        paths.append(f"{folder}/{number}.npy")
        np.save(paths[-1], as_numpy(gradient))
    return tuple(paths)


def must_move(case: Case) -> int:
    """The bytes that the pass in question reads and writes at the least."""
    found = sheet(case_program(case))
    data = case.data()[0]
    numbers: dict[str, int] = {}
    for name, (tensor, axis) in found.sizes.axes.items():
        array = data.get(ascii_name(tensor))
        if array is not None:
            numbers[name] = array.shape[axis - 1]
    work = found.further[0][1] if case.goal else found.backward
    return int(found.sizes.at(work.least, numbers))


def bench(case: Case, dtype: str, work: Mapping[str, Any], repeat: int) -> dict[str, Any]:
    """One case, on the processor or on the GPU."""
    moved = must_move(case)
    libraries = LIBRARIES if not work.get("device") else ("torch",)
    with tempfile.TemporaryDirectory(prefix="derive_bench_") as folder:
        paths = reference(case, folder)
        todo = [
            Work(CASES.index(case), library, paths, TOLERANCE[dtype], moved, **work)
            for library in libraries
        ]
        # Together they would need too much memory.
        groups = [[each] for each in todo] if 4 * case.entries > LARGE else [todo]
        times: dict[str, Times] = {}
        skipped: list[Skipped] = []
        for group in groups:
            print(f"{case.name}: {group[0].library} …", end="\r", file=sys.stderr, flush=True)
            found, left_out = together(group, repeat)
            times |= found
            skipped += left_out
    title = f"{case.name}, {dtype}{' on the GPU' if work.get('device') else ''}"
    return report(title, moved, skipped, times)


def together(group: Sequence[Work], repeat: int) -> tuple[dict[str, Times], list[Skipped]]:
    """The times of some libraries, and who has none."""
    workers = [Worker(work) for work in group]
    try:
        times = measure(workers, repeat)
    finally:
        for worker in workers:
            worker.close()
    return times, [each for worker in workers for each in worker.skipped]


def measure(workers: Sequence[Worker], repeat: int) -> dict[str, Times]:
    """Rounds in which each contestant has one turn; fewer where a round takes long."""
    everyone = [(worker, name) for worker in workers for name in worker.names]
    times = {name: Times() for _, name in everyone}
    start = time.perf_counter()
    one_round(everyone, times)
    length = time.perf_counter() - start
    for _ in range(max(min(repeat, int(LONGEST / length)), FEWEST) - 1):
        one_round(everyone, times)
    for worker, name in everyone:
        times[name].peak = worker.ask("memory", name)
    return {name: found for name, found in times.items() if found.both}


def one_round(everyone: Sequence[tuple[Worker, str]], times: Mapping[str, Times]) -> None:
    """One turn of each."""
    for worker, name in everyone:
        time.sleep(PAUSE)
        found = worker.ask("time", name)
        if found is None:
            worker.skipped += [Skipped(name, "its process has ended")] * bool(times[name].both)
            times[name].both.clear()
            continue
        times[name].both.append(sum(found))
        if name in worker.separate:
            times[name].backward.append(found[1])


def report(
    title: str, moved: int, skipped: Sequence[Skipped], times: Mapping[str, Times]
) -> dict[str, Any]:
    """Print a case, and return what was found."""
    print(f"\n{title}: {moved / 1e6:.3g} MB must move")
    print("\n".join(table(times)))
    for entry in skipped:
        print(f"  skipped {entry.name}: {entry.reason}")
    reached = list(goals(title, times))
    print("\n".join(map(goal_line, reached)), flush=True)
    return {
        "case": title,
        "bytes": moved,
        "times": {name: vars(found) for name, found in times.items()},
        "skipped": {entry.name: entry.reason for entry in skipped},
        "goals": reached,
    }


def room(case: Case) -> str:
    """Why a case does not fit into memory, if it does not."""
    try:
        pages, size = os.sysconf("SC_AVPHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return ""
    needed = ROOM * 4 * case.entries
    return f"it needs {needed / 1e9:.0f} GB of memory" if needed > pages * size else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=25, help="rounds at most (default 25)")
    parser.add_argument("--only", nargs="+", default=[], help="cases with these words in the name")
    parser.add_argument("--no-compile", dest="compile", action="store_false")
    parser.add_argument("--json", metavar="FILE", help="write all times there")
    options = parser.parse_args()
    chosen = [case for case in CASES if all(word in case.name for word in options.only)]
    found = []
    for case in chosen:
        reason = room(case)
        if reason:
            print(f"\n{case.name}: skipped, {reason}")
        else:
            found.append(bench(case, "float32", {"compiled": options.compile}, options.repeat))
    torch = installed("torch")
    if torch is not None and torch.cuda.is_available():
        for case in chosen:
            for dtype in TOLERANCE:
                on_gpu = {"compiled": options.compile, "device": "cuda", "dtype": dtype}
                found.append(bench(case, dtype, on_gpu, options.repeat))
    else:
        missing = "PyTorch is not installed" if torch is None else "PyTorch sees no GPU"
        print(f"\nOn a GPU: skipped, {missing}")
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1), encoding="utf-8")
    wrong = any("WRONG" in why for one in found for why in one["skipped"].values())
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
