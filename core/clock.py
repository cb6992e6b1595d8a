"""What time it is for a merchant. For everybody but a sandbox that is the time; a sandbox's clock may run ahead (ADR 0043).

What keeps days and deadlines of sales and refunds asks here; signatures, sessions, keys and rate limits live in real time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta

from django.utils import timezone

#: The periodic work that sees to sandboxes whose clocks run ahead.
SANDBOXES = "integrations.sandboxes"

_NOT = timedelta()
_ahead: ContextVar[timedelta] = ContextVar("clock_ahead", default=_NOT)


def now() -> datetime:
    """This instant, aware, by the clock of the merchant for whom this thread works."""
    ahead = _ahead.get()
    return timezone.now() + ahead if ahead else timezone.now()


def ahead() -> timedelta:
    """How far that clock is ahead of the time."""
    return _ahead.get()


def run_ahead(by: timedelta = _NOT) -> None:
    """From here on this thread works for a merchant whose clock is ahead by so much; nothing: for everybody else."""
    _ahead.set(by)


@contextmanager
def running_ahead(by: timedelta) -> Iterator[None]:
    """Work for a merchant whose clock is ahead by so much."""
    token = _ahead.set(by)
    try:
        yield
    finally:
        _ahead.reset(token)
