"""The drain loop: claim a batch, ask the channels from many threads over kept connections, settle in batches.

PostgreSQL is the queue. A Celery task is only the doorbell that starts the loop; one loop runs in a process, and a bell that
rings meanwhile is heard by it. The loop's own thread does all the database work; the pool's threads only talk to channels.
"""

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from core import clock, doorbell
from core.failpoints import failpoint
from payment_channels.contract import CredentialsInvalid, ProfileInvalid, RefundChannel, Refused, Retry, Unknown
from refunds.payouts import NOT_STORABLE, Answer, Claimed, ask, claim, settle, wake
from refunds.payouts.adapters import adapter_for
from refunds.payouts.breaker import Breakers
from refunds.payouts.settling import call_people

logger = logging.getLogger(__name__)

Found = TypeVar("Found")

TASK = "refunds.execute"

#: Set when the process is asked to end: the loop claims nothing more and settles what is in the air.
stopping = threading.Event()

#: What this process has learned of the channels' health.
breakers = Breakers()

_running = threading.Lock()
_rung_again = threading.Event()

#: What a loop waits for: a channel's answer with the channel it came from, or None for a bell.
Inbox = queue.SimpleQueue[tuple[str, Answer] | None]

#: The inbox of the loop that runs, or of the last one.
_inbox: Inbox = queue.SimpleQueue()

_GATHER_S = 0.02
_IDLE_CLAIM_S = 0.1

#: What a database says that restarts, or whose connection was cut: it is asked again after a moment.
_DATABASE_AWAY = (OperationalError, InterfaceError)
_DATABASE_AGAIN_S = 0.5


@dataclass(slots=True)
class Drained:
    """What one run of the loop did."""

    claimed: int = 0
    settled: int = 0


def drain() -> Drained:
    """Work until nothing is due. Returns at once if this process is already draining; that loop then looks again, at once if it
    only waits for channels.
    """
    _rung_again.set()
    total = Drained()
    while _rung_again.is_set() and not stopping.is_set():
        if not _running.acquire(blocking=False):
            _inbox.put(None)
            return total
        try:
            _rung_again.clear()
            doorbell.answered(TASK)
            done = _drain_once()
            total.claimed += done.claimed
            total.settled += done.settled
        finally:
            _running.release()
    return total


def drain_in_turn() -> Drained:
    """The same for the sandbox behind whose wall this thread works, by its clock, and whatever other loops do meanwhile."""
    done = Drained()
    while not stopping.is_set() and (batch := claim(limit=settings.EXECUTION_WIDTH, at=clock.now())):
        answers: Inbox = queue.SimpleQueue()
        for claimed in batch:
            _start(claimed, answers)
        arrived = [answers.get(timeout=settings.EXECUTION_LEASE_S) for _ in batch]
        _settle([one[1] for one in arrived if one is not None])
        done.claimed, done.settled = done.claimed + len(batch), done.settled + len(arrived)
    return done


def end(*, within_s: float) -> bool:
    """Claim nothing more and wait, for ``within_s`` seconds at most, until what is in the air is settled.

    The loop may run in a thread that nobody else waits for. A process that went before it would leave payouts to their lease.

    Returns:
        Whether no loop runs any more.
    """
    stopping.set()
    if ended := _running.acquire(timeout=within_s):
        _running.release()
    return ended


def _drain_once() -> Drained:
    global _inbox
    width: int = settings.EXECUTION_WIDTH
    # An inbox of its own: a loop that broke off leaves answers behind that this one does not count.
    answers = _inbox = queue.SimpleQueue()
    done, in_flight, empty_since = Drained(), Counter[str](), 0.0
    while True:
        # A bell: something may be due, and a channel that keeps us waiting must not hold up the others' refunds.
        wait_over = _rung_again.is_set() or time.monotonic() - empty_since >= _IDLE_CLAIM_S
        if not stopping.is_set() and (in_flight.total() == 0 or wait_over):
            batch = _claim_beside(in_flight, width)
            failpoint("execution.after_claim")
            for claimed in batch:
                _start(claimed, answers)
            in_flight.update(claimed.channel for claimed in batch)
            done.claimed += len(batch)
            if not batch and _rung_again.is_set():
                # While there is work the loop looks anyway, and bells stay unanswered and unrung. Now they count again; what came
                # before they did is found by looking once more.
                _rung_again.clear()
                doorbell.answered(TASK)
                continue
            empty_since = 0.0 if batch else time.monotonic()
        if in_flight.total() == 0:
            return done
        gathered = _gather(answers, most=2 * width)
        if not gathered:
            continue
        _patiently(partial(_settle, [answer for _, answer in gathered]))
        failpoint("execution.after_commit")
        recovered = {answer.account_id for _, answer in gathered if breakers.note(answer.account_id, answer.outcome)}
        if recovered:
            wake(recovered, at=timezone.now())
        in_flight.subtract(channel for channel, _ in gathered)
        done.settled += len(gathered)


def _claim(in_flight: Counter[str], width: int) -> list[Claimed]:
    """A batch for the channels with room, and a probe for each account that is down when its time has come.

    Twice the width is kept in hand, so that no thread waits for the database; half of that at a time makes a batch.
    """
    now = timezone.now()
    full = [channel for channel, count in in_flight.items() if count > width]
    batch = claim(limit=width, at=now, not_accounts=breakers.open_accounts(), not_channels=full)
    for account_id in breakers.due_probes():
        batch += claim(limit=1, at=now, only_account=account_id)
        call_people(account_id=account_id, at=now)
    return batch


def _claim_beside(in_flight: Counter[str], width: int) -> list[Claimed]:
    """Nothing while the database is away and answers are awaited: the loop must live to write those down."""
    try:
        return _claim(in_flight, width)
    except _DATABASE_AWAY as error:
        if in_flight.total() == 0:
            raise
        logger.warning("nothing is claimed, the database is away: %s", error)
        connection.close()
        return []


def _patiently(work: Callable[[], Found]) -> Found:
    """What the work gives. A database that restarts must cost neither the answers in hand, whose payouts would rest until the
    lease has expired, nor make an account look unusable.

    Raises:
        OperationalError, InterfaceError: it was away for as long as the lease, or this process is asked to end.
    """
    until = time.monotonic() + settings.EXECUTION_LEASE_S
    while True:
        try:
            return work()
        except _DATABASE_AWAY as error:
            if stopping.is_set() or time.monotonic() > until:
                raise
            logger.warning("the loop waits, the database is away: %s", error)
            connection.close()
            time.sleep(_DATABASE_AGAIN_S)


def _settle(answers: list[Answer]) -> None:
    """All in one commit; where one of them cannot be stored, one by one, so that it stops only itself."""
    try:
        settle(answers, at=clock.now())
    except NOT_STORABLE:
        for answer in answers:
            try:
                settle([answer], at=clock.now())
            except NOT_STORABLE:
                logger.exception(
                    "the answer about execution %s cannot be stored; it is asked again", answer.execution_id
                )


def _gather(answers: Inbox, *, most: int) -> list[tuple[str, Answer]]:
    """Wait for one answer, then a moment for those that come with it: one commit for all of them. A bell ends the waiting."""
    gathered: list[tuple[str, Answer]] = []
    until = time.monotonic() + _IDLE_CLAIM_S
    while len(gathered) < most:
        try:
            arrived = answers.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            break
        if arrived is None:
            break
        if not gathered:
            until = time.monotonic() + _GATHER_S
        gathered.append(arrived)
    return gathered


def _start(claimed: Claimed, answers: Inbox) -> None:
    """Hand a payout to its channel's threads. The adapter is built here: only this thread touches the database."""
    try:
        adapter = _patiently(partial(adapter_for, claimed.account_id, claimed.account_revision))
    except (CredentialsInvalid, ProfileInvalid) as error:
        logger.error("channel account %s cannot be used: %s", claimed.account_id, error)  # noqa: TRY400 - the error says it all
        answers.put((claimed.channel, _not_mended(claimed, str(error))))
        return
    except _DATABASE_AWAY:
        # Says nothing about the account. What was claimed is free again when its lease has expired.
        raise
    except Exception as error:  # credentials that do not open, a channel nobody knows: the other accounts must go on
        logger.exception("channel account %s cannot be used", claimed.account_id)
        answers.put((claimed.channel, _not_mended(claimed, type(error).__name__)))
        return
    _pool(claimed.channel).submit(lambda: answers.put((claimed.channel, _ask(claimed, adapter))))


def _ask(claimed: Claimed, adapter: RefundChannel) -> Answer:
    """A fault of our own must not leave a payout without an answer: it becomes an unknown outcome, which is asked about."""
    try:
        return ask(claimed, adapter)
    except Exception as error:
        logger.exception("asking the channel about %s failed", claimed.order.refund_no)
        return _not_asked(claimed, error)


def _not_mended(claimed: Claimed, message: str) -> Answer:
    """The account cannot be used, so that nothing left: what was to be sent waits until the account is put right."""
    outcome: Refused | Unknown = Unknown(code="account_unusable", message=message, remedy="check_keys")
    if claimed.send:
        outcome = Refused(code="account_unusable", message=message, retry=Retry.AFTER_MENDING, remedy="check_keys")
    return Answer(claimed.execution_id, claimed.request_id, claimed.account_id, outcome, "answer", turn=claimed.turn)


def _not_asked(claimed: Claimed, error: Exception) -> Answer:
    outcome = Unknown(code="adapter_error", message=type(error).__name__)
    return Answer(claimed.execution_id, claimed.request_id, claimed.account_id, outcome, "answer", turn=claimed.turn)


@lru_cache(maxsize=16)
def _pool(channel: str) -> ThreadPoolExecutor:
    """The threads of one channel: one that keeps its callers waiting holds up nobody else's."""
    return ThreadPoolExecutor(max_workers=settings.EXECUTION_WIDTH, thread_name_prefix=f"channel-{channel}")
