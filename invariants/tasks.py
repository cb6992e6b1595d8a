"""When what must never be untrue is looked at."""

from __future__ import annotations

from core.periodic import periodic
from invariants import process


@periodic("refunds.check_invariants")
def check_invariants() -> None:
    """Money whole; the audit trail and the history of steps since the last run that found nothing."""
    process.run(whole=False)


@periodic("refunds.check_everything")
def check_everything() -> None:
    """Every event of every chain, once a night."""
    process.run(whole=True)
