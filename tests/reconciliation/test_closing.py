"""Closing a day, and opening it again."""

from __future__ import annotations

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import DomainError, Forbidden, NotFound
from merchants.models import Role
from merchants.principals import of_staff
from reconciliation import closing, days
from reconciliation.models import ReconciliationDay
from tests.factories import make_merchant, make_staff
from tests.reconciliation.world import DAY, World

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def _refused(code: str, day: ReconciliationDay, world: World) -> None:
    with pytest.raises(DomainError) as refused:
        closing.close(day_id=day.pk, by=of_staff(world.finance), at=NOW)
    assert refused.value.code == code
    assert world.day().state == "open"


def test_close_when_all_agrees_is_closed_and_written_down() -> None:
    world = World()
    day = world.imported(world.row(world.paid()))
    closed = closing.close(day_id=day.pk, by=of_staff(world.finance), at=NOW)
    assert (closed.state, closed.closed_by_id, closed.due_at) == ("closed", world.finance.pk, None)
    assert AuditEvent.objects.filter(action="reconciliation.close").count() == 1
    with pytest.raises(days.DayClosed):
        closing.close(day_id=day.pk, by=of_staff(world.finance), at=NOW)


def test_close_when_there_is_no_statement_is_refused() -> None:
    world = World()
    _refused("bill_missing", days.day_made(account=world.account, day=DAY), world)


def test_close_when_a_difference_is_open_is_refused() -> None:
    world = World()
    _refused("differences_open", world.imported(world.portal(world.sale(), 500)), world)


def test_reopen_when_it_says_why_is_open_and_the_reason_is_kept() -> None:
    world = World()
    day = world.imported(world.row(world.paid()))
    closing.close(day_id=day.pk, by=of_staff(world.finance), at=NOW)
    with pytest.raises(DomainError, match="say why"):
        closing.reopen(day_id=day.pk, note=" \u200b ", by=of_staff(world.finance), at=NOW)
    assert world.day().state == "closed"
    opened = closing.reopen(day_id=day.pk, note="a late file", by=of_staff(world.finance), at=NOW)
    assert (opened.state, opened.reopen_note, opened.closed_at) == ("open", "a late file", None)
    with pytest.raises(closing.NotClosed):
        closing.reopen(day_id=day.pk, note="again", by=of_staff(world.finance), at=NOW)


def test_close_when_it_is_a_cashiers_or_another_merchants_is_refused() -> None:
    world = World()
    day = world.imported(world.row(world.paid()))
    with pytest.raises(Forbidden):
        closing.close(day_id=day.pk, by=of_staff(make_staff(world.merchant, Role.CASHIER)), at=NOW)
    with pytest.raises(NotFound):
        closing.close(day_id=day.pk, by=of_staff(make_staff(make_merchant(), Role.FINANCE)), at=NOW)
    assert world.day().state == "open"
