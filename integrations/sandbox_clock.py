"""The clock of a sandbox: moved on by a test key, and what falls due on the way happens in its order, as it would have in time.

Whatever is due in a sandbox is due by its own clock, which is ahead; workers that go by the time find nothing of it. It is worked
off here, behind the sandbox's wall, so that no stage can touch what is anybody else's. A process that dies on the way
leaves the clock where it was, with its goal, and any worker goes on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from core import clock, tenant_wall
from core.audit.record import record
from core.errors import Conflict, FieldError, Invalid, existing
from integrations import sandbox
from merchants.models import Merchant
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may
from refunds.follow_up import survey
from refunds.goods import returns
from refunds.intake import batches
from refunds.payouts import loop, notices, second_leg
from refunds.review import deciding, escalating
from refunds.telling import outbox
from refunds.worker import confirming

logger = logging.getLogger(__name__)

#: A shorter move is no move: clocks of one installation differ by as much. And how far ahead a clock may be in all.
LEAST, MOST = timedelta(minutes=1), timedelta(days=3 * 366)
#: A way is gone in at most so many steps; what falls due within one is done at its end, stage by stage, as a sweep does it.
_STEPS = 1_000
_SHORTEST_STEP = timedelta(seconds=1)
#: Channels live in real time: what they work on, or hold, they are asked about so often on a way, not every two minutes of it.
_ASKED = 24
#: What happens may lead to more that is due at once.
_CHAIN = 6
#: So long a call waits for the clock to arrive; then a worker goes on.
BUDGET_S = 20.0


class NoWall(Conflict, code="sandbox_clock_unavailable"):
    """There is no second wall here, and without it time would pass for everybody."""


class Advancing(Conflict, code="clock_is_advancing"):
    """The clock is still on its way."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a sandbox's clock stands; ``target_at`` while it is on its way there."""

    now_at: datetime
    ahead: timedelta
    target_at: datetime | None


def standing(*, by: Principal) -> Standing:
    """Raises ``Forbidden``."""
    sandbox.check_test(by)
    check_may(Act.READ_REFUNDS, by=by)
    return _standing(by.acting_for)


def standing_of(twin: Merchant) -> Standing:
    """What a sandbox's clock says, how far it is ahead, and where it is on its way to."""
    return Standing(timezone.now() + twin.clock_ahead, twin.clock_ahead, twin.clock_target_at)


def _standing(merchant_id: int) -> Standing:
    return standing_of(Merchant.objects.get(pk=merchant_id))


def aim(*, advance: timedelta, by: Principal) -> Standing:
    """Say how far the clock moves on; ``run`` moves it. Raises ``Forbidden``, ``Invalid``, ``NoWall`` or ``Advancing``."""
    sandbox.check_test(by)
    check_may(Act.SUBMIT, by=by)
    return _aim(advance=advance, by=by)


def aim_for_staff(*, advance: timedelta, by: Principal) -> Standing:
    """The same, of their merchant's sandbox, for those who make its keys; a worker moves it. Raises ``NotFound`` besides, where
    there is no sandbox yet.
    """
    check_may(Act.MANAGE_KEYS, by=by, subject=Subject(merchant_id=by.acting_for, store_id=None))
    twin = existing(sandbox.of_merchant(by.acting_for), "sandbox")
    with tenant_wall.outside():
        return _aim(advance=advance, by=sandbox.in_sandbox(by, twin))


@transaction.atomic
def _aim(*, advance: timedelta, by: Principal) -> Standing:
    if not tenant_wall.stands():
        raise NoWall("the tenant wall does not stand")
    row = Merchant.objects.select_for_update(of=("self",), no_key=True).get(pk=by.acting_for)
    if not LEAST <= advance <= MOST - row.clock_ahead:
        raise Invalid(
            "from a minute to three years", code="advance_invalid", errors=[FieldError("advance", "advance_invalid")]
        )
    if row.clock_target_at is not None:
        raise Advancing("the clock is on its way", target_at=row.clock_target_at.isoformat())
    now = timezone.now() + row.clock_ahead
    row.clock_target_at = now + advance
    row.save(update_fields=["clock_target_at"])
    record(
        merchant_id=row.pk,
        by=by.actor,
        action="sandbox.clock",
        object_type="merchant",
        object_id=row.pk,
        at=now,
        data={"from": now.isoformat(), "to": row.clock_target_at.isoformat()},
    )
    return Standing(now, row.clock_ahead, row.clock_target_at)


def run(merchant_id: int, *, budget_s: float = BUDGET_S) -> Standing:
    """Work off what is due in a sandbox, and move its clock on to its goal for at most so long."""
    until = time.monotonic() + budget_s
    with _alone(merchant_id, until) as alone:
        if alone:
            with tenant_wall.within(merchant_id):
                _run(merchant_id, until)
    return _standing(merchant_id)


def work() -> None:
    """Every sandbox whose clock is not the time."""
    if not tenant_wall.stands():
        return
    ahead = Merchant.objects.filter(Q(clock_ahead__gt=timedelta()) | Q(clock_target_at__isnull=False))
    for merchant_id in ahead.order_by("pk").values_list("pk", flat=True):
        try:
            run(merchant_id, budget_s=5.0)
        except Exception:  # trouble in one sandbox must not keep the others from running
            logger.exception("sandbox %s: its clock could not be worked off", merchant_id)


def _run(merchant_id: int, until: float) -> None:
    stand = _standing(merchant_id)
    with clock.running_ahead(stand.ahead):
        for stage in _STAGES:
            stage.run(clock.now())
    if stand.target_at is None:
        return
    at, way = stand.now_at, stand.target_at - stand.now_at
    width, ask_from = max(way / _STEPS, _SHORTEST_STEP), at + way / _ASKED
    due = _due(at)
    while time.monotonic() < until:
        nearest = min(_asked_from(ask_from, due).values(), default=stand.target_at)
        if nearest >= stand.target_at:
            break
        before, at = at, min(max(nearest, at + width), stand.target_at)
        due = _step(merchant_id, before, at, ask_from, due)
        if at >= ask_from:
            ask_from = at + way / _ASKED
    else:
        return
    _step(merchant_id, at, stand.target_at, stand.target_at, due)
    Merchant.objects.filter(pk=merchant_id).update(clock_target_at=None)


def _step(merchant_id: int, before: datetime, at: datetime, ask_from: datetime, due: _Instants) -> _Instants:
    """Set the clock, and do what fell due since ``before``, which is ``due``, and what that led to. Returns what is due next."""
    ahead = at - timezone.now()
    Merchant.objects.filter(pk=merchant_id).update(clock_ahead=ahead)
    with clock.running_ahead(ahead):
        for _ in range(_CHAIN):
            ready = [stage for stage, due_at in _asked_from(ask_from, due).items() if due_at <= at]
            if not ready:
                break
            for stage in ready:
                stage.run(at)
            due = _due(before)
    # What is still due by then waits for something else, and is looked at no more.
    return due if all(due_at > at for due_at in due.values()) else _due(at)


@dataclass(frozen=True, slots=True)
class _Stage:
    """``due``: where its instants stand, as (table, column, condition of those that still wait). ``asks``: about what a channel
    has had before.
    """

    run: Callable[[datetime], Any]
    due: tuple[tuple[str, str, str], ...]
    asks: bool = False


_Instants = Mapping[_Stage, datetime]

_REQUEST, _PAYOUT = "refunds_refundrequest", "refunds_execution"
_OVERDUE = "escalated_at IS NULL AND (state = 'in_review' OR state = 'waiting_goods' AND paused_at IS NULL)"
_LAPSES = f"filed_at + interval '{batches.LAPSES_AFTER.days} days'"

#: In the order of a sweep.
_STAGES: tuple[_Stage, ...] = (
    _Stage(lambda at: notices.apply_waiting(at=at), (("refunds_channelnotice", "received_at", "applied_at IS NULL"),)),
    _Stage(lambda _: confirming.work(), ((_REQUEST, "step_due_at", "state = 'verifying'"),)),
    _Stage(
        lambda _: batches.work(),
        (
            ("refunds_refundbatch", "starts_at", "state = 'confirmed'"),
            ("refunds_refundbatch", _LAPSES, "state = 'ready'"),
        ),
    ),
    _Stage(lambda _: loop.drain_in_turn(), ((_PAYOUT, "due_at", "state = 'ready'"),)),
    _Stage(lambda _: loop.drain_in_turn(), ((_PAYOUT, "due_at", "state <> 'ready'"),), asks=True),
    _Stage(
        lambda at: returns.give_up_late(at=at),
        (("refunds_goodsreturn", "due_at", "state IN ('awaited', 'on_its_way')"),),
    ),
    _Stage(lambda at: escalating.work(at=at), ((_REQUEST, "due_at", _OVERDUE),)),
    _Stage(lambda at: deciding.lapse_firsts(at=at), (("refunds_approval", "lapses_at", "true"),)),
    _Stage(lambda at: survey.work(at=at), ((_REQUEST, "step_due_at", "state IN ('refunded', 'follow_up')"),)),
    _Stage(lambda at: second_leg.ask_due(at=at), ((_PAYOUT, "second_leg_due_at", "state = 'succeeded'"),), asks=True),
    _Stage(
        lambda at: outbox.work(at=at),
        (
            ("refunds_outboxmessage", "due_at", "state = 'pending'"),
            ("refunds_notification", "due_at", "state = 'pending'"),
        ),
    ),
)


def _earliest(stage: _Stage) -> str:
    found = ", ".join(
        f"(SELECT min({column}) FROM {table} WHERE {column} > %(after)s AND {condition})"
        for table, column, condition in stage.due
    )
    return f"least({found})"


_EARLIEST = f"SELECT {', '.join(map(_earliest, _STAGES))}"


def _due(after: datetime) -> _Instants:
    """When each stage has something to do after an instant."""
    with connection.cursor() as cursor:
        cursor.execute(_EARLIEST, {"after": after})
        found = zip(_STAGES, cursor.fetchone(), strict=True)
    return {stage: at for stage, at in found if at is not None}


def _asked_from(instant: datetime, due: _Instants) -> _Instants:
    """The same, where channels are asked again from an instant on."""
    return {stage: max(at, instant) if stage.asks else at for stage, at in due.items()}


@contextmanager
def _alone(merchant_id: int, until: float) -> Iterator[bool]:
    """Whether this thread, of all processes', sees to the sandbox now; another is waited for until then."""
    lock = partial(_locked, key=f"sandbox clock {merchant_id}")
    while not (got := lock("pg_try_advisory_lock")) and time.monotonic() < until:
        time.sleep(0.05)
    try:
        yield got
    finally:
        if got:
            lock("pg_advisory_unlock")


def _locked(function: str, *, key: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [key])
        return bool(cursor.fetchone()[0])
