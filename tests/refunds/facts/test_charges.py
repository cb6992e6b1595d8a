"""Charged twice needs two charges, and one of them stays."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from refunds.facts import charges
from refunds.intake import submitting
from refunds.intake.claims import Draft
from refunds.models import Execution, RefundRequest
from terminals.models import Transaction
from tests.factories import RULES, at_the_till, make_merchant, make_sale, make_staff, submit
from tests.refunds.limited import at_once

pytestmark = pytest.mark.django_db

_FAULTS = ["duplicate_charge", "system_fault", "network_fault", "operator_error"]
_INSTANT = {"extent": "any", "max_share_percent": 100, "window_days": 30, "instant": True}
_RULES: dict[str, Any] = {**RULES, "reasons": {**RULES["reasons"], **dict.fromkeys(_FAULTS, _INSTANT)}}


def _twins(**fields: Any) -> tuple[Transaction, Transaction]:
    """Two equal payments 55 seconds apart."""
    first = make_sale(make_merchant(rules=_RULES), 9_000, **fields)
    second = make_sale(first.merchant, 9_000, paid_at=first.paid_at + timedelta(seconds=55), **fields)
    return first, second


def _failing(request: RefundRequest) -> list[str]:
    return [rule["code"] for rule in request.verdict["rules"] if not rule["passed"]]


@pytest.mark.parametrize("reason", _FAULTS)
def test_submit_when_one_payment_is_known_a_person_decides_and_reads_that_there_is_no_second(reason: str) -> None:
    request = submit(make_sale(make_merchant(rules=_RULES), 9_000, phone="13800006021"), 9_000, reason=reason)
    assert (request.state, _failing(request)) == ("in_review", ["second_charge"])
    assert not Execution.objects.exists()


@pytest.mark.parametrize("same", [{"order_no": "A-3"}, {"phone": "13800006021"}, {"card_last4": "6021"}], ids=str)
@pytest.mark.parametrize("reason", _FAULTS)
def test_submit_when_two_equal_payments_are_known_exactly_one_goes_back_by_rule(
    same: dict[str, Any], reason: str
) -> None:
    first, second = _twins(**same)
    goes_back, stays = submit(second, 9_000, reason=reason), submit(first, 9_000, reason=reason)
    assert (goes_back.state, stays.state) == ("approved", "in_review")
    assert "one_charge_stays" in _failing(stays)


@pytest.mark.parametrize(
    "fields",
    [
        {"paid_at": timezone.now() - timedelta(hours=5)},
        {"amount_fen": 9_001},
        {"phone": "13800006022"},
        {"status": "declined"},
    ],
    ids=["hours apart", "another amount", "another payer", "not paid"],
)
def test_submit_when_the_other_payment_is_no_twin_a_person_decides(fields: dict[str, Any]) -> None:
    first = make_sale(make_merchant(rules=_RULES), 9_000, phone="13800006021")
    make_sale(first.merchant, fields.pop("amount_fen", 9_000), **{"phone": "13800006021", **fields})
    assert submit(first, 9_000, reason="duplicate_charge").state == "in_review"


def test_submit_when_the_other_one_was_refunded_for_another_reason_a_person_decides() -> None:
    first, second = _twins(phone="13800006021")
    assert submit(first, 9_000, reason="quality").state == "approved"
    request = submit(second, 9_000, reason="duplicate_charge")
    assert (request.state, "one_charge_stays" in _failing(request)) == ("in_review", True)


def test_submit_when_three_are_equal_two_go_back_by_rule() -> None:
    first, second = _twins(phone="13800006021")
    third = make_sale(first.merchant, 9_000, phone="13800006021", paid_at=first.paid_at + timedelta(minutes=2))
    states = [submit(sale, 9_000, reason="duplicate_charge").state for sale in (first, second, third)]
    assert states == ["approved", "approved", "in_review"]


@pytest.mark.django_db(transaction=True)
def test_submit_when_both_are_asked_back_at_once_one_goes_back_by_rule() -> None:
    first, second = _twins(phone="13800006021")
    by = at_the_till(first)

    def ask(sale: Transaction) -> str:
        draft = Draft(amount_fen=9_000, reason="duplicate_charge", transaction_id=sale.pk)
        return str(submitting.submit(draft=draft, by=by, at=timezone.now()).request.state)

    states = at_once([lambda: ask(first), lambda: ask(second)], width=2)
    assert Counter(states) == {"approved": 1, "in_review": 1}


def test_charged_when_there_is_no_equal_payment_says_none() -> None:
    sale = make_sale(make_merchant())
    assert charges.charged(transaction_id=sale.pk, minutes=10).others == 0
    assert charges.equal_to(transaction_id=sale.pk, minutes=10) == []


def test_pages_of_two_equal_payments_point_to_each_other() -> None:
    first, second = _twins(phone="13800006021")
    request = submit(first, 9_000, reason="duplicate_charge")
    client = Client()
    client.force_login(make_staff(first.merchant, "manager"), backend="django.contrib.auth.backends.ModelBackend")
    for sale, other in ((first, second), (second, first)):
        assert f"/desk/transactions/{other.pk}" in client.get(f"/desk/transactions/{sale.pk}").content.decode()
    assert f"/desk/transactions/{second.pk}" in client.get(f"/desk/refunds/{request.number}").content.decode()


def _of_order(amount_fen: int, first: Transaction) -> RefundRequest:
    draft = Draft(amount_fen=amount_fen, reason="duplicate_charge", order_no=first.order_no)
    taken = submitting.submit(draft=draft, by=at_the_till(first), at=timezone.now())
    return RefundRequest.objects.get(pk=taken.request.pk)


def test_submit_when_the_order_is_named_the_payment_too_many_goes_back_whole() -> None:
    first, second = _twins(order_no="A-3")
    request = _of_order(9_000, first)
    assert (request.state, request.transaction_id, request.leg_count) == ("approved", second.pk, 0)
    assert _of_order(9_000, first).state == "in_review"


def test_submit_when_both_charges_of_an_order_are_asked_back_together_a_person_decides() -> None:
    first, _second = _twins(order_no="A-3")
    request = _of_order(18_000, first)
    assert (request.state, _failing(request)) == ("in_review", ["one_charge_stays"])
    assert not Execution.objects.exists()


@pytest.mark.parametrize(
    "bought", [{"amount_fen": 18_000}, {"sku": "SKU-2"}], ids=["one dish by halves", "each theirs"]
)
def test_submit_when_friends_paid_half_each_no_second_charge_is_known(bought: dict[str, Any]) -> None:
    first, second = _twins(order_no="A-3")
    first.lines.update(**bought)
    request = submit(second, 9_000, reason="duplicate_charge")
    assert (request.state, _failing(request)) == ("in_review", ["second_charge"])


@pytest.mark.parametrize(
    ("word", "failing"),
    [
        ("refunded", "one_charge_stays"),
        ("reversed", "one_charge_stays"),
        ("partly_refunded", "one_charge_stays"),
        ("unpaid", "second_charge"),
        ("not_known", "second_charge"),
    ],
)
def test_submit_when_the_channel_says_otherwise_of_the_other_payment_a_person_decides(word: str, failing: str) -> None:
    first, second = _twins(order_no="A-3")
    Transaction.objects.filter(pk=second.pk).update(payment_word=word, payment_word_at=timezone.now())
    request = submit(first, 9_000, reason="duplicate_charge")
    assert (request.state, _failing(request)) == ("in_review", [failing])
    assert not Execution.objects.exists()


@pytest.mark.parametrize(("times", "approved"), [(2, 1), (3, 2)])
def test_submit_when_a_part_of_an_order_was_charged_again_what_is_beyond_its_articles_goes_back(
    times: int, approved: int
) -> None:
    first = make_sale(make_merchant(rules={**_RULES, "auto_order_limit_fen": 90_000}), 9_000, order_no="A-3")
    again = [make_sale(first.merchant, 9_000, order_no="A-3") for _ in range(times - 1)]
    rest = make_sale(first.merchant, 6_000, order_no="A-3")
    for sale in (first, *again, rest):
        sale.lines.update(amount_fen=15_000, unit_price_fen=15_000)
    states = [submit(sale, 9_000, reason="duplicate_charge").state for sale in (first, *again)]
    assert Counter(states) == {"approved": approved, "in_review": 1}


def test_submit_when_one_of_two_charges_was_in_cash_the_channels_goes_back_the_way_it_came() -> None:
    first, second = _twins(order_no="A-3")
    Transaction.objects.filter(pk=second.pk).update(channel="cash", channel_account=None, funding="cash")
    request = _of_order(9_000, first)
    assert (request.state, request.transaction_id) == ("approved", first.pk)
