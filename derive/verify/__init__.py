"""Evidence: every line of a derivation checked numerically, by nothing that the rules use."""

from derive.verify.check import TOLERANCE, verify
from derive.verify.evaluate import Compiled, Compiler, EvaluationError, Values
from derive.verify.oracle import Oracle
from derive.verify.report import LineReport, Report, StageReport
from derive.verify.sample import Sample, draw

__all__ = [
    "TOLERANCE",
    "Compiled",
    "Compiler",
    "EvaluationError",
    "LineReport",
    "Oracle",
    "Report",
    "Sample",
    "StageReport",
    "Values",
    "draw",
    "verify",
]
