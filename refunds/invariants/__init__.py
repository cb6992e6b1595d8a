"""What must never be untrue, as queries that find nothing when all is well.

Numbers are those of the trust design. A breach in production is logged as an error, which is what pages people.
"""

from __future__ import annotations

from refunds.invariants.against_channels import paid_per_ledger
from refunds.invariants.against_clients import Told, told_per_client
from refunds.invariants.alone import AlreadyRunning
from refunds.invariants.breach import Breach
from refunds.invariants.catalogue import INVARIANTS
from refunds.invariants.process import run
from refunds.invariants.running import breaches, check, report

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
