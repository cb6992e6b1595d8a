"""Taking a request in: what it is judged on, what is kept, and sending it in again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone

from core.errors import Conflict, Invalid, NotFound
from merchants.principals import Principal, of_staff
from refunds.intake import requests
from refunds.intake.requests import Correction, Draft, PolicyRefused
from refunds.models import RefundRequest
from refunds.review import deciding
from terminals.models import Transaction, TransactionLine
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.refunds.settled import failed

pytestmark = pytest.mark.django_db


def _by(sale: Transaction, **more: Any) -> Principal:
    return replace(of_staff(make_staff(sale.merchant, "cashier")), **more)


def _submit(sale: Transaction, amount_fen: int = 1_200, **more: Any) -> RefundRequest:
    draft = Draft(amount_fen=amount_fen, reason=more.pop("reason", "quality"), transaction_id=sale.pk, **more)
    prepared = requests.submit(draft=draft, by=_by(sale), at=timezone.now())
    return RefundRequest.objects.get(pk=prepared.submission.request.pk)


def _ask_for_more(request: RefundRequest) -> None:
    reviewer = make_staff(request.merchant, "reviewer")
    deciding.request_info(
        request_id=request.pk, by=of_staff(reviewer), at=timezone.now(), version=request.version, message="请补照片"
    )


def _resubmit(request: RefundRequest, **changes: Any) -> RefundRequest:
    by = of_staff(request.staff or make_staff(request.merchant, "manager"))
    return requests.resubmit(request_id=request.pk, correction=Correction(**changes), by=by, at=timezone.now())


def test_quote_is_what_submission_then_does_and_makes_nothing() -> None:
    sale = make_sale(make_merchant(), 50_000)
    for amount, state in ((1_200, "approved"), (30_000, "in_review")):
        draft = Draft(amount_fen=amount, reason="quality", transaction_id=sale.pk)
        _sale, verdict = requests.quote(draft=draft, by=_by(sale), at=timezone.now())
        assert verdict.decision.value == {"approved": "approve", "in_review": "review"}[state]
        sale.refresh_from_db()
        before = sale.reserved_fen
        assert _submit(sale, amount).state == state
        sale.refresh_from_db()
        assert sale.reserved_fen == before + amount


def test_numbers_are_all_different_even_at_once() -> None:
    sale = make_sale(make_merchant(), 50_000)
    numbers = {_submit(sale, 100).number for _ in range(5)}
    assert len(numbers) == 5
    assert all(number.startswith("RF-") for number in numbers)


@pytest.mark.parametrize(
    ("sale_fields", "code"),
    [
        ({"status": "paying"}, "payment_succeeded"),
        ({"paid_at": timezone.now() - timedelta(days=366)}, "channel_window"),
    ],
)
def test_hard_limit_refuses_with_its_code_and_verdict(sale_fields: dict[str, Any], code: str) -> None:
    sale = make_sale(make_merchant(), **sale_fields)
    with pytest.raises(PolicyRefused) as refused:
        _submit(sale)
    assert refused.value.code == code
    assert refused.value.facts["verdict"].decision.value == "refuse"
    assert not RefundRequest.objects.exists()


def test_another_merchants_or_stores_sale_is_not_found() -> None:
    sale, other = make_sale(make_merchant()), make_sale(make_merchant())
    draft = Draft(amount_fen=1, reason="quality", transaction_id=other.pk)
    with pytest.raises(NotFound):
        requests.submit(draft=draft, by=_by(sale), at=timezone.now())
    elsewhere = sale.merchant.stores.create(code="S002", name="二号店")
    draft = Draft(amount_fen=1, reason="quality", transaction_id=sale.pk)
    with pytest.raises(NotFound):
        requests.submit(draft=draft, by=_by(sale, stores=frozenset({elsewhere.pk})), at=timezone.now())
    with pytest.raises(NotFound):
        _submit(Transaction(pk=uuid4(), merchant=sale.merchant))


def test_pieces_are_spread_over_the_sales_lines_of_the_article() -> None:
    sale = make_sale(make_merchant(), 50_000, quantity=2)
    TransactionLine.objects.create(
        transaction=sale, position=2, sku="SKU-1", name="同款", quantity=3, unit_price_fen=100, amount_fen=300
    )
    request = _submit(sale, 100, lines=[("SKU-1", 1), ("SKU-1", 3)])
    assert sorted(request.lines.values_list("quantity", flat=True)) == [2, 2]
    with pytest.raises(PolicyRefused) as refused:
        _submit(sale, 100, lines=[("SKU-1", 2)])
    assert refused.value.code == "exceeds_quantity"
    with pytest.raises(Invalid) as unknown:
        _submit(sale, 100, lines=[("SKU-9", 1), ("SKU-8", 1)])
    assert len(unknown.value.errors) == 2


def test_amount_above_the_articles_value_is_for_a_person_also_when_sent_in_again() -> None:
    """Otherwise asking for more would be a way around the rule."""
    sale = make_sale(make_merchant(), 50_000, quantity=50)
    request = _submit(sale, 15_000, lines=[("SKU-1", 1)])
    assert request.state == "in_review"
    _ask_for_more(request)
    assert _resubmit(request, amount_fen=14_000).state == "in_review"
    _ask_for_more(RefundRequest.objects.get(pk=request.pk))
    assert _resubmit(request, amount_fen=1_000).state == "approved"


def test_resubmission_is_judged_anew_against_what_is_left_without_itself() -> None:
    sale = make_sale(make_merchant(), 50_000, quantity=2)
    request = _submit(sale, 30_000, lines=[("SKU-1", 2)])
    _ask_for_more(request)
    with pytest.raises(PolicyRefused) as refused:
        _resubmit(request, amount_fen=50_001)
    assert refused.value.code == "exceeds_refundable"
    again = _resubmit(request, amount_fen=50_000, reason="goodwill", description="照片已补")
    stored = RefundRequest.objects.get(pk=request.pk)
    assert (again.state, stored.reason, stored.description, stored.amount_fen) == (
        "in_review",
        "goodwill",
        "照片已补",
        50_000,
    )
    assert stored.paused_at is None
    sale.refresh_from_db()
    assert sale.reserved_fen == 50_000
    assert TransactionLine.objects.get(transaction=sale).reserved_quantity == 2


def test_failed_request_takes_its_pieces_again_or_is_refused() -> None:
    sale = make_sale(make_merchant(), 50_000, quantity=2)
    request = failed(_submit(sale, 1_000, lines=[("SKU-1", 2)]))
    assert TransactionLine.objects.get(transaction=sale).reserved_quantity == 0
    _submit(sale, 1_000, lines=[("SKU-1", 1)])
    with pytest.raises((PolicyRefused, Conflict)) as refused:
        _resubmit(request)
    assert refused.value.code == "exceeds_quantity"


def test_second_payout_of_a_request_has_a_number_of_its_own() -> None:
    request = failed(_submit(make_sale(make_merchant())))
    assert _resubmit(request).state == "approved"
    numbers = list(request.executions.order_by("created_at").values_list("refund_no", flat=True))
    assert [number[-2:] for number in numbers] == ["N1", "N2"]


@pytest.mark.parametrize("state", ["approved", "in_review"])
def test_only_what_waits_for_the_customer_or_failed_can_be_sent_in_again(state: str) -> None:
    sale = make_sale(make_merchant(), 50_000)
    request = _submit(sale, 1_000 if state == "approved" else 30_000)
    with pytest.raises(Conflict) as refused:
        _resubmit(request)
    assert (refused.value.code, refused.value.facts["state"]) == ("state_conflict", state)


@pytest.mark.django_db(transaction=True)
def test_forty_partials_racing_for_one_sale_never_exceed_it() -> None:
    sale = make_sale(make_merchant(), 10_000)

    def ask(_number: int) -> bool:
        try:
            make_request(sale, 700)
        except (PolicyRefused, Conflict) as refused:
            return refused.code != "exceeds_refundable"
        else:
            return True
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        taken = list(pool.map(ask, range(40)))
    sale.refresh_from_db()
    assert (taken.count(True), sale.reserved_fen) == (14, 9_800)
