"""Every act beside a refund's life: what a customer agreed to, taking it up again, deposits and what is owed on top of them."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from merchants import policies
from merchants.models import Role
from merchants.principals import of_staff
from refunds.models import Agreement, Compensation, RefundRequest
from refunds.review import deciding
from terminals.models import Deposit, Transaction
from tests import papers, pictures
from tests.refunds import hand
from tests.walk.cases import case
from tests.walk.stage import Stage, fresh, text_of

_DESK, _API = "/desk/refunds/<str:number>", "/api/v1/refund-requests/<id:request_id>"
_SALE = "transactions/<id:transaction_id>"
_AGREED = {"agreed_by": "王女士", "means": "phone", "words": "退一半即可"}


def _rejected(stage: Stage) -> RefundRequest:
    request, by = stage.in_review(), of_staff(stage.person(Role.REVIEWER))
    why: dict[str, Any] = {"reason": "no_proof", "message": "没有小票"}
    return deciding.reject(request_id=request.pk, by=by, at=timezone.now(), version=request.version, **why)


def _deposit(stage: Stage) -> Transaction:
    """An earnest of 339.80 with its terms."""
    sale = stage.sale(kind="deposit")
    said = {"kind": "earnest", "contract_amount_fen": 10 * sale.amount_fen, "terms": "婚宴 12 桌"}
    stage.call("POST", f"transactions/{sale.pk}/deposit", said)
    return sale


def _broken(stage: Stage) -> RefundRequest:
    """The whole deposit goes back, for the merchant broke the contract: as much again is owed."""
    rules = {**hand.BY_HAND_RULES, "reasons": {"deposit": hand.BY_HAND_RULES["reasons"]["quality"]}}
    by = of_staff(stage.person(Role.OWNER))
    policies.publish(merchant=stage.merchant, name="deposits", rules=rules, by=by, at=timezone.now())
    sale = _deposit(stage)
    asked: dict[str, Any] = {
        "transaction": str(sale.pk),
        "amount_fen": sale.amount_fen,
        "reason": "deposit",
        "customer_consent": True,
        "deposit": {"cause": "merchant_breaks"},
    }
    return RefundRequest.objects.get(pk=stage.call("POST", "refund-requests", asked, expect=201)["id"])


def _owed(request: RefundRequest) -> tuple[int, str]:
    """How much goes beside the refund, and how."""
    payout = Compensation.objects.get(request=request).payout
    return payout.amount_fen, payout.route


# --- what a customer agreed to ----------------------------------------------------------------------------------------


@case("POST", f"{_DESK}/agree")
def agree(stage: Stage) -> None:
    request = stage.in_review()
    form: dict[str, Any] = {**_AGREED, "version": request.version, "amount": "120.00"}
    stage.post(Role.REVIEWER, f"/desk/refunds/{request.number}/agree", **form)
    assert (Agreement.objects.get().amount_fen, Agreement.objects.get().agreed_by) == (12_000, "王女士")


@case("POST", f"{_API}/agreements")
def agree_by_call(stage: Stage) -> None:
    request = stage.in_review()
    body = {**_AGREED, "version": request.version, "amount_fen": 12_000, "agreed_at": timezone.now().isoformat()}
    (told,) = stage.call_as(Role.REVIEWER, f"refund-requests/{request.pk}/agreements", body)["agreements"]
    assert (told["amount_fen"], Agreement.objects.get().words) == (12_000, "退一半即可")


# --- taking a rejected one up again -----------------------------------------------------------------------------------


@case("POST", f"{_DESK}/reopen")
def reopen(stage: Stage) -> None:
    request = _rejected(stage)
    form: dict[str, Any] = {"version": request.version, "note": "顾客补了照片", "files": pictures.upload()}
    stage.post(Role.MANAGER, f"/desk/refunds/{request.number}/reopen", **form)
    assert (fresh(request).state, request.evidence.count()) == ("in_review", 1)


@case("POST", f"{_API}/reopen")
def reopen_by_call(stage: Stage) -> None:
    request = _rejected(stage)
    photo = stage.call("POST", "evidence", pictures.upload(), expect=201)["id"]
    body = {"version": request.version, "evidence": [photo], "note": "顾客补了照片"}
    assert stage.call_as(Role.MANAGER, f"refund-requests/{request.pk}/reopen", body)["state"] == "in_review"
    assert (fresh(request).reject_reason, request.evidence.count()) == ("", 1)


# --- deposits ---------------------------------------------------------------------------------------------------------


@case("POST", f"{_DESK}/compensation")
def ask_for_compensation(stage: Stage) -> None:
    request = _broken(stage)
    account: dict[str, Any] = {"owed_holder": "王小敏", "owed_account": hand.ACCOUNT_NO, "owed_bank": "工商银行"}
    stage.post(Role.MANAGER, f"/desk/refunds/{request.number}/compensation", **account)
    assert _owed(request) == (request.amount_fen, "bank_transfer")


@case("POST", f"{_API}/compensation")
def ask_for_compensation_by_call(stage: Stage) -> None:
    request = _broken(stage)
    account = {"holder_name": "王小敏", "account_no": hand.ACCOUNT_NO, "bank_name": "工商银行"}
    told = stage.call("POST", f"refund-requests/{request.pk}/compensation", account)["compensation"]
    assert told["amount_fen"] == request.amount_fen
    assert _owed(request) == (request.amount_fen, "bank_transfer")


@case("POST", f"/api/v1/{_SALE}/deposit/document")
def keep_terms(stage: Stage) -> None:
    sale = _deposit(stage)
    told = stage.call("POST", f"transactions/{sale.pk}/deposit/document", pictures.upload())
    kept = Deposit.objects.get(pk=sale.pk)
    assert (kept.document_type, kept.document_sha256) == ("image/jpeg", told["document_sha256"])


@case("GET", "/desk/transactions/<uuid:transaction_id>/terms")
def show_terms(stage: Stage) -> None:
    sale = _deposit(stage)
    stage.call("POST", f"transactions/{sale.pk}/deposit/document", papers.upload())
    answer = stage.browser(Role.CASHIER).get(f"/desk/transactions/{sale.pk}/terms")
    # What is no picture is never opened in our pages.
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/octet-stream")
    assert text_of(answer).startswith("%PDF-")
