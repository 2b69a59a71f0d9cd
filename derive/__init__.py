"""Derives gradients in index notation, line by line, each line justified and checked.

>>> import derive
>>> found = derive.gradient("s_i = exp(x_i)/(1_j exp(x_j)); c = -log(s_T)", wrt="x")
>>> found.result
-KroneckerDelta(T, n) + s[n]
>>> [stage.title for stage in found.stages][-1]
'Derivative of c with respect to x'
"""

from derive.api import Derivation, derivation, gradient, load
from derive.calculus.derivation import Line, Stage, Step
from derive.calculus.rule import Rule
from derive.errors import DeriveError
from derive.expressions import Contraction, Equation, Graph, Index, One, Partial, contract, tensor
from derive.problems import catalogue

__all__ = [
    "Contraction",
    "Derivation",
    "DeriveError",
    "Equation",
    "Graph",
    "Index",
    "Line",
    "One",
    "Partial",
    "Rule",
    "Stage",
    "Step",
    "catalogue",
    "contract",
    "derivation",
    "gradient",
    "load",
    "tensor",
]
