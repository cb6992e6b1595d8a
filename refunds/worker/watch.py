"""Periodic work when beat is overdue.

Beat calls for everything periodic through the broker. A worker whose consumer stalled after a broker's trouble receives nothing,
and through a broker that is gone nobody does. What is due lies in the database all the same: what beat has not called for in
time, a worker runs by itself.
"""

import logging
import threading
from collections.abc import Callable, Iterable

from django.db import Error, connection

from core import periodic
from refunds.payouts import loop

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 3.0
#: What a worker begins with: it may have fallen due while none ran.
AT_ONCE = ("refunds.sweep", "refunds.reconcile")

#: What was started in this process and is not done: never twice at a time.
_in_hand: set[str] = set()


def start(*, also: Callable[[], None]) -> None:
    """Watch from a thread of this process until it is asked to end, looking at ``also`` each time."""
    threading.Thread(target=_watch, args=[also], name="watch", daemon=True).start()


def _watch(also: Callable[[], None]) -> None:
    begun = False
    while not loop.stopping.wait(LOOK_EVERY_S if begun else 0):
        also()
        try:
            if not begun:
                periodic.begin()
                begun = True
            look()
        except Error as error:  # gone, perhaps: the next look tries again
            logger.warning("beat watch: the database does not answer: %s", error)
            connection.close()
            loop.stopping.wait(LOOK_EVERY_S)


def look() -> None:
    """Run what beat has not called for in time. Raises ``django.db.Error``."""
    for entry in periodic.schedule():
        if entry.task in _in_hand or entry.task not in periodic.WORK:
            continue
        if (silent_s := periodic.take_up(entry)) is not None:
            logger.warning("beat overdue: %s not called for %.0f s; running it without a call", entry.task, silent_s)
            _run_apart([entry.task])


def begin_at_once() -> None:
    """What fell due while no worker ran is found now, not at beat's next stroke. Returns at once."""
    _run_apart(AT_ONCE)


def _run_apart(tasks: Iterable[str]) -> None:
    """Each in a thread of its own: one that takes long must not keep the others waiting."""
    for task in tasks:
        _in_hand.add(task)
        threading.Thread(target=_run, args=[task], name=f"watch-{task}", daemon=True).start()


def _run(task: str) -> None:
    try:
        periodic.note_taken_up(task)
        periodic.WORK[task]()
    except Exception:  # the database may be what is gone: the next look tries again
        logger.exception("periodic task %s failed", task)
    finally:
        connection.close()
        _in_hand.discard(task)
