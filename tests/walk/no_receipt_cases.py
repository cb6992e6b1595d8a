"""Every act of customers without a receipt, at the desk and through the API."""

from __future__ import annotations

from typing import Any

from merchants.models import Role
from refunds.models import NoReceiptCase, RefundRequest
from refunds.models.no_receipt import CaseState
from terminals.models import Transaction
from tests.walk.cases import case
from tests.walk.stage import Stage

_DESK, _API = "/desk/no-receipt", "/api/v1/no-receipt-cases"
_DESK_CASE, _API_CASE = f"{_DESK}/<int:case_id>", f"{_API}/<int:case_id>"
_TOLD: dict[str, Any] = {"kind": "lost_receipt", "store": "S001", "terminal": "POS-01", "channel": "wechat"}
_WHY: dict[str, Any] = {"cause": "printer", "prevention": "每日自检", "third_party": "已报修"}


def _opened(stage: Stage) -> NoReceiptCase:
    """A case by the amount and the end of the card."""
    stage.call("POST", "no-receipt-cases", {**_TOLD, "amount_fen": 8_800, "card_last4": "4321"}, expect=201)
    return NoReceiptCase.objects.latest("pk")


def _fitting(stage: Stage) -> tuple[NoReceiptCase, Transaction]:
    """A case and the sale that it is about."""
    sale = stage.sale(8_800, card_last4="4321")
    return _opened(stage), sale


def _found(stage: Stage) -> NoReceiptCase:
    """Its sale is confirmed."""
    found, sale = _fitting(stage)
    stage.call("POST", f"no-receipt-cases/{found.pk}/confirm", {"transaction": str(sale.pk)})
    return found


def _confirmed_by_channel(stage: Stage) -> NoReceiptCase:
    """Its sale is confirmed, and its channel has said that it was paid."""
    found = _found(stage)
    found.refresh_from_db()
    stage.call("POST", f"transactions/{found.sale_id}/trade-queries", {})
    return found


def _fresh(found: NoReceiptCase) -> NoReceiptCase:
    return NoReceiptCase.objects.get(pk=found.pk)


def _refunded(found: NoReceiptCase) -> tuple[str, str, int]:
    """How the case stands, how its refund goes back, and how much."""
    request = RefundRequest.objects.get()
    assert _fresh(found).request_id == request.pk
    return _fresh(found).state, request.route, request.amount_fen


# --- at the desk ------------------------------------------------------------------------------------------------------


@case("GET", _DESK)
def cases(stage: Stage) -> None:
    found = _opened(stage)
    assert str(found) in stage.get(Role.CASHIER, _DESK)


@case("POST", _DESK)
def open_case(stage: Stage) -> None:
    answer = stage.post(Role.CASHIER, _DESK, **_TOLD, amount="88.00", card="4321")
    found = NoReceiptCase.objects.get()
    assert (answer["Location"], found.owner) == (f"{_DESK}/{found.pk}", stage.person(Role.CASHIER))


@case("GET", _DESK_CASE)
def show_case(stage: Stage) -> None:
    found, sale = _fitting(stage)
    assert sale.order_no in stage.get(Role.CASHIER, f"{_DESK}/{found.pk}")


@case("POST", f"{_DESK_CASE}/confirm")
def confirm(stage: Stage) -> None:
    found, sale = _fitting(stage)
    stage.post(Role.CASHIER, f"{_DESK}/{found.pk}/confirm", sale=sale.pk)
    assert (_fresh(found).state, _fresh(found).sale) == (CaseState.FOUND, sale)


@case("POST", f"{_DESK_CASE}/ask")
def ask_channel(stage: Stage) -> None:
    found = _found(stage)
    stage.post(Role.CASHIER, f"{_DESK}/{found.pk}/ask")
    assert Transaction.objects.get().payment_word == "paid"


@case("POST", f"{_DESK_CASE}/reprint")
def reprint(stage: Stage) -> None:
    found = _confirmed_by_channel(stage)
    stage.post(Role.CASHIER, f"{_DESK}/{found.pk}/reprint")
    assert _fresh(found).reprinted_by == stage.person(Role.CASHIER).name


@case("POST", f"{_DESK_CASE}/refund")
def refund(stage: Stage) -> None:
    found = _opened(stage)
    form: dict[str, Any] = {"amount": "66.00", "reason": "quality", "route": "store_credit", "consent": "1"}
    stage.post(Role.CASHIER, f"{_DESK}/{found.pk}/refund", **form, phone="13800006021")
    assert _refunded(found) == (CaseState.FALLBACK, "store_credit", 6_600)


@case("POST", f"{_DESK_CASE}/close")
def close(stage: Stage) -> None:
    found = _opened(stage)
    stage.post(Role.MANAGER, f"{_DESK}/{found.pk}/close", **_WHY)
    assert (_fresh(found).state, _fresh(found).prevention) == (CaseState.CLOSED, "每日自检")


# --- the API ----------------------------------------------------------------------------------------------------------


@case("GET", _API)
def list_cases(stage: Stage) -> None:
    found = _opened(stage)
    assert [row["number"] for row in stage.call("GET", "no-receipt-cases")["results"]] == [str(found)]


@case("POST", _API)
def open_by_call(stage: Stage) -> None:
    sale = stage.sale(8_800, card_last4="4321", phone="13800006021")
    told = {**_TOLD, "card_last4": "4321", "phone_last4": "6021", "note": "顾客记得尾号"}
    answer = stage.call("POST", "no-receipt-cases", told, expect=201)
    assert [one["transaction"] for one in answer["candidates"]] == [str(sale.pk)]
    assert NoReceiptCase.objects.get().note == "顾客记得尾号"


@case("GET", f"{_API}/chronic")
def chronic(stage: Stage) -> None:
    for _ in range(3):
        _opened(stage)
    told = stage.call("GET", "no-receipt-cases/chronic")["results"]
    assert ("POS-01", 3) in {(one["terminal"], one["cases"]) for one in told}


@case("GET", _API_CASE)
def get_case(stage: Stage) -> None:
    found, sale = _fitting(stage)
    (fits,) = stage.call("GET", f"no-receipt-cases/{found.pk}")["candidates"]
    assert fits["order_no"] == sale.order_no


@case("POST", f"{_API_CASE}/confirm")
def confirm_by_call(stage: Stage) -> None:
    found, sale = _fitting(stage)
    answer = stage.call("POST", f"no-receipt-cases/{found.pk}/confirm", {"transaction": str(sale.pk)})
    assert (answer["state"], answer["transaction"], _fresh(found).sale) == ("found", str(sale.pk), sale)


@case("POST", f"{_API_CASE}/reprint")
def reprint_by_call(stage: Stage) -> None:
    found = _confirmed_by_channel(stage)
    answer = stage.call("POST", f"no-receipt-cases/{found.pk}/reprint", {})
    assert (answer["reprinted_at"] is not None, _fresh(found).reprinted_by) == (True, "till")


@case("POST", f"{_API_CASE}/refund")
def refund_by_call(stage: Stage) -> None:
    found = _opened(stage)
    body = {"amount_fen": 6_600, "reason": "quality", "route": "store_credit", "customer_consent": True}
    answer = stage.call("POST", f"no-receipt-cases/{found.pk}/refund", body)
    assert answer["refund_request"] == str(RefundRequest.objects.get().pk)
    assert _refunded(found) == (CaseState.FALLBACK, "store_credit", 6_600)


@case("POST", f"{_API_CASE}/close")
def close_by_call(stage: Stage) -> None:
    # No key closes a case: a person answers for it.
    found = _opened(stage)
    assert stage.call_as(Role.REVIEWER, f"no-receipt-cases/{found.pk}/close", _WHY)["state"] == "closed"
    assert _fresh(found).third_party == "已报修"
