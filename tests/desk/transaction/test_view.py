"""The page of a sale."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from core.audit.models import AuditEvent
from merchants.models import Staff
from payment_channels.contract import TradeState
from refunds.payouts import trade_queries
from terminals.models import Transaction
from tests.desk.conftest import Shop
from tests.factories import make_merchant, make_request, make_sale
from tests.refunds.worker.test_confirming import Channel
from tests.said import said

SignIn = Callable[[Staff], Client]


def test_transaction_shows_its_refunds_and_masks_the_payer(reviewer: Client, shop: Shop) -> None:
    sale = make_sale(shop.merchant, 33_980, phone="13800006021")
    request = make_request(sale, 26_800)
    page = reviewer.get(f"/desk/transactions/{sale.pk}").content.decode()
    assert request.number in page
    assert "138 **** 6021" in page
    assert "13800006021" not in page
    assert reviewer.get(f"/desk/transactions/{uuid4()}").status_code == 404


# --- asking the channel ---


def _says(monkeypatch: pytest.MonkeyPatch, state: TradeState | None) -> None:
    monkeypatch.setattr(trade_queries, "adapter_for", lambda *_: Channel(state, amount_fen=33_980))


@pytest.mark.parametrize(
    ("state", "label"),
    [
        (TradeState.PAID, "The channel says that it was paid."),
        (TradeState.UNPAID, "nothing was paid (yet)"),
        (TradeState.REVERSED, "has reversed this payment"),
    ],
)
def test_ask_shows_what_the_channel_says_with_its_age_and_account(
    as_staff: SignIn, shop: Shop, monkeypatch: pytest.MonkeyPatch, state: TradeState, label: str
) -> None:
    sale = make_sale(shop.merchant, 33_980)
    _says(monkeypatch, state)
    client = as_staff(shop.cashier)
    before = client.get(f"/desk/transactions/{sale.pk}").content.decode()
    after = client.post(f"/desk/transactions/{sale.pk}/ask", follow=True).content.decode()

    assert "It was not asked yet." in before
    assert label in after
    assert "just now" in after
    assert sale.channel_account is not None
    assert sale.channel_account.code in after


def test_ask_when_there_is_no_answer_says_unknown_and_never_not_paid(
    as_staff: SignIn, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = make_sale(shop.merchant, 33_980)
    _says(monkeypatch, None)
    page = as_staff(shop.cashier).post(f"/desk/transactions/{sale.pk}/ask", follow=True).content.decode()

    assert "No answer: unknown" in page
    assert "Not paid" not in page


def test_ask_again_at_once_is_refused_and_of_another_merchants_sale_there_is_none(
    as_staff: SignIn, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale, foreign = make_sale(shop.merchant), make_sale(make_merchant())
    _says(monkeypatch, TradeState.PAID)
    client = as_staff(shop.cashier)
    client.post(f"/desk/transactions/{sale.pk}/ask")
    again = client.post(f"/desk/transactions/{sale.pk}/ask", headers={"HX-Request": "true"})

    assert again.status_code == 429
    assert "a moment ago" in again.content.decode()
    assert client.post(f"/desk/transactions/{foreign.pk}/ask").status_code == 404
    assert client.get(f"/desk/transactions/{sale.pk}/ask").status_code == 405


def test_quote_of_a_sale_that_is_not_known_to_be_paid_offers_to_ask(as_staff: SignIn, shop: Shop) -> None:
    sale = make_sale(shop.merchant, status="pending")
    form = {"sale": str(sale.pk), "reason": "quality", "amount": "10.00", "consent": "1"}
    part = as_staff(shop.cashier).post("/desk/new/quote", form).content.decode()

    assert f"/desk/transactions/{sale.pk}#payment-check" in part
    assert Transaction.objects.get(pk=sale.pk).asked_at is None


def test_pending_sale_that_the_channel_says_is_paid_is_corrected_and_shows_by_whom(
    as_staff: SignIn, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = make_sale(shop.merchant, 33_980, status="pending")
    _says(monkeypatch, TradeState.PAID)
    page = as_staff(shop.cashier).post(f"/desk/transactions/{sale.pk}/ask", follow=True).content.decode()

    assert "The channel was asked about the payment." in page
    assert "Unconfirmed" in page
    assert f"/desk/new?sale={sale.pk}" in page


def test_sale_held_for_its_payment_says_what_the_channel_says_and_is_let_go(as_staff: SignIn, shop: Shop) -> None:
    sale = make_sale(shop.merchant, 33_980)
    now = timezone.now()
    Transaction.objects.filter(pk=sale.pk).update(held_at=now, payment_word="reversed", payment_word_at=now)
    client = as_staff(shop.finance)
    page = client.get(f"/desk/transactions/{sale.pk}").content.decode()
    client.post(f"/desk/transactions/{sale.pk}/end-hold", {"finding": "cleared", "note": "checked"})

    assert "has reversed this payment" in page
    assert 'value="cleared"' in page
    assert 'value="settled"' not in page
    assert Transaction.objects.get(pk=sale.pk).held_at is None
    assert said(AuditEvent.objects.get(action="transaction.end_hold")) == {"finding": "cleared", "note": "checked"}
