"""A sale that was reported wrongly: known again, refused with what differs, set right without uncovering a refund."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import DomainError, Forbidden
from merchants.models import ChannelAccount, KeyScope
from merchants.principals import of_staff
from merchants.rights import Act
from refunds.facts import conditions
from refunds.models import RefundRequest
from refunds.payouts import ways_back
from refunds.review import deciding
from terminals.correcting import SaleCorrection, correct_sale
from terminals.models import Deposit, Transaction
from terminals.versions import CORRECTED
from tests.api.conftest import api_for
from tests.factories import make_account, make_merchant, make_request, make_sale, make_staff
from tests.said import said

pytestmark = pytest.mark.django_db

_SALE: dict[str, Any] = {
    "order_no": "A1",
    "channel": "wechat",
    "channel_transaction_no": "4200001",
    "amount_fen": 33_980,
    "paid_at": "2026-11-20T18:42:15+08:00",
    "store": "S001",
    "cashier": "C017",
    "payer": {"phone": "13800006021", "card_last4": "1234", "funding": "debit_card"},
    "lines": [
        {"sku": "A", "name": "锅", "quantity": 1, "unit_price_fen": 26_800, "amount_fen": 26_800},
        {"sku": "B", "name": "杯", "quantity": 2, "unit_price_fen": 3_590, "amount_fen": 7_180},
    ],
}


@pytest.mark.parametrize(
    "same",
    [
        {},
        {"paid_at": "2026-11-20T10:42:15Z"},
        {"paid_at": "2026-11-20T10:42:15.300Z"},
        {"cashier": " c017 "},
        {"payer": {**_SALE["payer"], "phone": "+86 138-0000-6021"}},
        {"lines": _SALE["lines"][::-1]},
        {
            "lines": [
                {**line, "sku": line["sku"].lower(), "name": f" {line['name'].replace(' ', '  ')}"}
                for line in _SALE["lines"]
            ]
        },
        {"paid_at": "2026-11-20T18:42:15+0800"},
    ],
)
def test_report_when_the_same_facts_come_again_in_any_spelling_is_the_known_sale(same: dict[str, Any]) -> None:
    api = api_for(_shop())
    first = api.post("transactions", _SALE)

    again = api.post("transactions", {**_SALE, **same})

    assert (first.status_code, again.status_code) == (201, 200), again.content
    assert again.json()["id"] == first.json()["id"]


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("amount_fen", {"amount_fen": 33_981}),
        ("order_no", {"order_no": "A2"}),
        ("paid_at", {"paid_at": "2026-11-20T18:42:16+08:00"}),
        ("cashier", {"cashier": "C018"}),
        ("kind", {"kind": "deposit"}),
        ("store", {"store": "S002"}),
        ("payer.phone", {"payer": {**_SALE["payer"], "phone": "13800006022"}}),
        ("payer.card_last4", {"payer": {**_SALE["payer"], "card_last4": "4321"}}),
        ("payer.funding", {"payer": {**_SALE["payer"], "funding": "credit_card"}}),
        ("lines", {"lines": _SALE["lines"][:1]}),
    ],
)
def test_report_when_another_fact_comes_under_the_known_number_is_told_what_differs(
    field: str, other: dict[str, Any]
) -> None:
    api = api_for(_shop())
    first = api.post("transactions", _SALE).json()

    answer = api.post("transactions", {**_SALE, **other})

    told = answer.json()
    assert (answer.status_code, told["code"]) == (409, "sale_differs"), told
    assert [row["field"] for row in told["errors"]] == [field]
    assert told["transaction"] == first["id"]
    assert "13800006021" not in answer.content.decode()
    assert api.get(f"transactions/{first['id']}").json().items() >= first.items()


def test_correct_sale_when_its_facts_were_wrong_keeps_before_and_after() -> None:
    api = api_for(_shop())
    sale = api.post("transactions", _SALE).json()
    lines = [{**_SALE["lines"][0], "amount_fen": 30_000}]

    answer = api.post(
        f"transactions/{sale['id']}/corrections",
        {"amount_fen": 30_000, "cashier": "C001", "lines": lines, "payer": {"phone": "13900000000"}, "reason": "录错"},
    )

    assert answer.status_code == 200, answer.content
    assert (answer.json()["amount_fen"], answer.json()["cashier"]) == (30_000, "C001")
    assert [line["sku"] for line in answer.json()["lines"]] == ["A"]
    event = AuditEvent.objects.get(action=CORRECTED)
    assert event.object_id == sale["id"]
    assert said(event)["reason"] == "录错"
    assert (event.data["before"]["amount_fen"], event.data["after"]["amount_fen"]) == (33_980, 30_000)
    assert "139" not in str(event.data)
    assert api.post("transactions", {**_SALE, "amount_fen": 33_981}).json()["code"] == "sale_differs"


@pytest.mark.parametrize(
    ("correction", "code"),
    [
        ({"amount_fen": 1_199}, "correction_below_refunds"),
        ({"lines": []}, "correction_below_refunds"),
        ({"store": "S002"}, "correction_below_refunds"),
        ({"store": "S999"}, "unknown_store"),
        ({"terminal": "POS-99"}, "unknown_terminal"),
        ({"paid_at": "2031-01-01T00:00:00+08:00"}, "paid_in_the_future"),
        ({}, "nothing_to_correct"),
    ],
)
def test_correct_sale_when_it_cannot_be_changes_nothing(correction: dict[str, Any], code: str) -> None:
    shop = _shop()
    api = api_for(shop)
    sale = make_sale(shop, 50_000)
    line = {"sku": sale.lines.get().sku, "quantity": 1}
    asked = {"transaction": str(sale.pk), "amount_fen": 1_200, "reason": "quality", "lines": [line]}
    assert api.post("refund-requests", asked).status_code == 201
    before = Transaction.objects.filter(pk=sale.pk).values().get()

    answer = api.post(f"transactions/{sale.pk}/corrections", {**correction, "reason": "x"})

    assert answer.json()["code"] == code, answer.content
    assert Transaction.objects.filter(pk=sale.pk).values().get() == before
    assert not AuditEvent.objects.filter(action=CORRECTED).exists()


def test_correct_sale_when_the_key_lacks_the_scope_or_the_store_is_refused() -> None:
    shop = _shop()
    sale = make_sale(shop, 50_000)
    body = {"amount_fen": 60_000, "reason": "x"}
    without = api_for(shop, scopes=[KeyScope.TRANSACTIONS_WRITE])
    elsewhere = api_for(shop, store=shop.stores.get(code="S002"))

    assert without.post(f"transactions/{sale.pk}/corrections", body).json()["code"] == "missing_scope"
    assert elsewhere.post(f"transactions/{sale.pk}/corrections", body).status_code == 404
    assert api_for(make_merchant()).post(f"transactions/{sale.pk}/corrections", body).status_code == 404
    assert Transaction.objects.get(pk=sale.pk).amount_fen == 50_000


def test_decide_when_the_sale_was_corrected_by_them_or_was_theirs_before_is_forbidden() -> None:
    shop = _shop()
    sale = make_sale(shop, 50_000)
    Transaction.objects.filter(pk=sale.pk).update(cashier="till-7")
    rang_up = make_staff(shop, "owner", till_codes=["TILL-7"])
    corrector, other = make_staff(shop, "owner"), make_staff(shop, "owner")
    request = make_request(sale, 30_000)

    correct_sale(
        transaction_id=sale.pk,
        correction=SaleCorrection(cashier="C777"),
        reason="x",
        by=of_staff(corrector),
        at=timezone.now(),
    )
    request = RefundRequest.objects.get(pk=request.pk)

    for staff in (rang_up, corrector):
        with pytest.raises(Forbidden) as refused:
            conditions.check(Act.APPROVE, by=of_staff(staff), request=request)
        assert refused.value.code == "own_request"
    conditions.check(Act.APPROVE, by=of_staff(other), request=request)


def test_correct_sale_when_it_already_says_so_leaves_no_event() -> None:
    shop = _shop()
    sale = make_sale(shop, 50_000)
    by = of_staff(make_staff(shop, "finance"))

    again = correct_sale(
        transaction_id=sale.pk, correction=SaleCorrection(amount_fen=50_000), reason="x", by=by, at=timezone.now()
    )

    assert again.corrected_at is None
    assert not AuditEvent.objects.filter(action=CORRECTED).exists()


def test_correct_sale_when_nobody_says_why_is_refused() -> None:
    shop = _shop()
    by = of_staff(make_staff(shop, "finance"))

    with pytest.raises(DomainError) as refused:
        correct_sale(
            transaction_id=make_sale(shop, 50_000).pk,
            correction=SaleCorrection(paid_at=timezone.now() - timedelta(days=1)),
            reason="  ",
            by=by,
            at=timezone.now(),
        )

    assert refused.value.code == "reason_required"


def _shop() -> Any:
    shop = make_merchant()
    make_account(shop)
    shop.stores.create(code="S002", name="二号店")
    return shop


def test_correct_sale_when_an_article_has_two_prices_each_line_stays_the_one_that_refunds_know() -> None:
    shop = _shop()
    api = api_for(shop)
    line = {"sku": "A", "name": "锅", "quantity": 1}
    told = [{**line, "unit_price_fen": fen, "amount_fen": fen} for fen in (10_000, 5_000, 4_000)]
    # Paid today: of a payment of long ago nothing can be asked for any more.
    paid = {**_SALE, "paid_at": timezone.now().isoformat(), "amount_fen": 15_000}
    sale = api.post("transactions", {**paid, "lines": told[:2]}).json()
    asked = {"transaction": sale["id"], "amount_fen": 10_000, "reason": "quality"}
    api.post("refund-requests", {**asked, "lines": [{"sku": "A", "quantity": 1}]})

    body = {"amount_fen": 14_000, "lines": [told[2], told[0]], "reason": "录错"}
    answer = api.post(f"transactions/{sale['id']}/corrections", body)

    assert [(one["amount_fen"], one["returned_quantity"]) for one in answer.json()["lines"]] == [
        (4_000, 0),
        (10_000, 1),
    ]


def test_correct_sale_when_an_order_was_rejected_another_number_does_not_open_it() -> None:
    api = api_for(_shop())
    sale = Transaction.objects.get(
        pk=api.post("transactions", {**_SALE, "paid_at": timezone.now().isoformat()}).json()["id"]
    )
    rejected = make_request(sale, 30_000)
    manager = of_staff(make_staff(sale.merchant, "manager"))
    deciding.reject(
        request_id=rejected.pk, by=manager, at=timezone.now(), version=rejected.version, reason="no_proof", message="x"
    )
    correct_sale(
        transaction_id=sale.pk, correction=SaleCorrection(order_no="A2"), reason="录错", by=api.by, at=timezone.now()
    )
    again = make_request(sale, 1_200)
    failing = [rule["code"] for rule in again.verdict["rules"] if not rule["passed"]]
    assert (again.state, failing) == ("in_review", ["order_not_rejected"])


def test_correct_sale_when_a_refund_was_withdrawn_its_store_stays() -> None:
    shop = _shop()
    sale = make_sale(shop, 50_000)
    asked = make_request(sale, 30_000)
    ways_back.cancel(request_id=asked.pk, by=of_staff(make_staff(shop, "manager")), at=timezone.now())
    answer = api_for(shop).post(f"transactions/{sale.pk}/corrections", {"store": "S002", "reason": "x"})
    assert (answer.status_code, answer.json()["code"]) == (409, "correction_below_refunds")


def test_correct_sale_when_its_store_has_an_account_of_its_own_goes_back_through_that() -> None:
    shop = _shop()
    api = api_for(shop)
    account = ChannelAccount.objects.create(
        merchant=shop, store=shop.stores.get(code="S002"), channel="wechat", code="wx-2", base_url="http://127.0.0.1:9"
    )
    sale = api.post("transactions", _SALE).json()
    assert Transaction.objects.get().channel_account != account

    api.post(f"transactions/{sale['id']}/corrections", {"store": "S002", "reason": "x"})

    assert Transaction.objects.get().channel_account == account


def test_correct_sale_when_a_deposits_terms_were_recorded_wrongly_keeps_before_and_after() -> None:
    shop = _shop()
    api = api_for(shop)
    sale = make_sale(shop, 30_000, kind="deposit")
    said = {"kind": "earnest", "contract_amount_fen": 100_000, "terms": "婚宴 12 桌"}
    assert api.post(f"transactions/{sale.pk}/deposit", said).status_code == 200
    path = f"transactions/{sale.pk}/corrections"
    right = {"deposit": {"kind": "advance", "contract_amount_fen": 120_000}, "reason": "录错"}
    answer = api.post(path, right)
    assert answer.status_code == 200, answer.content
    deposit = answer.json()["deposit"]
    assert (deposit["kind"], deposit["contract_amount_fen"], deposit["terms"]) == ("advance", 120_000, "婚宴 12 桌")
    told = AuditEvent.objects.get(action=CORRECTED).data
    assert (told["before"]["deposit"][0], told["after"]["deposit"][0]) == ("earnest", "advance")
    assert api.post(path, {"deposit": {"contract_amount_fen": 29_999}, "reason": "x"}).status_code == 422
    make_request(sale, 1_000)
    late = api.post(path, {"deposit": {"kind": "earnest"}, "reason": "x"})
    assert (late.status_code, late.json()["code"]) == (409, "correction_below_refunds")
    none = api.post(f"transactions/{make_sale(shop).pk}/corrections", {"deposit": {"terms": "x"}, "reason": "x"})
    assert (none.status_code, none.json()["code"]) == (422, "no_deposit_terms")
    assert Deposit.objects.get().kind == "advance"
