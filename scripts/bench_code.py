"""Measure generated code beside code by hand and beside frameworks, in one run.

python scripts/bench_code.py [--repeat N] [--only WORD …] [--no-compile] [--json FILE]

Results are compared before anything is timed. Repetitions are interleaved, so that what else the
machine does falls on all; a ratio is the median of the ratios of each round, with the least and
the greatest. What is not installed is skipped, and so is what does not fit into memory.
"""

from __future__ import annotations

import os

THREADS = "2"
# Threads that wait in one library would take the processors from the next one.
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = THREADS
# XLA has no option for it: it uses as many threads as it is given processors.
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(THREADS)])

import argparse  # noqa: E402
import gc  # noqa: E402
import json  # noqa: E402
import statistics  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Iterator, Sequence  # noqa: E402
from dataclasses import dataclass, field  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
from code_cases import CASES, Case  # noqa: E402
from code_contestants import (  # noqa: E402
    Contestant,
    Entry,
    Skipped,
    case_program,
    installed,
    jax_entries,
    numba_entries,
    numpy_entries,
    torch_entries,
)

from derive.codegen.spec import sheet  # noqa: E402
from derive.notation.names import ascii_name  # noqa: E402

COPY = "copy of what must move"
TOLERANCE = {"float32": 2e-3, "bfloat16": 5e-2}
# A run that is shorter than this, in seconds, is repeated so many times as often.
SHORT, OFTEN = 0.01, 10
# The rounds of a case take so many seconds together, or are so few.
LONGEST, FEWEST = 60, 3
# So many arrays as large as the largest input have to fit into memory.
ROOM = 10

# What is to be no slower may be so much slower in the noise.
EVEN = 1.05
# Who, in which pass, at most how many times whom, and for which cases.
GOALS = (
    ("NumPy generated", "best", 1.3, "NumPy by hand", ""),
    ("PyTorch generated", "backward", 0.7, "PyTorch primitives, autograd", ""),
    ("PyTorch generated", "backward", 1 / 3, "PyTorch fused, autograd", "cross-entropy 4096"),
    ("PyTorch generated, compiled", "both", EVEN, "PyTorch primitives, autograd compiled", ""),
    ("JAX generated, jit, both as one", "both", EVEN, "JAX grad, jit, both as one", ""),
    ("Numba generated", "backward", 1.5, COPY, "cross-entropy"),
    ("Numba generated", "backward", 1.5, "PyTorch fused, autograd", "layer norm"),
    ("PyTorch generated", "both", 1 / 3, "PyTorch primitives, forward over reverse", "Hessian"),
    ("JAX generated, jit", "both", 1 / 3, "JAX forward over reverse, jit", "Hessian"),
)
MEMORY_GOALS = (
    ("PyTorch generated", "PyTorch primitives, autograd"),
    ("PyTorch generated", "PyTorch fused, autograd"),
    ("JAX generated, jit, both as one", "JAX grad, jit, both as one"),
)


@dataclass
class Times:
    """Seconds of each round, of the backward pass alone and of both; peak memory in bytes."""

    backward: list[float] = field(default_factory=list)
    both: list[float] = field(default_factory=list)
    peak: int | None = None

    def of(self, phase: str) -> list[float]:
        if phase == "best":
            return self.backward or self.both
        return self.backward if phase == "backward" else self.both


# Measuring -----------------------------------------------------------------------------------


def run(contestant: Contestant) -> tuple[float, float, Sequence[Any]]:
    """Seconds forward and backward, and the gradients."""
    start = time.perf_counter()
    state = contestant.forward()
    between = time.perf_counter()
    found = state if contestant.backward is None else contestant.backward(state)
    return between - start, time.perf_counter() - between, found


def as_numpy(value: Any) -> Any:
    if hasattr(value, "detach"):
        value = value.detach().float().cpu().numpy()
    return np.asarray(value)


def error(found: Sequence[Any], reference: Sequence[Any]) -> float:
    """The worst distance of an entry, beside the largest one of its gradient."""
    worst = 0.0
    for one, other in zip(map(as_numpy, found), reference, strict=True):
        if one.shape != other.shape or not np.isfinite(one).all():
            return float("inf")
        worst = max(worst, float(np.abs(one - other).max() / np.abs(other).max()))
    return worst


def admitted(
    entries: Iterator[Entry], reference: Sequence[Any], tolerance: float
) -> Iterator[Contestant | Skipped]:
    """Those whose gradients are right; each has run once then."""
    for entry in entries:
        if isinstance(entry, Skipped):
            yield entry
            continue
        print(f"{entry.name} …", end="\r", file=sys.stderr, flush=True)
        try:
            found = run(entry)[2]
            off = error(found, reference)
        except Exception as reason:
            first = (str(reason).splitlines() or [""])[0]
            yield Skipped(entry.name, f"failed: {type(reason).__name__}: {first}"[:110])
            continue
        del found
        wrong = Skipped(entry.name, f"WRONG by {off:.1e}")
        yield entry if off <= tolerance else wrong


def measure(contestants: Sequence[Contestant], repeat: int) -> dict[str, Times]:
    """Rounds in which each contestant runs once; fewer where a round takes long."""
    taken = [sum(run(contestant)[:2]) for contestant in contestants]
    rounds = repeat * (OFTEN if max(taken) < SHORT else 1)
    rounds = max(min(rounds, int(LONGEST / sum(taken))), FEWEST)
    times = {contestant.name: Times() for contestant in contestants}
    for _ in range(rounds):
        for contestant in contestants:
            forward, backward, _found = run(contestant)
            del _found
            times[contestant.name].both.append(forward + backward)
            if contestant.backward is not None:
                times[contestant.name].backward.append(backward)
    for contestant in contestants:
        times[contestant.name].peak = peak(contestant)
    return times


def peak(contestant: Contestant) -> int | None:
    """The bytes by which both passes raise the memory of the process; None where unknown."""
    gc.collect()
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        before = _status("VmRSS")
        result = run(contestant)
        after = _status("VmHWM")
    except OSError:
        return None
    del result
    return max(after - before, 0)


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))


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


def must_move(case: Case) -> int:
    """The bytes that the pass in question reads and writes at the least."""
    rng = np.random.default_rng(0)
    found = sheet(case_program(case))
    data = case.draw(rng)
    numbers: dict[str, int] = {}
    for name, (tensor, axis) in found.sizes.axes.items():
        array = data.get(ascii_name(tensor))
        if array is not None:
            numbers[name] = array.shape[axis - 1]
    work = found.forward if case.goal else found.backward
    return int(found.sizes.at(work.least, numbers))


# Reporting -----------------------------------------------------------------------------------


def spread(values: Sequence[float], scale: float = 1e3, form: str = ".3g") -> str:
    if not values:
        return "–"
    middle, low, high = (f(values) * scale for f in (statistics.median, min, max))
    return f"{middle:{form}} ({low:{form}}..{high:{form}})"


def ratios(times: dict[str, Times], who: str, whom: str, phase: str) -> list[float]:
    """The ratio in each round; of the passes that both have, for a copy is one alone."""
    ours, theirs = times[who].of(phase), times[whom].of(phase)
    return [a / b for a, b in zip(ours, theirs, strict=True)] if ours and theirs else []


def table(times: dict[str, Times]) -> Iterator[str]:
    yield f"  {'':<42}{'backward ms':<26}{'both ms':<26}{'× by hand':<22}{'peak MB':>8}"
    for name, found in times.items():
        phase = "backward" if found.backward and times["NumPy by hand"].backward else "both"
        beside = spread(ratios(times, name, "NumPy by hand", phase), 1, ".2f")
        memory = "–" if found.peak is None else f"{found.peak / 1e6:.0f}"
        both = "–" if name == COPY else spread(found.both)
        yield f"  {name:<42}{spread(found.backward):<26}{both:<26}{beside:<22}{memory:>8}"


def goals(case: Case, times: dict[str, Times]) -> Iterator[dict[str, Any]]:
    for who, phase, factor, whom, only in GOALS:
        if only not in case.name or not {who, whom} <= times.keys():
            continue
        found = ratios(times, who, whom, phase)
        if found:
            middle = statistics.median(found)
            yield {
                "goal": f"{who}: at most {factor:.2f} × {whom}",
                "ratio": middle,
                "least": min(found),
                "greatest": max(found),
                "met": middle <= factor,
            }
    for who, whom in MEMORY_GOALS:
        if {who, whom} <= times.keys():
            ours, theirs = times[who].peak, times[whom].peak
            # Smaller peaks are lost among what the allocators keep.
            if ours is not None and theirs is not None and max(ours, theirs) > 20e6:
                found_ratio = ours / max(theirs, 1)
                yield {
                    "goal": f"{who}: no more memory than {whom}",
                    "ratio": found_ratio,
                    "least": found_ratio,
                    "greatest": found_ratio,
                    "met": found_ratio <= 1.02,
                }


def room(case: Case) -> str:
    """Why a case does not fit into memory, if it does not."""
    try:
        pages, size = os.sysconf("SC_AVPHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return ""
    largest = 4 * max(np.prod(case.upstream, initial=1), _entries(case))
    needed = ROOM * largest
    return f"it needs {needed / 1e9:.0f} GB of memory" if needed > pages * size else ""


def _entries(case: Case) -> int:
    words = case.name.split()
    sizes = next(word for word in words if "×" in word).replace("→", "×").split("×")
    return int(np.prod([int(size) for size in sizes[:2]]))


def bench(case: Case, options: argparse.Namespace) -> dict[str, Any]:
    """One case on the processor."""
    rng = np.random.default_rng(1)
    data = case.draw(rng)
    upstream = (0.4 + rng.normal(size=case.upstream)).astype(np.float32)
    reference = [as_numpy(g) for g in run(next(numpy_entries(case, data, upstream)))[2]]
    moved = must_move(case)
    entries = [
        *admitted(numpy_entries(case, data, upstream), reference, TOLERANCE["float32"]),
        *admitted(numba_entries(case, data, upstream), reference, TOLERANCE["float32"]),
        *admitted(
            torch_entries(case, data, upstream, compiled=options.compile),
            reference,
            TOLERANCE["float32"],
        ),
        *admitted(jax_entries(case, data, upstream), reference, TOLERANCE["float32"]),
    ]
    contestants = [entry for entry in entries if isinstance(entry, Contestant)]
    times = measure([*contestants, copying(moved)], options.repeat)
    return report(case, "float32", moved, entries, times)


def report(
    case: Case, dtype: str, moved: int, entries: Sequence[Entry], times: dict[str, Times]
) -> dict[str, Any]:
    print(f"\n{case.name}, {dtype}: {moved / 1e6:.3g} MB must move")
    print("\n".join(table(times)))
    skipped = [entry for entry in entries if isinstance(entry, Skipped)]
    for entry in skipped:
        print(f"  skipped {entry.name}: {entry.reason}")
    reached = list(goals(case, times))
    for goal in reached:
        word = "met   " if goal["met"] else "MISSED"
        range_ = f"{goal['least']:.2f}..{goal['greatest']:.2f}"
        print(f"  {word} {goal['goal']}: {goal['ratio']:.2f} ({range_})")
    sys.stdout.flush()
    return {
        "case": case.name,
        "dtype": dtype,
        "bytes": moved,
        "times": {name: vars(found) for name, found in times.items()},
        "skipped": {entry.name: entry.reason for entry in skipped},
        "goals": reached,
    }


def on_gpu(case: Case, dtype: str, options: argparse.Namespace) -> dict[str, Any]:
    """One case on a GPU; beside PyTorch's fused operator, for NumPy is not there."""
    rng = np.random.default_rng(1)
    data = case.draw(rng)
    upstream = (0.4 + rng.normal(size=case.upstream)).astype(np.float32)
    by_hand = next(numpy_entries(case, data, upstream))
    reference = [as_numpy(g) for g in run(by_hand)[2]]
    found = torch_entries(
        case, data, upstream, compiled=options.compile, device="cuda", dtype=dtype
    )
    entries = list(admitted(found, reference, TOLERANCE[dtype]))
    contestants = [entry for entry in entries if isinstance(entry, Contestant)]
    times = measure([by_hand, *contestants], options.repeat)
    return report(case, f"{dtype} on the GPU", must_move(case), entries, times)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=7, help="rounds (default 7)")
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
            found.append(bench(case, options))
    torch = installed("torch")
    if torch is not None and torch.cuda.is_available():
        found += [on_gpu(case, dtype, options) for case in chosen for dtype in TOLERANCE]
    else:
        missing = "PyTorch is not installed" if torch is None else "PyTorch sees no GPU"
        print(f"\nOn a GPU: skipped, {missing}")
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1), encoding="utf-8")
    wrong = any("WRONG" in why for one in found for why in one["skipped"].values())
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
