"""Modules for JAX: both passes, and a function of them that JAX differentiates by them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from derive.codegen.assignment import CodeError
from derive.codegen.dialect import Dialect
from derive.codegen.frame_helpers import JAX_HELPERS
from derive.codegen.jax_dialect import JaxDialect
from derive.codegen.passes import Passes
from derive.codegen.selftest import DRAW, braced, example, inputs
from derive.codegen.source import INDENT, signature
from derive.codegen.target import Target
from derive.codegen.wrapping import MAIN, Wrapping, lines_of, listed, strings

__all__ = ["JaxTarget"]

IMPORTS = (
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
'''


class JaxTarget(Target):
    """Writes the module of a program for JAX."""

    name: ClassVar[str] = "jax"
    purpose: ClassVar[str] = "Value and gradients, with JAX."
    helper_texts: ClassVar[Mapping[str, str]] = JAX_HELPERS

    def dialect(self) -> Dialect:
        """How the target spells operations."""
        return JaxDialect()

    def numbers(
        self, found: Passes, given: Iterable[str], arrays: Iterable[str]
    ) -> Iterator[ast.stmt]:
        """Nothing: JAX takes numbers of Python's as they are."""
        yield from ()

    def imports(self, text: str) -> Iterator[str]:
        """The imports that the text of the functions needs, in groups."""
        standard = [name for name in ("functools", "math") if f"{name}." in text]
        if standard:
            yield "\n".join(f"import {name}" for name in standard)
        yield "\n".join(IMPORTS)

    def wrapped(self, found: Passes) -> Iterator[str]:
        """The function named after the derivation, with the passes as its derivative."""
        yield _function(Wrapping(found))

    def self_test(self, found: Passes, text: str) -> Iterator[str]:
        """The functions that test the module."""
        wrapping = Wrapping(found)
        data = example(found.program.graph)
        yield DRAW
        yield _TEST.format(
            inputs=braced("inputs = {", list(inputs(found, data, "jnp")), "}"),
            wrt=strings("wrt", wrapping.wrt),
            function=wrapping.function,
        )
        yield MAIN


def _function(w: Wrapping) -> str:
    """The function, its backward pass with a place for each argument, and how they belong."""
    lines = [_decorator(w), *signature(w.function, w.arguments)]
    about = f"Return {', '.join(w.outputs)}; JAX takes its gradients from `backward`."
    lines += [f'{INDENT}"""{about}"""']
    lines += [*lines_of(f"return forward({', '.join(w.arguments)})[0]"), "", ""]
    rule = "forward"
    if w.saved_sizes or w.saved_functions:
        rule = "_forward"
        lines += [*_forward(w), "", ""]
    lines += [*_backward(w), "", "", f"{w.function}.defvjp({rule}, _backward)"]
    return "\n".join(lines)


def _decorator(w: Wrapping) -> str:
    if not w.constants:
        return "@jax.custom_vjp"
    places = listed([str(w.arguments.index(each)) for each in w.constants])
    places = places if places.startswith("(") else f"({places})"
    return f"@functools.partial(jax.custom_vjp, nondiff_argnums={places})"


def _forward(w: Wrapping) -> list[str]:
    """The forward pass; a size is saved as the shape of an array without entries."""
    tensors = [name for name in w.saved if name not in (*w.saved_functions, *w.saved_sizes)]
    lines = signature("_forward", w.arguments)
    lines += [f'{INDENT}"""`forward`, which saves a size as the shape of an empty array."""']
    lines += lines_of(f"results, saved = forward({', '.join(w.arguments)})")
    if not w.saved_sizes:
        return [*lines, f"{INDENT}return results, saved[:{len(tensors)}]"]
    lines.append(
        f"{INDENT}sizes = [jnp.zeros((size, 0)) for size in saved[-{len(w.saved_sizes)}:]]"
    )
    return [*lines, f"{INDENT}return results, (*saved[:{len(tensors)}], *sizes)"]


def _backward(w: Wrapping) -> list[str]:
    """The backward pass; None for arguments that are whole numbers or that nothing depends on."""
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
    found = [w.gradients[name] for name in w.wrt]
    together = found[0] if len(found) == 1 else f"({', '.join(found)})"
    lines += lines_of(f"{together} = backward(saved, {given})")
    results = [_result(w, name) for name in w.arguments if name not in w.constants]
    return lines + lines_of(f"return {listed(results)}")


def _result(w: Wrapping, name: str) -> str:
    if name in w.missing:
        raise CodeError(
            f"the JAX function needs the gradient by {name} too, which acts on the outputs",
            mend="leave out --wrt, or name every input of numbers",
        )
    return w.gradients.get(name, "None")
