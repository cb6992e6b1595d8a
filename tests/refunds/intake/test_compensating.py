"""What is owed on top of a deposit by the merchant's breach: a transfer without a sale, beside the deposit's refund."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from core.errors import Forbidden
from invariants.inspection import breaches
from merchants.principals import of_customer, of_staff
from refunds.intake import compensating, resubmitting
from refunds.intake.resubmitting import Correction
from refunds.models import Compensation, LedgerEntry, RefundRequest
from refunds.payouts import by_hand
from refunds.payouts.loop import drain
from refunds.review import deciding
from terminals.models import Transaction
from tests.api.conftest import Api, api_for
from tests.factories import RULES, make_merchant, make_sale, make_staff
from tests.refunds import hand
from tests.refunds.limited import body

pytestmark = pytest.mark.django_db

PAYEE = {"holder_name": "王小敏", "account_no": hand.ACCOUNT_NO, "bank_name": "工商银行"}


@pytest.fixture
def api() -> Api:
    reasons = {**RULES["reasons"], "deposit": {**RULES["reasons"]["quality"], "window_days": 365}}
    return api_for(make_merchant(rules={**hand.BY_HAND_RULES, "reasons": reasons, "four_eyes_above_fen": 1_000_000}))


def deposit(api: Api, kind: str = "earnest") -> Transaction:
    sale = make_sale(api.merchant, 30_000, kind="deposit", phone="13900000001")
    said = {"kind": kind, "contract_amount_fen": 100_000, "terms": "婚宴 12 桌"}
    assert api.post(f"transactions/{sale.pk}/deposit", said).status_code == 200
    return sale


def ended(api: Api, sale: Transaction, cause: str = "merchant_breaks", **claim: Any) -> dict[str, Any]:
    said = body(sale, 30_000, reason="deposit", deposit={"cause": cause, **claim})
    answer = api.post("refund-requests", said)
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def approve(request: RefundRequest) -> RefundRequest:
    fresh = RefundRequest.objects.get(pk=request.pk)
    by = of_staff(make_staff(fresh.merchant, "manager"))
    return deciding.approve(request_id=fresh.pk, by=by, at=timezone.now(), version=fresh.version)


def test_submit_when_the_account_is_given_asks_for_what_the_rule_owes_by_transfer(api: Api) -> None:
    sale = deposit(api)
    main = RefundRequest.objects.get(pk=ended(api, sale, payee=PAYEE)["id"])
    beside = main.compensation.payout
    assert (beside.amount_fen, beside.route, beside.state) == (20_000, "bank_transfer", "in_review")
    assert beside.transaction_id != sale.pk
    sale.refresh_from_db()
    assert (sale.reserved_fen, main.amount_fen) == (30_000, 30_000)
    told = api.get(f"refund-requests/{main.pk}").json()
    assert told["deposit"]["cause"] == "merchant_breaks"
    assert told["compensation"] == {
        "refund_request": str(beside.pk),
        "number": beside.number,
        "state": "in_review",
        "amount_fen": 20_000,
    }


def test_approve_when_the_deposit_itself_is_undecided_or_rejected_is_refused(api: Api) -> None:
    main = RefundRequest.objects.get(pk=ended(api, deposit(api), payee=PAYEE)["id"])
    beside = main.compensation.payout
    with pytest.raises(Exception, match="the deposit itself is not approved"):
        approve(beside)
    manager = of_staff(make_staff(api.merchant, "manager"))
    said: dict[str, Any] = {"reason": "no_proof", "message": "无凭证"}
    deciding.reject(request_id=main.pk, by=manager, at=timezone.now(), version=main.version, **said)
    with pytest.raises(Exception, match="the deposit itself is not approved"):
        approve(beside)
    beside = RefundRequest.objects.get(pk=beside.pk)
    assert beside.state == "in_review"


def test_paid_compensation_takes_two_approvals_and_is_booked_as_our_cost(api: Api) -> None:
    main = RefundRequest.objects.get(pk=ended(api, deposit(api), payee=PAYEE)["id"])
    beside = main.compensation.payout
    assert approve(main).state == "approved"
    assert approve(beside).state == "in_review"  # the first of two
    assert approve(beside).state == "approved"
    drain()
    waiting = RefundRequest.objects.get(pk=beside.pk)
    by_hand.confirm(
        request_id=beside.pk,
        payment=hand.payment(waiting),
        by=hand.payer(waiting),
        at=timezone.now(),
        version=waiting.version,
    )
    waiting = RefundRequest.objects.get(pk=waiting.pk)
    assert (waiting.state, waiting.refunded_fen) == ("refunded", 20_000)
    booked = dict(LedgerEntry.objects.filter(execution__request=waiting).values_list("account", "amount_fen"))
    assert booked == {"compensation": 20_000, "channel_clearing": -20_000}
    assert not [breach for breach in breaches() if breach.code in ("I1", "I2", "I2c", "I4", "I5", "I6")]


def test_ask_when_asked_twice_or_nothing_is_owed_or_no_account_is_refused(api: Api) -> None:
    main = ended(api, deposit(api))
    path = f"refund-requests/{main['id']}/compensation"
    assert api.post(path, {**PAYEE, "account_no": "12"}).status_code == 422
    assert not Compensation.objects.exists()
    assert api.post(path, PAYEE).status_code == 200
    again = api.post(path, PAYEE)
    assert (again.status_code, again.json()["code"]) == (409, "compensation_asked")
    none = ended(api, deposit(api, "advance"))
    refused = api.post(f"refund-requests/{none['id']}/compensation", PAYEE)
    assert (refused.status_code, refused.json()["code"]) == (422, "nothing_owed")
    assert Compensation.objects.count() == 1


def test_submit_when_the_stand_in_is_named_by_anybody_else_finds_no_sale(api: Api) -> None:
    main = RefundRequest.objects.get(pk=ended(api, deposit(api), payee=PAYEE)["id"])
    sale = main.compensation.payout.transaction
    answer = api.post("refund-requests", body(sale, 20_000, route="bank_transfer", payee=PAYEE))
    assert (answer.status_code, answer.json()["code"]) == (404, "transaction_not_found")
    correction = {"amount_fen": 900_000, "reason": "x"}
    assert api.post(f"transactions/{sale.pk}/corrections", correction).status_code == 404
    assert RefundRequest.objects.count() == 2


def test_ask_when_the_customers_own_link_asks_is_refused(api: Api) -> None:
    main = RefundRequest.objects.get(pk=ended(api, deposit(api))["id"])
    link = of_customer(merchant_id=main.merchant_id, store_id=main.store_id, request_id=main.pk)
    with pytest.raises(Forbidden):
        compensating.ask(request_id=main.pk, account=hand.ACCOUNT, by=link, at=timezone.now())
    with pytest.raises(Forbidden):
        resubmitting.resubmit(request_id=main.pk, correction=Correction(amount_fen=1), by=link, at=timezone.now())
    assert not Compensation.objects.exists()
