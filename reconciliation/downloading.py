"""Fetching statements when they are due: one account and day at a time, the network outside of any transaction.

A day is a row with a due time, claimed under a lease like a payout: two workers never fetch the same, and a worker that dies
leaves the day to the next. Channels that are still making a statement are asked again, ever less often.
"""

import logging
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from core.errors import DomainError
from merchants import channels
from merchants.models import ChannelAccount
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may
from payment_channels.contract import BillCorrupt, BillUnavailable
from reconciliation import days, funds, importing, matching
from reconciliation.days import Habits
from reconciliation.importing import Imported
from reconciliation.models import ReconciliationDay
from reconciliation.models.bill import DayState
from refunds.models import Execution

logger = logging.getLogger(__name__)

#: How far back a new account's or a long stopped installation's statements are fetched by themselves.
BACKLOG_DAYS = 7

#: Until the next try, by how often was asked; the last repeats.
_BACKOFF = (
    timedelta(minutes=5),
    timedelta(minutes=10),
    timedelta(minutes=20),
    timedelta(minutes=30),
    timedelta(hours=1),
)
#: Some channels say "no statement" both while it is being made and when nothing happened: after this it is the latter.
_EMPTY_AFTER = timedelta(hours=12)
_GIVE_UP_AFTER = timedelta(days=10)
_LEASE = timedelta(minutes=5)
#: Open days this young are compared anew while payouts of theirs are in flight.
_WATCHED = timedelta(days=35)


#: So long after its last payout the statements of an account that is no longer in use are fetched.
_STILL_MOVES = timedelta(days=BACKLOG_DAYS + 5)


class DownloadFailed(DomainError, code="bill_unavailable"):
    """The statement is not to be had now; ``code`` is the channel's."""


def work(*, at: datetime) -> int:
    """Open the days that have come, fetch what is due, compare again what waits for payouts. Returns statements taken in."""
    plan(at=at)
    taken = 0
    while (day_id := _claim(at)) is not None:
        try:
            fetch(day_id=day_id, at=at)
            taken += 1
        except DownloadFailed as error:
            logger.info("no statement for day %s yet: %s", day_id, error.code)
    funds.work(at=at)
    _compare_waiting(at)
    return taken


def plan(*, at: datetime) -> None:
    """A row for every day whose bill can be there by now, of every account in use or through which money still moves."""
    moves = Execution.objects.filter(channel_account=OuterRef("pk")).filter(
        Q(due_at__isnull=False) | Q(first_sent_at__gte=at - _STILL_MOVES)
    )
    accounts = (
        # A sandbox keeps no books: its stand-in's statements are everybody's.
        ChannelAccount.objects.filter(channel__in=channels.with_statements(), merchant__sandbox_of=None)
        .filter(Q(is_active=True) | Exists(moves))
        .defer("sealed_credentials")
    )
    rows = []
    for account in accounts:
        habits = Habits(account.usable_profile)
        today = habits.day_of(at)
        for back in range(1, BACKLOG_DAYS + 1):
            day = today - timedelta(days=back)
            if habits.bill_at(day) <= at:
                due_at = habits.bill_at(day)
                rows.append(
                    ReconciliationDay(merchant_id=account.merchant_id, channel_account=account, date=day, due_at=due_at)
                )
    ReconciliationDay.objects.bulk_create(rows, ignore_conflicts=True)


def fetch_now(*, account: ChannelAccount, day: date, by: Principal, at: datetime) -> Imported:
    """Fetch a day's statement at once, for people, and the fund flow beside it. Raises ``Forbidden``, ``DownloadFailed`` or
    ``DayClosed``.
    """
    check_may(Act.TAKE_STATEMENT, by=by, subject=Subject(merchant_id=account.merchant_id, store_id=None))
    day_id = days.day_made(account=account, day=day).pk
    imported = fetch(day_id=day_id, at=at)
    funds.fetch_quietly(day_id=day_id, at=at)
    return imported


def fetch(*, day_id: int, at: datetime) -> Imported:
    """Fetch a day's statement, take it in, compare. Raises ``DownloadFailed`` or ``DayClosed``."""
    day = ReconciliationDay.objects.select_related("channel_account").get(pk=day_id)
    if day.state == DayState.CLOSED:
        raise days.DayClosed("this day is closed; reopen it first")
    account = day.channel_account
    try:
        with importing.statements_of(account).download_bill(day=day.date) as statement:
            return importing.store(day_id=day_id, statement=statement, at=at)
    except BillUnavailable as error:
        if error.empty and (not error.later or at - days.habits_for(day).bill_at(day.date) >= _EMPTY_AFTER):
            return importing.store_empty(day_id=day_id, at=at)
        _failed(day, error.code, error.message, later=error.later, at=at)
        raise DownloadFailed(error.message, code=error.code) from error
    except BillCorrupt as error:
        # Damaged on the way, mostly: a fresh download is worth a try.
        _failed(day, "bill_unreadable", str(error), later=True, at=at)
        raise DownloadFailed(str(error), code="bill_unreadable") from error
    except (importing.BillOfAnotherDay, importing.AccountUnusable) as error:
        _failed(day, error.code, error.message, later=False, at=at)
        raise DownloadFailed(error.message, code=error.code) from error


@transaction.atomic
def _claim(at: datetime) -> int | None:
    day = (
        ReconciliationDay.objects.select_for_update(skip_locked=True)
        .filter(due_at__lte=at, state=DayState.OPEN)
        .order_by("due_at", "pk")
        .first()
    )
    if day is None:
        return None
    day.due_at = at + _LEASE
    day.save(update_fields=["due_at"])
    return day.pk


def _failed(day: ReconciliationDay, code: str, message: str, *, later: bool, at: datetime) -> None:
    given_up = at - days.habits_for(day).bill_at(day.date) > _GIVE_UP_AFTER
    wait = _BACKOFF[min(day.attempts, len(_BACKOFF) - 1)]
    ReconciliationDay.objects.filter(pk=day.pk, state=DayState.OPEN).update(
        attempts=day.attempts + 1,
        last_error=code[:60],
        last_error_message=message[:300],
        due_at=at + wait if later and not given_up else None,
    )


def _compare_waiting(at: datetime) -> None:
    found = ReconciliationDay.objects.filter(
        state=DayState.OPEN, bill__isnull=False, pending__gt=0, date__gte=(at - _WATCHED).date()
    )
    for day_id in found.order_by("date").values_list("pk", flat=True):
        try:
            matching.recompare(day_id=day_id, at=at)
        except days.DayClosed:
            continue
