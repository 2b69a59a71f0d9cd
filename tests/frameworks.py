"""Generated modules of each target as functions of NumPy's arrays, with what each is to hold to."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import numpy as np

from derive.codegen import Program, module
from derive.verify.implementation import load_file
from tests.generated import Generated, run
from tests.layouts import laid_out

__all__ = ["FRAMEWORKS", "Framework", "loops_as_python"]

Array = Any
OVERWRITE = "overwrite_saved"


class Framework:
    """NumPy, and how the others differ.

    Attributes
    ----------
    name : the target.
    package : what has to be installed.
    """

    name = "numpy"
    package = "numpy"

    @property
    def is_installed(self) -> bool:
        return find_spec(self.package) is not None

    def module(self, found: Program) -> Generated:
        """The module of a program."""
        return run(found, self.name)

    def precisely(self) -> AbstractContextManager[Any]:
        """Where double precision is kept."""
        return nullcontext()

    def array(self, array: np.ndarray, layout: str) -> Array:
        """An array of the framework's that lies in memory in some way."""
        return laid_out(array, layout)

    def numbers(self, array: Array) -> np.ndarray:
        """A result as NumPy's array, with its type."""
        return np.asarray(array)

    def copies(self, arrays: Sequence[Array]) -> list[np.ndarray]:
        """Arrays, and what is none, as they are now."""
        return [np.array(self.numbers(array)) for array in arrays]

    def gradients(
        self, module: Generated, arguments: Sequence[Array], upstream: Sequence[Array]
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Outputs and gradients, by both passes; the second may be called again."""
        found = module.program
        outputs, saved = module.forward(*arguments)
        outputs = self.copies(outputs if len(found.outputs) > 1 else [outputs])
        gradients = self._backward(module, saved, upstream)
        again = [self._backward(module, saved, upstream)]
        if OVERWRITE in module.text:
            again.append(self._backward(module, saved, upstream, **{OVERWRITE: True}))
        for each in again:
            for array, other in zip(each, gradients, strict=True):
                # In place operations may be in another order.
                close = 1e-12 if array.dtype == np.float64 else 1e-5
                np.testing.assert_allclose(array, other, close, close)
        return outputs, gradients

    def _backward(
        self, module: Generated, saved: Any, upstream: Sequence[Array], **options: Any
    ) -> list[np.ndarray]:
        found = module.backward(saved, *upstream, **options)
        return self.copies(found if len(module.program.wrt) > 1 else [found])

    def by_the_framework(
        self, module: Generated, arguments: Sequence[Array], upstream: Sequence[Array]
    ) -> tuple[list[np.ndarray], list[np.ndarray]] | None:
        """Outputs and gradients as the framework has them of the wrapped function, if there is."""
        return None


class Torch(Framework):
    name = package = "torch"

    def array(self, array: np.ndarray, layout: str) -> Array:
        torch = import_module("torch")
        if not isinstance(array, np.ndarray):
            return array
        if layout in ("reversed", "read-only"):
            # PyTorch has neither.
            layout = "transposed"
        found = laid_out(array, layout)
        if layout == "repeated" and not found.flags.writeable:
            strides = [step // found.itemsize for step in found.strides]
            base = torch.from_numpy(
                np.array(found[tuple(slice(0, 1 if not s else None) for s in strides)])
            )
            return base.expand(found.shape)
        return torch.from_numpy(found)

    def numbers(self, array: Array) -> np.ndarray:
        return array.detach().numpy() if hasattr(array, "detach") else np.asarray(array)

    def by_the_framework(
        self, module: Generated, arguments: Sequence[Array], upstream: Sequence[Array]
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        torch = import_module("torch")
        places = [module.program.inputs.index(name) for name in module.program.wrt]
        changed = list(arguments)
        for place in places:
            changed[place] = torch.as_tensor(changed[place], dtype=upstream[0].dtype).detach()
            changed[place].requires_grad_()
        found = module.function(*changed)
        outputs = list(found) if len(module.program.outputs) > 1 else [found]
        wanted = [changed[place] for place in places]
        gradients = torch.autograd.grad(outputs, wanted, list(upstream))
        return self.copies(outputs), self.copies(gradients)


class Jax(Framework):
    name = package = "jax"

    def precisely(self) -> AbstractContextManager[Any]:
        return import_module("jax").enable_x64(True)

    def array(self, array: np.ndarray, layout: str) -> Array:
        # Arrays of NumPy are taken as they are, too.
        found = laid_out(array, layout)
        return import_module("jax.numpy").asarray(found) if layout == "contiguous" else found

    def gradients(
        self, module: Generated, arguments: Sequence[Array], upstream: Sequence[Array]
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        jax = import_module("jax")
        found = module.program
        fixed = [k for k, each in enumerate(arguments) if isinstance(each, int)]
        labels = {k: arguments[k] for k in fixed}

        @jax.jit
        def both(arguments: Sequence[Array], upstream: Sequence[Array]) -> Any:
            full = [labels.get(k, each) for k, each in enumerate(arguments)]
            outputs, saved = module.forward(*full)
            gradients = module.backward(saved, *upstream)
            wanted = [found.inputs.index(name) for name in found.wrt]

            def function(*changed: Array) -> Any:
                for place, value in zip(wanted, changed, strict=True):
                    full[place] = value
                return module.function(*full)

            pulled = jax.vjp(
                function, *(jax.numpy.asarray(full[k], upstream[0].dtype) for k in wanted)
            )[1]
            own = pulled(tuple(upstream) if len(upstream) > 1 else upstream[0])
            return outputs, gradients, own

        outputs, gradients, own = both(list(arguments), list(upstream))
        gradients = self.copies(gradients if len(found.wrt) > 1 else [gradients])
        for array, other in zip(gradients, own, strict=True):
            np.testing.assert_allclose(array, other, rtol=1e-6, atol=1e-6)
        return self.copies(outputs if len(found.outputs) > 1 else [outputs]), gradients


class Numba(Framework):
    name = package = "numba"

    def __init__(self) -> None:
        # What is compiled is kept beside the file of a module, which there has to be.
        self._folder = TemporaryDirectory(ignore_cleanup_errors=True)

    def module(self, found: Program) -> Generated:
        text = module(found, self.name)
        path = Path(self._folder.name) / f"loops{len(sys.modules)}.py"
        path.write_text(text, encoding="utf-8")
        return Generated(found, text, vars(load_file(path)))


class Loops(Framework):
    """The loops of Numba's modules, run by Python."""

    name = "numba"

    def module(self, found: Program) -> Generated:
        with loops_as_python():
            return super().module(found)


@contextmanager
def loops_as_python() -> Iterator[None]:
    """Where `numba` compiles nothing; the outer loops are in three parts."""
    numba: Any = ModuleType("numba")
    numba.prange, numba.get_num_threads = range, lambda: 3
    numba.njit = lambda **_: lambda function: function
    real = sys.modules.get("numba")
    sys.modules["numba"] = numba
    try:
        yield
    finally:
        del sys.modules["numba"]
        if real is not None:
            sys.modules["numba"] = real


FRAMEWORKS: Mapping[str, Framework] = {
    "numpy": Framework(),
    "torch": Torch(),
    "jax": Jax(),
    "loops": Loops(),
    "numba": Numba(),
}
"""By the names that tests have."""
