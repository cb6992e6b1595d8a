"""When drafts are tried and ride along."""

from django.utils import timezone

from analytics.trials import running, shadow
from core.periodic import periodic
from refunds.worker import child

#: Longer than this, and something is wrong with the trial itself.
WITHIN_S = 15 * 60


@periodic(running.TASK)
def policy_trials() -> None:
    """Drafts that ride along, here; trials, which take a processor for a while, in a process of their own."""
    shadow.work(at=timezone.now())
    if running.is_due():
        child.run("try_policies", within_s=WITHIN_S)
