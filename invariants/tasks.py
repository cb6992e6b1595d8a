"""When what must never be untrue is looked at, in a process of its own: its memory and time are not the workers'."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time

from django.conf import settings

from core.periodic import periodic
from refunds.payouts import loop

logger = logging.getLogger(__name__)

#: Longer than this, and something is wrong with the run itself.
WITHIN_S = {False: 15 * 60, True: 4 * 3600}
_LOOK_EVERY_S = 0.5


def run(*, whole: bool) -> int:
    """Check the invariants in a child, and wait for it. Returns its exit status: 0 all hold, 1 some do not.

    What it finds it logs itself, on our own stderr. It is ended when it takes too long, and when this worker is to end.
    """
    argv = [sys.executable, "-m", "django", "check_invariants", "--whole" if whole else "--recent", "--background"]
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    until = time.monotonic() + WITHIN_S[whole]
    with subprocess.Popen(argv, env=env, cwd=settings.BASE_DIR, stdout=subprocess.DEVNULL) as child:
        while child.poll() is None:
            if time.monotonic() > until:
                logger.error("invariants: the run timed out after %s s and is killed", WITHIN_S[whole])
                child.kill()
            elif loop.stopping.wait(_LOOK_EVERY_S):
                child.terminate()
                child.wait()
    return child.returncode


@periodic("refunds.check_invariants")
def check_invariants() -> None:
    """Money whole; the audit trail and the history of steps since the last run that found nothing."""
    run(whole=False)


@periodic("refunds.check_everything")
def check_everything() -> None:
    """Every event of every chain, once a night."""
    run(whole=True)
