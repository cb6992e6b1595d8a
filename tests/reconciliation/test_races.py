"""Two at once: imports, adoptions, closing against importing."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.utils import timezone

from core.errors import DomainError
from merchants.principals import of_staff
from reconciliation import closing, days, differences, importing
from reconciliation.models import Bill, BillLine, Difference
from refunds.models import RefundRequest
from tests.reconciliation.world import DAY, MORNING, World, Written, counts, numbered

pytestmark = pytest.mark.django_db(transaction=True)


def _at_once(*actions: Callable[[], object]) -> list[object]:
    """What each gave or raised; a domain error is an answer, anything else fails the test."""
    answers: list[object] = [None] * len(actions)
    start = threading.Barrier(len(actions))

    def run(place: int) -> None:
        try:
            start.wait()
            answers[place] = actions[place]()
        except DomainError as error:
            answers[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    return answers


def test_same_statement_from_four_sides_is_taken_in_once() -> None:
    world = World()
    rows = numbered([world.row(world.paid()), world.portal(world.sale(), 500)])
    day_id = days.day_made(account=world.account, day=DAY).pk
    answers = _at_once(
        *[lambda: importing.store(day_id=day_id, statement=Written(rows), at=MORNING)] * 4  # each reads its own rows
    )
    assert sorted(bool(getattr(answer, "is_new", answer)) for answer in answers) == [False, False, False, True]
    assert (Bill.objects.count(), BillLine.objects.count(), Difference.objects.count()) == (1, 2, 1)


def test_one_line_adopted_from_four_sides_becomes_one_refund() -> None:
    world = World()
    sale = world.sale()
    world.imported(world.portal(sale, 6_000))
    pk = Difference.objects.get().pk
    answers = _at_once(
        *[lambda: differences.adopt(difference_id=pk, note="", by=of_staff(world.finance), at=timezone.now())] * 4
    )
    assert sum(isinstance(answer, RefundRequest) for answer in answers) == 1
    assert sum(isinstance(answer, differences.AlreadyResolved) for answer in answers) == 3
    sale.refresh_from_db()
    assert (sale.reserved_fen, sale.refunded_fen) == (6_000, 6_000)


def test_closing_against_another_version_leaves_either_a_closed_day_or_the_new_bill() -> None:
    world = World()
    payout = world.paid()
    day = world.imported(world.row(payout))
    other = Written(numbered([world.row(payout, amount_fen=1_100)]))
    _at_once(
        lambda: closing.close(day_id=day.pk, by=of_staff(world.finance), at=MORNING),
        lambda: importing.store(day_id=day.pk, statement=other, at=MORNING),
    )
    after = world.day()
    assert (after.state, counts(after)) in (
        ("closed", {"matched": 1}),
        ("open", {"amount_differs": 1}),
    )
