"""The partial derivative as an opaque node."""

from __future__ import annotations

from typing import Any

from sympy import Expr
from sympy.core.symbol import Str

from derive.expressions.indices import indices_of, is_tensor

__all__ = ["Partial"]


class Partial(Expr):
    """The derivative `∂f/∂x_n`, unevaluated: opaque until a rule rewrites it.

    `function` is an expression or a defined tensor, `variable` a tensor with its indices, or
    any expression where the chain rule differentiates by an inner one. Definitions between the
    two are differentiated through, except the tensors named in `held`, which are kept fixed.
    """

    is_commutative = True
    is_real = True

    def __new__(cls, function: Expr, variable: Expr, *held: str | Str) -> Partial:
        names = sorted({str(name) for name in held})
        return Expr.__new__(cls, function, variable, *map(Str, names))

    @property
    def function(self) -> Expr:
        return self.args[0]

    @property
    def variable(self) -> Expr:
        return self.args[1]

    @property
    def root(self) -> Expr:
        """What is differentiated in the end, under every derivative of a derivative."""
        function = self.function
        return function.root if isinstance(function, Partial) else function

    @property
    def variables(self) -> tuple[Expr, ...]:
        """What is differentiated by, the first derivative last: `x_m, x_n` for `∂²c/∂x_m∂x_n`."""
        function = self.function
        return (self.variable, *(function.variables if isinstance(function, Partial) else ()))

    @property
    def is_named(self) -> bool:
        """Whether it is of a tensor by tensors, so that a stage may have derived it."""
        return is_tensor(self.root) and all(map(is_tensor, self.variables))

    @property
    def indices(self) -> tuple[Any, ...]:
        """The indices of a derivative of a tensor by tensors, in the order they stand."""
        return tuple(index for part in (self.root, *self.variables) for index in indices_of(part))

    @property
    def held(self) -> tuple[str, ...]:
        return tuple(str(name) for name in self.args[2:])

    def _eval_derivative(self, _symbol: Expr) -> Expr:
        raise NotImplementedError("a partial has no .diff; derive.gradient differentiates it")

    def _latex(self, printer: Any) -> str:
        above, below = printer.doprint(self.function), printer.doprint(self.variable)
        held = "".join(printer.doprint(name) for name in self.held)
        fraction = rf"\frac{{\partial {above}}}{{\partial {below}}}"
        return rf"\left.{fraction}\right|_{{{held}}}" if held else fraction

    def doit(self, **_hints: Any) -> Expr:
        return self
