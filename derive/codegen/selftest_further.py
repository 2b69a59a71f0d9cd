"""The self-test of functions for other derivatives: beside derivatives that use no rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sympy import Expr

from derive.codegen.further import Further, factors_of, partial_in
from derive.codegen.passes import Passes
from derive.codegen.source import INDENT
from derive.codegen.wrapping import lines_of
from derive.expressions import Partial, indices_of, is_tensor, name_of

__all__ = ["DIFFERENTIATED", "differences", "further_test"]


def differences(name: str, step: str) -> str:
    """A function for the derivative by one entry, from differences of the fourth order."""
    return f"""
def {name}(function, array, place, step={step}):
    values = []
    for times in (-2, -1, 1, 2):
        moved = array.copy()
        moved[place] += times * step
        values.append(function(moved))
    far, near, beyond, last = values
    return (far - 8 * near + 8 * beyond - last) / (12 * step)
"""


DIFFERENTIATED = {
    "numpy": differences("_difference", "1e-3")
    + '''

def _differentiated(value, inputs, names):
    """Derivatives of a value by inputs, whose axes come last."""
    if not names:
        return value(inputs)
    *others, name = names
    by, array = _difference if others else _derivative, inputs[name]

    def function(moved):
        return _differentiated(value, {**inputs, name: moved}, others)

    found = [by(function, array, place) for place in np.ndindex(array.shape)]
    return np.stack(found, -1).reshape((*np.shape(found[0]), *array.shape))
''',
    "torch": '''
def _differentiated(value, inputs, names):
    """Derivatives of a value by inputs, whose axes come last, by autograd through `forward`."""
    if not names:
        return value(inputs)
    *others, name = names
    return torch.autograd.functional.jacobian(
        lambda moved: _differentiated(value, {**inputs, name: moved}, others),
        inputs[name],
        create_graph=True,
    )
''',
    "jax": '''
def _differentiated(value, inputs, names):
    """Derivatives of a value by inputs, whose axes come last: forward over reverse."""
    if not names:
        return value(inputs)
    *others, name = names
    by = jax.jacfwd if others else jax.jacrev

    def function(moved):
        return _differentiated(value, {**inputs, name: moved}, others)

    return by(function)(inputs[name])
''',
}
"""For each library what differentiates the forward pass by no rule of the module."""

_COMPLEX = """
def _complex(inputs):
    return {
        name: value + 0j if np.asarray(value).dtype.kind == "f" else value
        for name, value in inputs.items()
    }
"""

_ARRAYS = {"numpy": "{}", "torch": "torch.as_tensor({})", "jax": "jnp.asarray({})"}
_MODULES = {"numpy": "np", "torch": "torch", "jax": "jnp"}


def further_test(
    found: Passes, drawn: Callable[[str], str], library: str = "numpy", exact: bool = False
) -> Iterator[str]:
    """The functions that yield other derivatives, each beside what it should be.

    Parameters
    ----------
    drawn : the text that draws a tensor.
    exact : whether the forward pass is to be given complex numbers.
    """
    functions = found.program.further
    if not functions:
        return
    yield DIFFERENTIATED[library]
    if exact:
        yield _COMPLEX
    lines = ["def _further(inputs, rng):"]
    lines += [f'{INDENT}"""Other derivatives, each beside the same derivative of `forward`."""']
    lines += [f"{INDENT}saved = forward(**inputs)[1]"]
    for name in dict.fromkeys(name for each in functions for name in each.given):
        text = _ARRAYS[library].format(drawn(name))
        lines += lines_of(f"{found.names[name]} = {text}")
    arguments = "_complex(inputs)" if exact else "inputs"
    for root in dict.fromkeys(name_of(partial_in(each.goal).root) for each in functions):
        if place := _place(root, found, arguments):
            lines += [
                *([""] if lines[-1] else []),
                f"{INDENT}def value_of_{found.names[root]}(inputs):",
            ]
            lines += [f"{INDENT * 2}return {place}", ""]
    for each in functions:
        lines += _pair(each, found, _MODULES[library])
    yield "\n".join(lines)


def _pair(each: Further, found: Passes, library: str) -> Iterator[str]:
    """The lines that yield what a function returns and what it should."""
    partial = partial_in(each.goal)
    root = name_of(partial.root)
    strangers = [name_of(v) for v in partial.variables if name_of(v) not in found.program.inputs]
    known = {*found.program.inputs, *each.given}
    given = [f for f in factors_of(each.goal) if not isinstance(f, Partial)]
    strangers += [name_of(f.as_base_exp()[0]) for f in given if not _names(f) <= known]
    if partial.held or strangers or not _place(root, found):
        what = partial.held or strangers or [root]
        yield f"{INDENT}# {each.name} is not tested: {what[0]} cannot be varied or seen alone."
        return
    variables = ", ".join(f'"{found.names[name_of(v)]}"' for v in partial.variables)
    value = f"value_of_{found.names[root]}"
    yield from lines_of(f"expected = _differentiated({value}, inputs, [{variables}])")
    if given:
        names = map(name_of, _flat(given))
        arrays = [
            found.names[n] if n in each.given else f'inputs["{found.names[n]}"]' for n in names
        ]
        formula = _einsum(partial, _flat(given), indices_of(each.result))
        yield from lines_of(
            f'expected = {library}.einsum("{formula}", expected, {", ".join(arrays)})'
        )
    arguments = ", ".join(["saved", *(found.names[n] for n in each.given)])
    yield from lines_of(f"found = {each.name}({arguments})")
    yield f"{INDENT}yield found, expected"


def _place(root: str, found: Passes, inputs: str = "inputs") -> str:
    """The text of the value of a tensor among what the forward pass returns, if it is there."""
    outputs, saved = found.program.outputs, found.forward.saved
    if root in outputs:
        own = f"[{outputs.index(root)}]" if len(outputs) > 1 else ""
        return f"forward(**{inputs})[0]{own}"
    return f"forward(**{inputs})[1][{saved.index(root)}]" if root in saved else ""


def _names(factor: Expr) -> set[str]:
    base = factor.as_base_exp()[0]
    return {name_of(base)} if is_tensor(base) else set()


def _flat(given: Sequence[Expr]) -> list[Expr]:
    """The factors, each as often as it stands in the product."""
    return [b for f in given for b, e in [f.as_base_exp()] for _ in range(int(e))]


def _einsum(partial: Partial, given: Sequence[Expr], free: Sequence[Expr]) -> str:
    """The formula of the contraction, in letters that einsum knows."""
    parts = [partial.indices, *map(indices_of, given), free]
    letters: dict[Expr, str] = {}
    for index in (index for part in parts for index in part):
        letters.setdefault(index, chr(ord("a") + len(letters)))
    *operands, result = ("".join(letters[index] for index in part) for part in parts)
    return f"{','.join(operands)}->{result}"
