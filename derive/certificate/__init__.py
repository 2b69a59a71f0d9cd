"""Certificates: the evidence for a derivation in a file, which can be verified without deriving."""

from derive.certificate.document import Certificate
from derive.certificate.faults import Fault
from derive.certificate.recheck import Recheck, recheck
from derive.certificate.writing import certify

__all__ = ["Certificate", "Fault", "Recheck", "certify", "recheck"]
