"""The hourly and the nightly run in a process of their own."""

from __future__ import annotations

from refunds.worker import child

#: Longer than this, and something is wrong with the run itself.
WITHIN_S = {False: 15 * 60, True: 4 * 3600}


def run(*, whole: bool) -> int:
    """Check the invariants in a child, and wait for it. Returns its exit status: 0 all hold, 1 some do not. What it finds it
    logs itself.
    """
    extent = "--whole" if whole else "--recent"
    return child.run("check_invariants", extent, "--background", within_s=WITHIN_S[whole])
