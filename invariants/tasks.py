"""When what must never be untrue is looked at, in a process of its own: its memory and time are not the workers'."""

from core.periodic import periodic
from refunds.worker import child

#: Longer than this, and something is wrong with the run itself.
WITHIN_S = {False: 15 * 60, True: 4 * 3600}


def run(*, whole: bool) -> int:
    """Check the invariants in a child, and wait for it. Returns its exit status: 0 all hold, 1 some do not. What it finds it
    logs itself.
    """
    extent = "--whole" if whole else "--recent"
    return child.run("check_invariants", extent, "--background", within_s=WITHIN_S[whole])


@periodic("refunds.check_invariants")
def check_invariants() -> None:
    """Money whole; the audit trail and the history of steps since the last run that found nothing."""
    run(whole=False)


@periodic("refunds.check_everything")
def check_everything() -> None:
    """Every event of every chain, once a night."""
    run(whole=True)
