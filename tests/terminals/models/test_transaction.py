"""A sale's counters are the last wall before money goes back twice."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from terminals.models import Transaction, TransactionLine
from tests.factories import make_account, make_merchant, make_sale

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "change",
    [{"reserved_fen": 10_001}, {"refunded_fen": 1}, {"refunded_fen": -1}, {"live_refunds": -1}, {"amount_fen": 0}],
)
def test_counter_that_would_allow_too_much_is_refused_by_the_database(change: dict[str, int]) -> None:
    sale = make_sale(make_merchant(), 10_000)
    with pytest.raises(IntegrityError), transaction.atomic():
        Transaction.objects.filter(pk=sale.pk).update(**change)
    sale.refresh_from_db()
    assert (sale.reserved_fen, sale.refunded_fen, sale.refundable_fen) == (0, 0, 10_000)


def test_line_never_gives_back_more_pieces_than_were_bought() -> None:
    sale = make_sale(make_merchant(), 10_000, quantity=2)
    with pytest.raises(IntegrityError, match="line_never_over_returned"), transaction.atomic():
        TransactionLine.objects.filter(transaction=sale).update(reserved_quantity=3)
    assert sale.lines.get().reserved_quantity == 0


def test_profile_is_the_accounts_and_the_channels_usual_one_without_an_account() -> None:
    merchant = make_merchant()
    sale = make_sale(merchant, channel_account=make_account(merchant, window_days=180))
    assert sale.profile.window_days == 180
    sale.channel_account = None
    assert sale.profile.window_days == 365
