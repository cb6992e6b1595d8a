"""A refund that waited for its channel's word: judged again with it, once."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.utils import timezone

from refunds.intake import verifying
from refunds.models import RefundRequest
from terminals.models import Transaction
from tests.factories import RULES, make_merchant, make_sale, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def sale() -> Transaction:
    return make_sale(make_merchant(rules={**RULES, "confirm_payment_above_fen": 10_000}), 50_000)


def _go_on(request_id: UUID, *, gave_up: bool = False) -> bool:
    return verifying.go_on(request_id=request_id, gave_up=gave_up, at=timezone.now())


def test_go_on_while_nothing_was_said_leaves_it_waiting(sale: Transaction) -> None:
    request = submit(sale, 12_000)

    assert verifying.unasked(request.pk, at=timezone.now()) == [sale.pk]
    assert not _go_on(request.pk)
    stored = RefundRequest.objects.get(pk=request.pk)
    assert (stored.state, stored.version, stored.executions.count()) == ("verifying", request.version, 0)


def test_go_on_twice_pays_once(sale: Transaction) -> None:
    request = submit(sale, 12_000)
    Transaction.objects.filter(pk=sale.pk).update(payment_word="paid", payment_word_at=timezone.now())

    assert (_go_on(request.pk), _go_on(request.pk)) == (True, True)
    stored = RefundRequest.objects.get(pk=request.pk)
    assert (stored.state, stored.executions.count()) == ("approved", 1)
    assert Transaction.objects.get(pk=sale.pk).reserved_fen == 12_000


def test_go_on_when_a_hard_limit_stands_against_it_by_now_leaves_it_to_a_person(sale: Transaction) -> None:
    request = submit(sale, 12_000)
    Transaction.objects.filter(pk=sale.pk).update(payment_word="paid", payment_word_at=timezone.now())
    assert sale.terminal is not None
    sale.terminal.__class__.objects.filter(pk=sale.terminal.pk).update(refunds_enabled=False)

    assert _go_on(request.pk)
    stored = RefundRequest.objects.get(pk=request.pk)
    assert (stored.state, stored.verdict["decision"], stored.executions.count()) == ("in_review", "refuse", 0)
