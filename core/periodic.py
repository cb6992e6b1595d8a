"""Periodic work: when beat last called for it, and when it last ran.

Kept in the database, for the broker may be what is gone. Beat calls for each piece through the broker; what nobody has called
for a worker runs by itself (``refunds.worker.watch``), and the two are kept apart here.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from celery import shared_task
from django.conf import settings
from django.db import Error, connection, models

logger = logging.getLogger(__name__)


class PeriodicWork(models.Model):
    """``called_at`` was the last run that beat called for, ``taken_up_at`` the last that a watch began without a call."""

    task = models.CharField(max_length=100, primary_key=True)
    since = models.DateTimeField()
    called_at = models.DateTimeField(null=True)
    taken_up_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.task


#: In the cache: the codes of the invariants that a check found broken within a day.
INVARIANTS_BROKEN = "invariants.broken"

#: What each task does. Safe to run at any time, by several workers at once.
WORK: dict[str, Callable[[], None]] = {}


def periodic(name: str) -> Callable[[Callable[[], None]], Any]:
    """Make a function of ours a task that beat calls for by this name."""

    def make(work: Callable[[], None]) -> Any:
        WORK[name] = work

        def called(**_: object) -> None:
            _note_call(name)
            work()

        called.__doc__ = work.__doc__
        return shared_task(name=name)(called)

    return make


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of beat's schedule."""

    task: str
    every_s: float

    @property
    def late_s(self) -> float:
        """Without a call for this long, something between beat and the workers is broken."""
        return self.every_s + max(12.0, self.every_s / 2)


def schedule() -> list[Entry]:
    """Beat's schedule."""
    return [Entry(line["task"], _seconds(line["schedule"])) for line in settings.CELERY_BEAT_SCHEDULE.values()]


def _seconds(every: object) -> float:
    """What has its hour of the day comes once a day."""
    return float(every) if isinstance(every, int | float) else 86_400.0


def begin() -> None:
    """A worker starts: what was never called for counts as missing from now on."""
    with connection.cursor() as cursor:
        for entry in schedule():
            cursor.execute(
                "INSERT INTO core_periodicwork (task, since) VALUES (%s, clock_timestamp()) ON CONFLICT DO NOTHING",
                [entry.task],
            )


def forget(task: str) -> None:
    """As if it had never run."""
    PeriodicWork.objects.filter(task=task).delete()


def _note_call(task: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO core_periodicwork (task, since, called_at) VALUES (%s, clock_timestamp(), clock_timestamp()) "
                "ON CONFLICT (task) DO UPDATE SET called_at = clock_timestamp()",
                [task],
            )
    except Error as error:
        logger.warning("beat's call for %s is not recorded: %s", task, error)


_TAKE_UP = """
UPDATE core_periodicwork SET taken_up_at = clock_timestamp()
 WHERE task = %s
   AND coalesce(called_at, since) < clock_timestamp() - make_interval(secs => %s)
   AND (taken_up_at IS NULL OR taken_up_at < clock_timestamp() - make_interval(secs => %s))
RETURNING extract(epoch FROM clock_timestamp() - coalesce(called_at, since))
"""


def take_up(entry: Entry) -> float | None:
    """Claim a piece of work that nobody has called for in time; of several workers one gets it.

    Returns the seconds without a call, or None where there is nothing to take up.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_UP, [entry.task, entry.late_s, entry.every_s])
        row = cursor.fetchone()
    return float(row[0]) if row else None


def note_taken_up(task: str) -> None:
    """It runs now without a call."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE core_periodicwork SET taken_up_at = clock_timestamp() WHERE task = %s", [task])


@dataclass(frozen=True, slots=True)
class Seen:
    """Seconds since a piece of work was called for, and since it ran, called for or not; None: never."""

    called_s: float | None
    ran_s: float | None


def seen() -> dict[str, Seen]:
    """What is known of each task of the schedule that a worker has begun with."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT task, extract(epoch FROM clock_timestamp() - called_at)::float, "
            "extract(epoch FROM clock_timestamp() - greatest(called_at, taken_up_at))::float FROM core_periodicwork"
        )
        return {task: Seen(called_s, ran_s) for task, called_s, ran_s in cursor.fetchall()}
