"""Cases without a receipt: looked for, confirmed, refunded without the sale, linked later, closed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from invariants.inspection import breaches
from merchants.models import Store
from merchants.principals import of_staff
from refunds.intake import without_receipt
from refunds.models import NoReceiptCase, RefundRequest
from refunds.payouts.loop import drain
from refunds.rules.candidates import Told
from terminals.models import Transaction
from tests.api.conftest import Api, api_for, session_for
from tests.factories import make_account, make_merchant, make_request, make_sale, make_staff
from tests.refunds import hand

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return api_for(make_merchant(rules=hand.BY_HAND_RULES))


def opened(api: Api, **told: Any) -> dict[str, Any]:
    answer = api.post("no-receipt-cases", {"kind": "lost_receipt", "store": "S001", **told})
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def fallback(api: Api, case: dict[str, Any], amount_fen: int = 8_000, **fields: Any) -> Any:
    said = {"amount_fen": amount_fen, "reason": "quality", "route": "store_credit", "customer_consent": True}
    return api.post(f"no-receipt-cases/{case['id']}/refund", {**said, **fields})


def test_open_when_two_facts_fit_gives_the_best_first_with_reasons_and_nobody_elses_data(api: Api) -> None:
    best = make_sale(api.merchant, 10_000, phone="13912345678", card_last4="4321")
    near = make_sale(api.merchant, 9_800)
    make_sale(api.merchant, 50_000)
    make_sale(make_merchant(), 10_000)
    since = (timezone.now() - timedelta(hours=3)).isoformat()
    case = opened(api, amount_fen=10_000, paid_after=since, phone_last4="5678", terminal="POS-01")
    assert [one["transaction"] for one in case["candidates"]] == [str(best.pk), str(near.pk)]
    codes = [[fit["code"] for fit in one["fits"]] for one in case["candidates"]]
    assert codes == [["amount", "time", "phone", "store", "terminal"], ["amount_near", "time", "store", "terminal"]]
    assert not [said for said in ("13912345678", "5678", "4321") if said in str(case["candidates"])]
    assert "5678" not in str(NoReceiptCase.objects.get().told)


def test_open_when_fewer_than_two_facts_are_named_stores_nothing(api: Api) -> None:
    answer = api.post(
        "no-receipt-cases", {"kind": "lost_receipt", "store": "S001", "terminal": "POS-01", "amount_fen": 1}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "two_facts_needed")
    assert not NoReceiptCase.objects.exists()


def test_confirm_when_it_is_a_candidate_keeps_who_and_which_facts(api: Api) -> None:
    sale, other = make_sale(api.merchant, 10_000), make_sale(api.merchant, 40_000)
    case = opened(api, amount_fen=10_000, paid_after=(timezone.now() - timedelta(hours=3)).isoformat())
    path = f"no-receipt-cases/{case['id']}/confirm"
    refused = api.post(path, {"transaction": str(other.pk)})
    assert (refused.status_code, refused.json()["code"]) == (422, "no_candidate")
    found = api.post(path, {"transaction": str(sale.pk)}).json()
    assert (found["state"], found["confirmed_by"], found["candidates"]) == ("found", api.by.name, [])
    assert found["confirmed_facts"] == ["amount", "time", "store"]
    assert AuditEvent.objects.get(action="no_receipt.confirm").data["facts"] == ["amount", "time", "store"]
    assert api.post(path, {"transaction": str(sale.pk)}).status_code == 409


def test_reprint_when_the_channel_has_not_confirmed_the_payment_comes_after_asking_it(api: Api) -> None:
    sale = make_sale(api.merchant, 10_000, channel_account=make_account(api.merchant))
    case = opened(
        api,
        kind="missing_slip",
        amount_fen=10_000,
        paid_after=(timezone.now() - timedelta(hours=3)).isoformat(),
    )
    api.post(f"no-receipt-cases/{case['id']}/confirm", {"transaction": str(sale.pk)})
    refused = api.post(f"no-receipt-cases/{case['id']}/reprint", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "reconcile_first")
    Transaction.objects.filter(pk=sale.pk).update(payment_word="paid", payment_word_at=timezone.now())
    assert api.post(f"no-receipt-cases/{case['id']}/reprint", {}).json()["reprinted_at"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"amount_fen": 10_001}, "no_receipt_limit"),
        ({"route": "original"}, "invalid_input"),
        ({"customer_consent": False}, "consent_to_route"),
    ],
)
def test_refund_without_sale_when_above_the_limit_or_not_by_hand_takes_nothing_in(
    api: Api, fields: dict[str, Any], code: str
) -> None:
    case = opened(api, amount_fen=30_000, card_last4="9999")
    answer = fallback(api, case, **fields)
    assert answer.json()["code"] == code
    assert (RefundRequest.objects.count(), Transaction.objects.count()) == (0, 0)
    assert NoReceiptCase.objects.get().state == "open"


def test_refund_without_sale_goes_to_a_person_and_counts_against_the_sale_that_is_found_later(api: Api) -> None:
    case = opened(api, amount_fen=10_000, card_last4="9999", channel="wechat")
    answer = fallback(api, case)
    assert answer.status_code == 200, answer.content
    request = RefundRequest.objects.get()
    assert (request.state, request.by_rule, answer.json()["state"]) == ("in_review", False, "fallback")
    assert fallback(api, case).status_code == 409
    request = hand.approved(request)
    sale = make_sale(api.merchant, 10_000, card_last4="9999")
    cashier = make_staff(api.merchant, "cashier")
    path = f"no-receipt-cases/{case['id']}/confirm"
    assert session_for(cashier).post(path, {"transaction": str(sale.pk)}).status_code == 403
    manager = session_for(make_staff(api.merchant, "manager"))
    found = manager.post(path, {"transaction": str(sale.pk)})
    assert found.status_code == 200, found.content
    sale.refresh_from_db()
    request = RefundRequest.objects.get(pk=request.pk)
    assert (sale.reserved_fen, sale.live_refunds, request.transaction_id) == (8_000, 1, sale.pk)
    assert set(request.executions.values_list("transaction_id", flat=True)) == {sale.pk}
    stood_in = Transaction.objects.get(kind="no_receipt")
    assert (stood_in.reserved_fen, stood_in.live_refunds) == (0, 0)
    assert not [one for one in breaches() if one.code in ("I1", "I2", "I2b", "I3", "I5")]


def test_confirm_when_the_sale_found_later_was_refunded_already_changes_nothing(api: Api) -> None:
    case = opened(api, amount_fen=10_000, card_last4="9999")
    fallback(api, case)
    sale = make_sale(api.merchant, 10_000, card_last4="9999")
    make_request(sale, 5_000)
    manager = of_staff(make_staff(api.merchant, "manager"))
    with pytest.raises(Exception, match="less left to refund"):
        without_receipt.confirm(case_id=case["id"], transaction_id=sale.pk, by=manager, at=timezone.now())
    sale.refresh_from_db()
    assert (sale.reserved_fen, NoReceiptCase.objects.get().sale_id) == (5_000, None)


def test_close_wants_cause_and_prevention_and_the_refund_at_its_end(api: Api) -> None:
    case = opened(api, amount_fen=10_000, card_last4="9999")
    fallback(api, case)
    reviewer = make_staff(api.merchant, "reviewer")
    path = f"no-receipt-cases/{case['id']}/close"
    said = {"cause": "printer", "prevention": "每日开机打印自检", "third_party": "报修单 88"}
    refused = session_for(reviewer).post(path, said)
    assert (refused.status_code, refused.json()["code"]) == (409, "refund_open")
    assert session_for(make_staff(api.merchant, "cashier")).post(path, said).status_code == 403
    hand.approved(RefundRequest.objects.get())
    drain()
    hand.confirmed(RefundRequest.objects.get())
    closed = session_for(reviewer).post(path, said).json()
    assert (closed["state"], closed["cause"], closed["closed_by"]) == ("closed", "printer", reviewer.name)
    assert session_for(reviewer).post(path, said).status_code == 409


def test_chronic_names_the_till_with_three_cases_and_what_its_vendor_was_asked(api: Api) -> None:
    manager = of_staff(make_staff(api.merchant, "manager"))
    now = timezone.now()
    for number in range(4):
        told = Told(amount_fen=100 + number, card_last4="9999", store="S001", terminal="POS-01" if number else "")
        case = without_receipt.open_case(kind="missing_slip", told=told, note="", by=manager, at=now)
    without_receipt.close(
        case_id=case.pk, cause="printer", prevention="换打印机", third_party="厂商：换热敏头", by=manager, at=now
    )
    (found,) = without_receipt.chronic(by=manager, at=now)
    assert (found.terminal, found.cases, found.third_party) == ("POS-01", 3, ["厂商：换热敏头"])
    assert not without_receipt.chronic(by=manager, at=now + timedelta(days=91))


def test_find_when_it_is_another_merchants_or_stores_is_not_found(api: Api) -> None:
    case = opened(api, amount_fen=10_000, card_last4="9999")
    assert api_for(make_merchant()).get(f"no-receipt-cases/{case['id']}").status_code == 404
    other = Store.objects.create(merchant=api.merchant, code="S002", name="二店")
    narrow = make_staff(api.merchant, "manager", stores=[other])
    assert session_for(narrow).client.get(f"/api/v1/no-receipt-cases/{case['id']}").status_code == 404
    listed = api.get("no-receipt-cases").json()["results"]
    assert [one["number"] for one in listed] == [case["number"]]


@pytest.mark.parametrize(
    ("told", "asked", "state"),
    [
        ({"card_last4": "9999"}, {"amount_fen": 8_000}, "in_review"),
        ({"card_last4": "9999"}, {"amount_fen": 5_000}, "in_review"),
        ({"sku": "SKU-1"}, {"amount_fen": 5_000, "customer": {"phone": "+86 139 1234 5678"}}, "in_review"),
        ({"card_last4": "9999", "amount_fen": 9_000}, {"amount_fen": 5_000}, "approved"),
    ],
    ids=["the same amount", "the sale's amount", "one of its articles", "something else"],
)
def test_submit_when_the_receipt_turns_up_after_a_refund_without_it_a_person_decides(
    api: Api, told: dict[str, Any], asked: dict[str, Any], state: str
) -> None:
    case = opened(api, **{"amount_fen": 10_000, **told})
    before = fallback(api, case, customer={"phone": "13912345678"}).json()
    phone = "" if "customer" in asked else "13912345678"
    sale = make_sale(api.merchant, 12_000 if "sku" in told else 10_000, phone=phone)
    said = {"transaction": str(sale.pk), "reason": "quality", "customer_consent": True, **asked}
    answer = api.post("refund-requests", said).json()
    failing = {rule["code"]: rule["actual"] for rule in answer["verdict"]["rules"] if not rule["passed"]}
    assert before["state"] == "fallback"
    first = RefundRequest.objects.order_by("pk")[0].number
    assert (answer["state"], failing.get("possible_duplicate")) == (state, first if state == "in_review" else None)
