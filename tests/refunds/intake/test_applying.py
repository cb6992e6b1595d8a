"""Two facts find one sale and no other; what a customer applies for is judged as for everybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.calendar import SHANGHAI
from core.errors import Invalid, NotFound
from core.personal_data import phone_hashes
from merchants import principals
from refunds.intake import applying, submitting
from refunds.intake.applying import NoSuchSale, PhoneNeeded, SaleFacts
from refunds.intake.claims import Draft
from refunds.models import RefundRequest
from terminals.models import Transaction
from tests.factories import make_merchant, make_sale
from tests.refunds.plans import order_of_two

pytestmark = pytest.mark.django_db


@pytest.fixture
def sale() -> Transaction:
    _, last4_hash = phone_hashes("13800006021")
    return make_sale(
        make_merchant(), 26_800, card_last4="4455", payer_phone="13800006021", payer_phone_last4_hash=last4_hash
    )


def facts_of(sale: Transaction, *names: str) -> SaleFacts:
    known = {
        "order_no": sale.order_no,
        "amount_fen": sale.amount_fen,
        "paid_on": sale.paid_at.astimezone(SHANGHAI).date(),
        "card_last4": "4455",
        "phone_last4": "6021",
    }
    return SaleFacts(**{name: known[name] for name in names})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "names",
    [("order_no", "amount_fen"), ("amount_fen", "card_last4"), ("paid_on", "phone_last4"), ("order_no", "paid_on")],
)
def test_find_when_two_facts_fit_is_the_sale(sale: Transaction, names: tuple[str, ...]) -> None:
    make_sale(sale.merchant, 9_900)
    assert applying.find(facts=facts_of(sale, *names), store=sale.store) == sale


@pytest.mark.parametrize("name", ["order_no", "amount_fen", "paid_on", "card_last4", "phone_last4"])
def test_find_when_one_fact_is_given_is_refused_whichever_it_is(sale: Transaction, name: str) -> None:
    with pytest.raises(Invalid):
        applying.find(facts=facts_of(sale, name), store=sale.store, transaction_id=sale.pk)


def test_find_when_one_of_the_facts_is_wrong_or_several_fit_says_the_same(sale: Transaction) -> None:
    wrong = SaleFacts(order_no=sale.order_no, amount_fen=1)
    with pytest.raises(NoSuchSale):
        applying.find(facts=wrong, store=sale.store)
    make_sale(sale.merchant, 26_800, paid_at=sale.paid_at)
    with pytest.raises(NoSuchSale):
        applying.find(facts=facts_of(sale, "amount_fen", "paid_on"), store=sale.store)


def test_find_when_the_sale_is_another_stores_is_none(sale: Transaction) -> None:
    abroad = make_sale(make_merchant())
    with pytest.raises(NoSuchSale):
        applying.find(facts=facts_of(sale, "order_no", "amount_fen"), store=abroad.store)
    with pytest.raises(NoSuchSale):
        applying.find(facts=facts_of(sale, "order_no", "amount_fen"), store=sale.store, transaction_id=abroad.pk)


def test_phone_of_when_the_sale_has_one_is_that_and_no_other(sale: Transaction) -> None:
    assert applying.phone_of(sale, typed="13911112222") == "13800006021"


def test_phone_of_when_the_sale_has_none_is_what_was_typed() -> None:
    sale = make_sale(make_merchant())
    Transaction.objects.filter(pk=sale.pk).update(payer_phone="", payer_phone_hash=None, payer_phone_last4_hash=None)
    sale.refresh_from_db()
    assert applying.phone_of(sale, typed=" 139-1111 2222") == "13911112222"
    for typed in ("", "12", "<script>"):
        with pytest.raises(PhoneNeeded):
            applying.phone_of(sale, typed=typed)


def apply(sale: Transaction, **changes: Any) -> RefundRequest:
    values: dict[str, Any] = {
        "transaction_id": sale.pk,
        "phone": "13800006021",
        "amount_fen": 1_200,
        "reason": "quality",
        "description": "<b>裂了</b>",
        "consent": True,
        "pictures": {},
        "locale": "zh-Hans",
        "at": timezone.now() + timedelta(seconds=1),
    }
    return applying.apply(**{**values, **changes})


def test_apply_is_judged_and_kept_as_the_customers_own(sale: Transaction) -> None:
    request = RefundRequest.objects.get(pk=apply(sale).pk)
    assert (request.customer_phone, request.customer_consent) == ("13800006021", True)
    assert (request.staff_id, request.api_key_id) == (None, None)
    assert request.verdict["rules"]


@pytest.mark.parametrize(
    "changes", [{"consent": False}, {"reason": "goodwill"}, {"reason": "x"}, {"amount_fen": 999_999}]
)
def test_apply_when_it_cannot_be_asked_for_stores_nothing(sale: Transaction, changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        apply(sale, **changes)
    assert not RefundRequest.objects.exists()
    sale.refresh_from_db()
    assert sale.reserved_fen == 0


def test_submit_when_an_applicant_names_another_sale_is_not_found(sale: Transaction) -> None:
    other = make_sale(sale.merchant)
    by = principals.of_applicant(merchant_id=sale.merchant_id, store_id=sale.store_id, sale_id=sale.pk)
    for draft in (
        Draft(amount_fen=1, reason="quality", transaction_id=other.pk, customer_consent=True),
        Draft(amount_fen=1, reason="quality", order_no=other.order_no, customer_consent=True),
    ):
        with pytest.raises(NotFound):
            submitting.submit(draft=draft, by=by, at=timezone.now())
    assert not RefundRequest.objects.exists()


def test_apply_when_the_order_was_paid_in_two_parts_and_the_number_comes_every_day_goes_back_by_both() -> None:
    first, second = order_of_two()
    day = timedelta(days=1)
    make_sale(first.merchant, 30_000, order_no=first.order_no, paid_at=first.paid_at - day)
    known = SaleFacts(
        order_no=f"{first.order_no}-02", amount_fen=30_000, paid_on=first.paid_at.astimezone(SHANGHAI).date()
    )
    with pytest.raises(NoSuchSale):
        applying.find(facts=replace(known, amount_fen=29_999), store=first.store)

    found = applying.find(facts=known, store=first.store)
    request = apply(found, amount_fen=30_000)

    assert [(leg.transaction_id, leg.amount_fen) for leg in request.legs.order_by("sequence")] == [
        (first.pk, 20_000),
        (second.pk, 10_000),
    ]


def test_apply_when_it_was_charged_twice_under_one_number_finds_it_and_one_goes_back() -> None:
    sale = make_sale(make_merchant(), 5_000)
    again = make_sale(sale.merchant, 5_000, order_no=sale.order_no, paid_at=sale.paid_at + timedelta(minutes=1))
    found = applying.find(facts=facts_of(sale, "order_no", "amount_fen"), store=sale.store)
    request = apply(found, amount_fen=5_000, reason="duplicate_charge")
    assert (request.transaction_id, request.state, request.leg_count) == (again.pk, "approved", 0)
