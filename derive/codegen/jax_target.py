"""Modules for JAX: both passes, and a function of them that JAX differentiates by them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import ClassVar

from derive.codegen.dialect import Dialect
from derive.codegen.frame_helpers import JAX_HELPERS
from derive.codegen.jax_dialect import JaxDialect
from derive.codegen.passes import Passes
from derive.codegen.selftest import DRAW, braced, drawn, example, inputs
from derive.codegen.selftest_further import further_test
from derive.codegen.source import INDENT, signature
from derive.codegen.target import Target
from derive.codegen.wrapping import MAIN, Wrapping, lines_of, listed, strings

__all__ = ["JaxTarget"]

_PACKAGES = (
    "import jax",
    "import jax.numpy as jnp",
    "import numpy as np",
    "from jax.test_util import check_grads",
)

_TEST = '''
def self_test(seed=0):
    """Compare first and second derivatives with differences on random data."""
    rng = np.random.default_rng(seed)
{inputs}
{wrt}

    def outputs(*values):
        changed = {{**inputs, **dict(zip(wrt, values))}}
        return {function}(**changed)

    with jax.enable_x64(True):
        values = [jnp.asarray(inputs[name]) for name in wrt]
        check_grads(jax.jit(outputs), values, order=2, modes=["rev"])
{further}'''
_FURTHER = """        arrays = {
            name: jnp.asarray(value) if isinstance(value, np.ndarray) else value
            for name, value in inputs.items()
        }
        for found, expected in _further(arrays, rng):
            np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-7)
"""


class JaxTarget(Target):
    """Writes the module of a program for JAX."""

    name: ClassVar[str] = "jax"
    purpose: ClassVar[str] = "Value and gradients, with JAX."
    helper_texts: ClassVar[Mapping[str, str]] = JAX_HELPERS
    multiplies_halves: ClassVar[bool] = True

    def dialect(self) -> Dialect:
        """How the target spells operations."""
        return JaxDialect()

    def numbers(
        self, found: Passes, given: Iterable[str], arrays: Iterable[str]
    ) -> Iterator[ast.stmt]:
        """Nothing: JAX takes numbers of Python's as they are."""
        yield from ()

    def packages(self, text: str) -> Iterator[str]:
        """The imports of packages."""
        yield from _PACKAGES

    def wrapped(self, found: Passes) -> Iterator[str]:
        """The function named after the derivation, with the passes as its derivative."""
        yield _function(Wrapping(found))

    def self_test(self, found: Passes, text: str) -> Iterator[str]:
        """The functions that test the module."""
        wrapping = Wrapping(found)
        data = example(found.program.graph)
        yield DRAW
        yield from further_test(found, partial(drawn, found.program, data), "jax")
        yield _TEST.format(
            inputs=braced("inputs = {", list(inputs(found, data, "jnp")), "}"),
            wrt=strings("wrt", wrapping.wrt),
            function=wrapping.function,
            further=_FURTHER if found.program.further else "",
        )
        yield MAIN


def _function(w: Wrapping) -> str:
    """The function, its backward pass with a place for each argument, and how they belong."""
    lines = [_decorator(w), *signature(w.function, w.arguments)]
    about = f"Return {', '.join(w.outputs)}; JAX takes its gradients from `backward`."
    lines += [f'{INDENT}"""{about}"""']
    lines += [*lines_of(f"return forward({', '.join(w.arguments)})[0]"), "", ""]
    rules = ["forward", "_backward"]
    if w.saved_sizes or w.saved_functions or w.missing:
        rules[0] = "_forward"
        lines += [*_forward(w), "", ""]
    rules += ["symbolic_zeros=True"] if w.missing else []
    lines += [*_backward(w), "", "", f"{w.function}.defvjp({', '.join(rules)})"]
    return "\n".join(lines)


def _decorator(w: Wrapping) -> str:
    if not w.constants:
        return "@jax.custom_vjp"
    places = listed([str(w.arguments.index(each)) for each in w.constants])
    places = places if places.startswith("(") else f"({places})"
    return f"@functools.partial(jax.custom_vjp, nondiff_argnums={places})"


def _forward(w: Wrapping) -> list[str]:
    """The forward pass as JAX wants it: sizes as shapes, and an error for a missing gradient."""
    tensors = [name for name in w.saved if name not in (*w.saved_functions, *w.saved_sizes)]
    lines = signature("_forward", w.arguments)
    lines += [f'{INDENT}"""{_about(w)}"""', *_refusals(w)]
    given = [_given(w, name) for name in w.arguments]
    lines += lines_of(f"results, saved = forward({', '.join(given)})")
    if not w.saved_sizes:
        part = f"[:{len(tensors)}]" if w.saved_functions else ""
        return [*lines, f"{INDENT}return results, saved{part}"]
    lines.append(
        f"{INDENT}sizes = [jnp.zeros((size, 0)) for size in saved[-{len(w.saved_sizes)}:]]"
    )
    return [*lines, f"{INDENT}return results, (*saved[:{len(tensors)}], *sizes)"]


def _about(w: Wrapping) -> str:
    if w.missing:
        return "`forward`, which refuses gradients that were not derived."
    return "`forward`, which saves a size as the shape of an empty array."


def _refusals(w: Wrapping) -> Iterator[str]:
    """Errors where a gradient is asked for that is not there: JAX knows what it follows."""
    for name in w.missing:
        yield f"{INDENT}if {name}.perturbed:"
        yield f'{INDENT * 2}raise ValueError("no gradient by {name} was derived")'


def _given(w: Wrapping, name: str) -> str:
    """An argument; where JAX says what it follows, its value is a part of what is passed."""
    return f"{name}.value" if w.missing and name not in w.constants else name


def _backward(w: Wrapping) -> list[str]:
    """The backward pass; None for whole numbers, and what has no gradient."""
    several = len(w.upstream) > 1
    lines = signature(
        "_backward", [*w.constants, "saved", "upstream" if several else w.upstream[0]]
    )
    lines += [f'{INDENT}"""The gradient of each argument, None for whole numbers."""']
    if w.saved_sizes:
        tensors = len(w.saved) - len(w.saved_functions) - len(w.saved_sizes)
        lines.append(f"{INDENT}sizes = [size.shape[0] for size in saved[{tensors}:]]")
        parts = [f"*saved[:{tensors}]", *w.saved_functions, "*sizes"]
        lines += lines_of(f"saved = ({', '.join(parts)})")
    elif w.saved_functions:
        lines += lines_of(f"saved = (*saved, {', '.join(w.saved_functions)})")
    given = "*upstream" if several else w.upstream[0]
    if w.missing and several:
        lines.append(f"{INDENT}upstream = [_dense(each) for each in upstream]")
    elif w.missing:
        given = f"_dense({given})"
    found = [w.gradients[name] for name in w.wrt]
    together = found[0] if len(found) == 1 else f"({', '.join(found)})"
    lines += lines_of(f"{together} = backward(saved, {given})")
    results = [w.gradients.get(n, "None") for n in w.arguments if n not in w.constants]
    return lines + lines_of(f"return {listed(results)}")
