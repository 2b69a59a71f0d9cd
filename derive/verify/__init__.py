"""Evidence: every line of a derivation checked numerically, by nothing that the rules use."""

from derive.verify.account import Account
from derive.verify.check import verify
from derive.verify.evaluate import Compiled, Compiler, EvaluationError, Values
from derive.verify.kept import kept_report, verified
from derive.verify.mutation import PowerReport, StagePower, power
from derive.verify.oracle import Oracle
from derive.verify.report import LineReport, Report, StageReport
from derive.verify.sample import Sample, draw
from derive.verify.trial import TOLERANCE, Claim, Settings, Trial, best_trial
from derive.verify.witness import Witness, witness

__all__ = [
    "TOLERANCE",
    "Account",
    "Claim",
    "Compiled",
    "Compiler",
    "EvaluationError",
    "LineReport",
    "Oracle",
    "PowerReport",
    "Report",
    "Sample",
    "Settings",
    "StagePower",
    "StageReport",
    "Trial",
    "Values",
    "Witness",
    "best_trial",
    "draw",
    "kept_report",
    "power",
    "verified",
    "verify",
    "witness",
]
