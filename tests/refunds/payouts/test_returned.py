"""Transfers that came back: noted by one, paid again by another, once."""

from __future__ import annotations

import pytest
from django.utils import timezone

from core.errors import Conflict, Forbidden, Invalid
from invariants.inspection import breaches
from merchants.models import Merchant
from merchants.principals import Principal, of_staff
from merchants.signing import MustSign
from refunds.facts.vouching import NotVouched
from refunds.models import Execution, LedgerEntry, ReturnedTransfer
from refunds.payouts import payment_files, returned
from refunds.payouts.by_hand import ReferenceUsed
from tests.factories import make_staff
from tests.passkeys import with_passkey
from tests.refunds import hand
from tests.refunds.payouts.test_payment_files import merchant, read, reference, waits

pytestmark = pytest.mark.django_db

__all__ = ["merchant"]


def test_return_when_noted_is_paid_again_by_a_colleague_once(merchant: Merchant, finance: Principal) -> None:
    request = waits(merchant)
    payment_files.export(by=finance, at=timezone.now())
    read(finance, (reference(request), "成功", "B-1", ""))
    assert read(finance, (reference(request), "退汇", "", "")) == [("returned", "")]
    assert read(finance, (reference(request), "退汇", "", "")) == [("known", "")]
    account = returned.NewAccount("王小敏", "6222 0212 3456 7890", "建设银行")
    returned.note(request_id=request.pk, trouble="payee_wrong", account=account, by=finance, at=timezone.now())
    row = returned.open_returns(by=finance).get()
    assert (row.account_no, row.account_last4) == ("6222021234567890", "7890")
    assert Execution.objects.get(request=request).second_leg == "failed"
    with pytest.raises(Forbidden):
        returned.pay_again(request_id=request.pk, reference_no="B-2", by=finance, at=timezone.now())
    colleague = of_staff(make_staff(merchant, "finance"))
    with pytest.raises(ReferenceUsed):
        returned.pay_again(request_id=request.pk, reference_no="b-1", by=colleague, at=timezone.now())
    rows = ReturnedTransfer.objects.all()
    rows.update(account_no="6222021234567891")
    with pytest.raises(NotVouched):
        returned.pay_again(request_id=request.pk, reference_no="B-2", by=colleague, at=timezone.now())
    rows.update(account_no=row.account_no)
    assert rows.get().repaid_at is None
    returned.pay_again(request_id=request.pk, reference_no="B-2", by=colleague, at=timezone.now())
    with pytest.raises(Conflict):
        returned.pay_again(request_id=request.pk, reference_no="B-3", by=colleague, at=timezone.now())
    with pytest.raises(Conflict):
        returned.note(request_id=request.pk, trouble="payee_wrong", by=finance, at=timezone.now())
    entries = LedgerEntry.objects.filter(execution__request=request, account="channel_clearing")
    moved = dict(entries.values_list("kind", "amount_fen"))
    assert moved == {"payout": -1_200, "returned": 1_200, "repaid": -1_200}
    assert not list(breaches())


def test_other_account_when_it_is_not_signed_with_the_passkey_is_not_stored(merchant: Merchant) -> None:
    request = hand.confirmed(waits(merchant))
    staff = make_staff(merchant, "finance")
    with_passkey(staff)
    account = returned.NewAccount("王小敏", "6222021234567890")
    with pytest.raises(MustSign) as asked:
        returned.note(
            request_id=request.pk, trouble="payee_wrong", account=account, by=of_staff(staff), at=timezone.now()
        )
    fields = asked.value.statement.fields
    assert (fields["decision"], fields["amount"], fields["route"]) == ("return_to", 1_200, "bank_transfer")
    assert fields["payee"]
    assert not ReturnedTransfer.objects.exists()


def test_return_when_nothing_was_paid_or_the_account_is_none_stores_nothing(
    merchant: Merchant, finance: Principal
) -> None:
    request = waits(merchant)
    with pytest.raises(Conflict):
        returned.note(request_id=request.pk, trouble="payee_wrong", by=finance, at=timezone.now())
    request = hand.confirmed(request)
    for account in (returned.NewAccount("", "6222021234567890"), returned.NewAccount("王", "12ab")):
        with pytest.raises(Invalid):
            returned.note(request_id=request.pk, trouble="payee_wrong", account=account, by=finance, at=timezone.now())
    with pytest.raises(Invalid):
        returned.note(request_id=request.pk, trouble="?", by=finance, at=timezone.now())
    assert not ReturnedTransfer.objects.exists()
    assert not LedgerEntry.objects.filter(kind="returned").exists()
