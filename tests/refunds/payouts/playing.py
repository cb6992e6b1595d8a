"""Payouts as time goes by: a clock of our own, to the second, that leaves out the seconds in which nothing falls due."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Min

from refunds import payouts
from refunds.models import Execution


def play(channel: Any, *, start: datetime, until: timedelta) -> datetime:
    """Claim whatever falls due, one a second, and settle it with the channel's answer.

    Returns:
        The last second.
    """
    at, end = start, start + until
    while True:
        for claimed in payouts.claim(limit=1, at=at):
            payouts.settle([payouts.ask(claimed, channel)], at=at)
        due = Execution.objects.aggregate(next=Min("due_at"))["next"]
        # What is due still, or was put off, has its turn in the second after.
        seconds = max(1, math.ceil((due - at).total_seconds())) if due else math.inf
        if seconds > (end - at).total_seconds():
            return end
        at += timedelta(seconds=seconds)
