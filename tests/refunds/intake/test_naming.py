"""Another account of the customer's: named by them, decided and paid by people."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from core.errors import DomainError, Forbidden, Invalid
from merchants.principals import of_staff
from refunds import lifecycle
from refunds.facts import conditions
from refunds.intake import naming
from refunds.models import Payee, RefundRequest
from refunds.payouts import by_hand
from refunds.payouts.loop import drain
from refunds.review import deciding
from terminals.models import Transaction
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.reconciliation.test_arrivals import customer_of
from tests.refunds import hand
from tests.refunds.settled import failed

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_() -> RefundRequest:
    request = failed(make_request(make_sale(hand.make_shop(), payer_phone="13800006021"), 1_200))
    request.executions.update(failure_remedy="other_route")
    return request


def name(request: RefundRequest, *, consent: bool = True, phone: str | None = None, **changes: Any) -> RefundRequest:
    return naming.name_account(
        request_id=request.pk,
        account=replace(hand.ACCOUNT, **changes),
        consent=consent,
        phone=conditions.phone_to_show(request) if phone is None else phone,
        by=customer_of(request),
        at=timezone.now(),
    )


def test_name_account_goes_to_a_person_and_is_paid_by_another(request_: RefundRequest) -> None:
    assert naming.waits_for_account(request_, by=customer_of(request_))

    again = name(request_)

    assert (again.state, again.route) == ("in_review", "bank_transfer")
    assert Payee.objects.get(request=request_).account_no == hand.ACCOUNT_NO
    boss = make_staff(request_.merchant, "owner")
    approved = deciding.approve(request_id=again.pk, by=of_staff(boss), at=timezone.now(), version=again.version)
    assert approved.state == "approved"
    drain()
    waiting = RefundRequest.objects.get(pk=again.pk)
    with pytest.raises(Forbidden):
        by_hand.confirm(
            request_id=again.pk,
            payment=hand.payment(waiting),
            by=of_staff(boss),
            at=timezone.now(),
            version=waiting.version,
        )


@pytest.mark.parametrize(
    "changes", [{"account_no": "12"}, {"account_no": "<b>1</b>"}, {"holder_name": " "}, {"bank_name": "x" * 61}]
)
def test_name_account_when_it_is_not_whole_changes_nothing(request_: RefundRequest, changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        name(request_, **changes)
    assert RefundRequest.objects.get(pk=request_.pk).state == "failed"
    assert not Payee.objects.exists()


def test_name_account_without_consent_or_twice_changes_nothing(request_: RefundRequest) -> None:
    with pytest.raises(Invalid):
        name(request_, consent=False)
    name(request_)
    with pytest.raises(lifecycle.WrongState):
        name(request_)
    assert Payee.objects.count() == 1


def test_name_account_when_the_fault_is_another_is_refused(request_: RefundRequest) -> None:
    request_.executions.update(failure_remedy="check_keys")
    with pytest.raises(DomainError):
        name(request_)
    assert RefundRequest.objects.get(pk=request_.pk).state == "failed"


@pytest.mark.parametrize("phone", ["", "13911112222"], ids=["none", "another"])
def test_name_account_by_who_has_only_the_link_changes_nothing(request_: RefundRequest, phone: str) -> None:
    """Who decides or pays it sees the link, too: an account that they named would be nobody's hand in it."""
    assert conditions.phone_to_show(request_)
    with pytest.raises(conditions.PhoneNotShown):
        name(request_, phone=phone)
    assert RefundRequest.objects.get(pk=request_.pk).state == "failed"
    assert not Payee.objects.exists()


def test_name_account_when_no_phone_is_known_is_for_the_store(request_: RefundRequest) -> None:
    Transaction.objects.update(payer_phone="")
    RefundRequest.objects.update(customer_phone="")
    request = RefundRequest.objects.get(pk=request_.pk)
    assert conditions.phone_to_show(request) == ""
    with pytest.raises(conditions.PhoneNotShown):
        name(request)
    assert not Payee.objects.exists()


def test_phone_to_show_is_the_sales_before_one_that_was_typed_in(request_: RefundRequest) -> None:
    Transaction.objects.update(payer_phone="13800001111")
    RefundRequest.objects.update(customer_phone="13900002222")
    assert conditions.phone_to_show(RefundRequest.objects.get(pk=request_.pk)) == "13800001111"
    Transaction.objects.update(payer_phone="")
    assert conditions.phone_to_show(RefundRequest.objects.get(pk=request_.pk)) == "13900002222"


def test_name_account_in_a_sandbox_takes_no_code(request_: RefundRequest) -> None:
    """It pays nobody, and nobody is sent anything from it."""
    request_.merchant.sandbox_of = make_merchant()
    request_.merchant.save()
    assert conditions.phone_to_show(RefundRequest.objects.get(pk=request_.pk)) == ""
    assert name(request_, phone="").state == "in_review"
