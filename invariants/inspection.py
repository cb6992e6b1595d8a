"""What must never be untrue, as queries that find nothing when all is well.

Numbers are those of the trust design. A breach in production is logged as an error, which is what pages people.
"""

from __future__ import annotations

from invariants.against_channels import paid_per_ledger
from invariants.against_clients import Told, told_per_client
from invariants.alone import AlreadyRunning
from invariants.breach import Breach
from invariants.catalogue import INVARIANTS
from invariants.process import run
from invariants.running import breaches, check, report

__all__ = [
    "INVARIANTS",
    "AlreadyRunning",
    "Breach",
    "Told",
    "breaches",
    "check",
    "paid_per_ledger",
    "report",
    "run",
    "told_per_client",
]
