"""Measure what the project promises about speed, in one run and as ratios.

python scripts/bench.py [--repeat N] [--only catalogue chain code commands verify sympy]
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import sympy
from sympy import Add, Idx, IndexedBase, Sum, exp, log, symbols

import derive
from derive.certificate import Certificate, certify, recheck
from derive.codegen import TARGETS, module, program
from derive.errors import DeriveError
from derive.notation import read_graph
from derive.notation.write import write_text
from derive.problems import load_problem

PARTS = ["catalogue", "chain", "code", "commands", "verify", "sympy"]

LONGEST_FILE = 0.5
NONLINEAR = "relu"
DEPTHS = (4, 16, 64, 256)
SOFTMAX = "s_i = exp(x_i) / σ; σ := 1_j exp(x_j); c = -log(s_T)"


def seconds(
    run: Callable[[], object], repeat: int, clock: Callable[[], float] = time.process_time
) -> list[float]:
    """The times of `repeat` runs after one to warm up; those of the processor in this process."""
    run()
    times = []
    for _ in range(repeat):
        start = clock()
        run()
        times.append(clock() - start)
    return times


def row(what: str, times: list[float], reference: float | None = None, goal: str = "") -> float:
    """Print the median, its spread and the ratio to a reference; returns the median."""
    median = statistics.median(times)
    spread = f"{min(times) * 1e3:.1f} to {max(times) * 1e3:.1f}"
    ratio = "" if reference is None else f"{median / reference:8.2f}x"
    print(f"{what:<52}{median * 1e3:10.2f} ms  ({spread}){ratio}  {goal}")
    return median


def command(*arguments: str, **variables: str) -> Callable[[], object]:
    """A run of this interpreter in a process of its own.

    Modules are compiled once, as where a package is installed.
    """
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return lambda: subprocess.run(
        [sys.executable, *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        env=environment | variables,
    )


def by_components(classes: int) -> object:
    """SymPy's way with one symbol an entry."""
    x = symbols(f"x:{classes}")
    loss = -log(exp(x[0]) / sum(exp(entry) for entry in x))
    return [sympy.simplify(loss.diff(entry)) for entry in x]


def by_sum() -> object:
    """SymPy's way with an indexed sum."""
    x, size = IndexedBase("x"), symbols("N", integer=True, positive=True)
    j, n, target = Idx("j", size), Idx("n", size), Idx("T", size)
    loss = -log(exp(x[target]) / Sum(exp(x[j]), (j, 0, size - 1)))
    derivative = loss.diff(x[n])
    try:
        return sympy.simplify(derivative)
    except Exception as error:  # what SymPy 1.14 does with this sum is part of the comparison
        return f"{derivative}, which simplify ends with {error!r}"


def derivations(repeat: int) -> float:
    """In process: the derivation, and that it does not depend on the sizes."""
    print("In process, after warm-up")
    text = row(
        "cross-entropy, from text",
        seconds(lambda: derive.gradient(SOFTMAX, "x"), repeat),
        goal="goal: under 20 ms",
    )
    for size in (4, 64, 4096, 10**9):
        times = seconds(lambda n=size: derive.gradient(SOFTMAX, "x", sizes={"i": n}), repeat)
        row(f"cross-entropy with {size} classes", times, text, "goal: 1x")
    return text


def catalogue(repeat: int) -> None:
    """Every file of the catalogue, in process."""
    print("The catalogue: each derivation in process, after warm-up")
    for name in derive.catalogue():
        times = seconds(lambda name=name: derive.load(name), repeat)
        goal = "goal: under 100 ms" if name == "layer_norm" else ""
        flag = "  TOO SLOW" if statistics.median(times) > LONGEST_FILE else ""
        row(name, times, goal=f"{size(derive.load(name))}  {goal}{flag}")


def size(derivation: derive.Derivation) -> str:
    """The number of printed lines, and the longest term of any of them as it is printed."""
    lines = [(stage, line) for stage in derivation.stages for line in stage.lines]
    terms = (
        write_text(term, derivation.graph, (stage.goal,))
        for stage, line in lines
        for term in Add.make_args(line.expr)
    )
    return f"{len(lines)} lines, longest term {max(map(len, terms))} characters"


def layers(depth: int) -> list[str]:
    """A chain of linear layers, each with its nonlinearity, that ends in the cross-entropy."""
    inputs = ["x", *(f"h{layer}" for layer in range(1, depth))]
    equations = []
    for layer, name in enumerate(inputs, 1):
        equations.append(f"z{layer}_i = W{layer}_ij {name}_j + b{layer}_i")
        equations.append(f"h{layer}_i = {NONLINEAR}(z{layer}_i)")
    return [*equations, f"s_i = exp(h{depth}_i)/(1_j exp(h{depth}_j))", "c = -log(s_T)"]


def chains() -> None:
    """How the time grows with the depth of a graph; each depth once, as it takes seconds."""
    print(f"A chain of linear layers with {NONLINEAR} and cross-entropy: the gradient of W1")
    derive.derivation(layers(2), "∂l/∂W1_pq")
    before: tuple[int, float] | None = None
    for depth in DEPTHS:
        equations = layers(depth)
        start = time.process_time()
        derivation = derive.derivation(equations, "∂l/∂W1_pq")
        taken = time.process_time() - start
        row(f"{depth} layers", [taken], goal=f"{size(derivation)}  {growth(before, depth, taken)}")
        before = depth, taken


def growth(before: tuple[int, float] | None, depth: int, taken: float) -> str:
    """How the time grows from one depth to the next, as a power of the depth."""
    if before is None:
        return ""
    exponent = math.log(taken / before[1]) / math.log(depth / before[0])
    return f"grows as L^{exponent:.2f}, goal: at most 1.2"


def code(repeat: int) -> None:
    """The time that modules take to be written, once their passes are derived."""
    print("Modules, in process, after warm-up: of the catalogue, and of chains of linear layers")
    programs = []
    for name in derive.catalogue():
        with suppress(DeriveError):  # Not every goal is a program.
            programs.append(program(load_problem(name).graph))
    for target in TARGETS:
        times = [
            statistics.median(seconds(lambda p=each, t=target: module(p, t), repeat))
            for each in programs
        ]
        row(f"{target}: one of the {len(times)} of the catalogue", times)
        before: tuple[int, float] | None = None
        for depth in DEPTHS[:-1]:
            loss = f"c = h{depth}_i h{depth}_i"
            deep = program(read_graph([*layers(depth)[:-2], loss]))
            taken = min(seconds(lambda p=deep, t=target: module(p, t), 1))
            row(f"{target}: {depth} layers", [taken], goal=growth(before, depth, taken))
            before = depth, taken


def starts(repeat: int) -> None:
    """Cold: a command against the bare import of SymPy."""
    print("A process of its own")
    bare = row(
        "python -c 'import sympy'",
        seconds(command("-c", "import sympy"), repeat, time.perf_counter),
    )
    for arguments in (
        *(("--version",), ("list",), ("show", "cross-entropy"), ("code", "cross-entropy")),
    ):
        times = seconds(command("-m", "derive", *arguments), repeat, time.perf_counter)
        row("derive " + " ".join(arguments), times, bare, "goal: at most 1.6x")
    verify = command("-m", "derive", "verify", "cross-entropy", "--no-cache")
    times = seconds(verify, repeat, time.perf_counter)
    row("derive verify cross-entropy", times, bare)


def verification() -> None:
    """The catalogue verified, cold and from the cache, and its certificates verified anew."""
    print("The catalogue verified, on all cores; certificates verified anew, one after the other")
    script = str(Path(__file__).parent / "verify.py")
    with TemporaryDirectory() as folder:
        run = command(script, DERIVE_CACHE=folder)
        cold, cached = once(run), once(run)
    row("scripts/verify.py, cold", [cold], goal="goal: under 60 s")
    row("scripts/verify.py, cached", [cached], cold, "goal: under 3 s")
    texts = {name: certify(derive.load(name)).text() for name in derive.catalogue()}
    times = [once(lambda t=text: recheck(Certificate.parse(t))) for text in texts.values()]
    row("derive recheck, in process, all certificates", [sum(times)], cold)
    row("the slowest of them", [max(times)], cold)


def once(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def sympy_ways(reference: float) -> None:
    """SymPy's own way to the same gradient, as far as it gets."""
    print("SymPy's own way (ratios to ours)")
    for classes in (4, 16, 64):
        start = time.perf_counter()
        by_components(classes)
        row(f"diff and simplify, {classes} components", [time.perf_counter() - start], reference)
    start = time.perf_counter()
    found = by_sum()
    row("diff of Indexed and Sum, and simplify", [time.perf_counter() - start], reference)
    print(f"    which gives {found}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=15)
    parser.add_argument("--only", nargs="*", default=PARTS, choices=PARTS, help="(default all)")
    options = parser.parse_args()
    reference = derivations(options.repeat)
    if "catalogue" in options.only:
        catalogue(min(options.repeat, 5))
    if "chain" in options.only:
        chains()
    if "code" in options.only:
        code(min(options.repeat, 3))
    if "commands" in options.only:
        starts(options.repeat)
    if "verify" in options.only:
        verification()
    if "sympy" in options.only:
        sympy_ways(reference)


if __name__ == "__main__":
    main()
