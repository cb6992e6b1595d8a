"""Breaches planted behind the domain's back are found; nothing else is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import DatabaseError, transaction

from merchants.principals import of_staff
from reconciliation import closing, differences
from reconciliation.models import BillLine, Difference, ReconciliationDay
from refunds.models import LedgerEntry
from refunds.payouts import ledger
from tests import after_each
from tests.owner import as_owner
from tests.reconciliation.world import MORNING, World

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_invariants]


@pytest.fixture(autouse=True)
def _invariants_hold() -> None:
    """These tests break them on purpose."""


def _behind_the_triggers(sql: str) -> None:
    with as_owner(silent=True) as cursor:
        cursor.execute(sql)


def _broken() -> set[str]:
    return {breach.code for breach in after_each.breaches()}


_BREACHES: dict[str, tuple[str, str]] = {
    "an entry is missing": ("I6", "DELETE FROM refunds_ledgerentry WHERE account = 'refunds_payable'"),
    "a posting is missing": ("I6", "DELETE FROM refunds_ledgerentry"),
    "a side was changed": (
        "I6",
        "UPDATE refunds_ledgerentry SET amount_fen = amount_fen + 1 WHERE account = 'refunds_payable'",
    ),
    "a payout was booked with another amount": ("I6", "UPDATE refunds_ledgerentry SET amount_fen = amount_fen * 2"),
    "a matched line says another amount": ("I7", "UPDATE reconciliation_billline SET amount_fen = amount_fen + 1"),
    "a difference was taken away": ("I7", "DELETE FROM reconciliation_difference"),
    "a closed day was opened inside": (
        "I7",
        "UPDATE reconciliation_difference SET resolution = '', resolved_at = NULL, resolved_by_id = NULL",
    ),
}


@pytest.mark.parametrize("planted", _BREACHES)
def test_planted_breach_is_found(world: World, planted: str) -> None:
    payout = world.paid()
    day = world.imported(world.row(payout), world.portal(world.sale(), 500))
    difference = Difference.objects.get()
    differences.resolve(
        difference_id=difference.pk, resolution="accepted", note="x", by=of_staff(world.finance), at=MORNING
    )
    closing.close(day_id=day.pk, by=of_staff(world.finance), at=MORNING)
    assert _broken() == set()
    code, sql = _BREACHES[planted]
    _behind_the_triggers(sql)
    assert code in _broken()


def test_posting_for_a_payout_that_did_not_succeed_is_found(world: World) -> None:
    payout = world.in_flight()
    for account, amount_fen in (("refunds_payable", 1_200), ("channel_clearing", -1_200)):
        LedgerEntry.objects.create(
            merchant=world.merchant,
            channel_account=world.account,
            execution=payout,
            kind="payout",
            account=account,
            amount_fen=amount_fen,
            booked_at=MORNING,
        )
    assert _broken() == {"I6"}


def test_history_loaded_in_bulk_is_booked_once(world: World) -> None:
    payout = world.paid()
    _behind_the_triggers("DELETE FROM refunds_ledgerentry")
    assert (ledger.post_missing(), ledger.post_missing()) == (2, 0)
    booked = LedgerEntry.objects.filter(execution=payout).values_list("booked_at", flat=True)
    assert list(booked.order_by("pk")) == [payout.ended_at] * 2
    assert _broken() == set()


_FORBIDDEN: dict[str, Callable[[], object]] = {
    "an entry is changed": lambda: LedgerEntry.objects.update(amount_fen=1),
    "an entry is deleted": lambda: LedgerEntry.objects.all()._raw_delete("default"),
    "a closed day is changed": lambda: ReconciliationDay.objects.update(ours_fen=1),
    "a closed day is deleted": lambda: ReconciliationDay.objects.all()._raw_delete("default"),
    "a closed day's difference is changed": lambda: Difference.objects.update(note="later"),
}


@pytest.mark.parametrize("attempt", _FORBIDDEN)
def test_database_refuses(world: World, attempt: str) -> None:
    day = world.imported(world.row(world.paid()), world.portal(world.sale(), 500))
    differences.resolve(
        difference_id=Difference.objects.get().pk,
        resolution="accepted",
        note="x",
        by=of_staff(world.finance),
        at=MORNING,
    )
    closing.close(day_id=day.pk, by=of_staff(world.finance), at=MORNING)
    with pytest.raises(DatabaseError), transaction.atomic():
        _FORBIDDEN[attempt]()
    assert BillLine.objects.count() == 2
