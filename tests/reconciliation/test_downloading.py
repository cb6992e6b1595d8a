"""When statements are fetched, and what a channel without one means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from core.errors import Forbidden
from merchants.models import ChannelAccount, Role
from merchants.principals import of_staff
from payment_channels.contract import BillCorrupt, BillUnavailable
from reconciliation import downloading, importing
from reconciliation.downloading import BACKLOG_DAYS, DownloadFailed
from reconciliation.models import ReconciliationDay
from tests.factories import make_staff
from tests.reconciliation.world import DAY, MORNING, World, Written, numbered

pytestmark = pytest.mark.django_db


class Portal:
    """A channel whose statements are these rows, or that raises."""

    def __init__(self, *, rows: Any = (), error: Exception | None = None) -> None:
        self._rows, self._error = rows, error

    @contextmanager
    def download_bill(self, *, day: date) -> Iterator[Written]:
        if self._error is not None:
            raise self._error
        yield Written(numbered(self._rows))


def _says(monkeypatch: pytest.MonkeyPatch, **said: Any) -> None:
    monkeypatch.setattr(importing, "statements_of", lambda _account: Portal(**said))


def _due(world: World) -> ReconciliationDay:
    return ReconciliationDay.objects.create(
        merchant=world.merchant, channel_account=world.account, date=DAY, due_at=MORNING
    )


def test_plan_when_a_day_is_over_has_a_row_once_its_statement_can_be_there() -> None:
    world = World()
    downloading.plan(at=MORNING)
    downloading.plan(at=MORNING)
    planned = ReconciliationDay.objects.filter(channel_account=world.account).order_by("-date")
    assert [row.date for row in planned] == [DAY - timedelta(days=back) for back in range(BACKLOG_DAYS)]
    ChannelAccount.objects.filter(pk=world.account.pk).update(is_active=False)
    planned.delete()
    downloading.plan(at=MORNING)
    assert not planned.exists()


def test_fetch_when_the_statement_is_there_takes_it_in(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    payout = world.paid()
    _says(monkeypatch, rows=[world.row(payout)])
    downloading.fetch(day_id=_due(world).pk, at=MORNING)
    assert (world.day().matched, world.day().bill_id is not None) == (1, True)


def _later(hours: float) -> datetime:
    return MORNING + timedelta(hours=hours)


def test_fetch_when_the_statement_is_still_being_made_asks_less_and_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    day = _due(world)
    _says(monkeypatch, error=BillUnavailable("NO_STATEMENT", "being made", later=True, empty=True))
    waits = []
    for _ in range(6):
        with pytest.raises(DownloadFailed) as refused:
            downloading.fetch(day_id=day.pk, at=MORNING)
        assert refused.value.code == "NO_STATEMENT"
        kept = world.day()
        assert kept.due_at is not None
        waits.append(int((kept.due_at - MORNING).total_seconds() // 60))
    assert waits == [5, 10, 20, 30, 60, 60]
    assert kept.bill_id is None


def test_fetch_when_there_is_still_none_half_a_day_later_was_a_day_without_refunds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    _says(monkeypatch, error=BillUnavailable("NO_STATEMENT", "none", later=True, empty=True))
    downloading.fetch(day_id=_due(world).pk, at=_later(13))
    assert world.day().bill_id is not None


def test_fetch_when_the_channel_will_never_have_it_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    _says(monkeypatch, error=BillUnavailable("NO_AUTH", "not allowed", later=False, empty=False))
    with pytest.raises(DownloadFailed):
        downloading.fetch(day_id=_due(world).pk, at=MORNING)
    assert (world.day().due_at, world.day().last_error) == (None, "NO_AUTH")


def test_fetch_when_the_file_is_damaged_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    _says(monkeypatch, error=BillCorrupt("cut short"))
    with pytest.raises(DownloadFailed):
        downloading.fetch(day_id=_due(world).pk, at=MORNING)
    assert (world.day().due_at, world.day().last_error) == (_later(5 / 60), "bill_unreadable")


def test_fetch_now_when_it_is_a_cashier_is_refused_and_no_day_is_made() -> None:
    world = World()
    cashier = of_staff(make_staff(world.merchant, Role.CASHIER))
    with pytest.raises(Forbidden):
        downloading.fetch_now(account=world.account, day=DAY, by=cashier, at=MORNING)
    assert not ReconciliationDay.objects.exists()
