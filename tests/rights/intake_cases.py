"""Asking for refunds: one, many, and without a receipt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.utils import timezone

from merchants import rights
from merchants.principals import Kind, Principal
from merchants.rights import Act
from refunds.evidence import files
from refunds.facts import conditions
from refunds.intake import batches, judging, resubmitting, submitting, without_receipt
from refunds.intake.claims import Draft
from refunds.intake.resubmitting import Correction
from refunds.payouts import (
    ways_back,
)
from tests.rights.cases import PICTURE, Call, Domain, Page, of_link, on, picture_sent
from tests.rights.world import Who, World


def _read_refund(world: World, by: Principal) -> None:
    conditions.check(Act.READ_REFUNDS, by=by, request=world.requests["waiting"])


def _draft(world: World) -> Draft:
    return Draft(amount_fen=1_000, reason="quality", transaction_id=world.sale.pk, customer_consent=True)


def _submit(world: World, by: Principal) -> object:
    if by.kind is Kind.SYSTEM:
        rights.check_may(Act.SUBMIT, by=by)
        return None
    if by.kind is Kind.CUSTOMER and by.merchant_id == world.sale.merchant_id:
        by = replace(by, sale_id=world.sale.pk)
    return submitting.submit(draft=_draft(world), by=by, at=timezone.now())


def _draft_sent(world: World, _who: Who) -> dict[str, Any]:
    return {"transaction": str(world.sale.pk), "amount_fen": 1_000, "reason": "quality", "customer_consent": True}


def _sale_found(world: World, _who: Who) -> dict[str, Any]:
    return {"transaction": str(world.sale.pk)}


DOMAIN: dict[Act, Domain] = {
    Act.QUOTE: lambda world, by: judging.quote(draft=_draft(world), by=by, at=timezone.now()),
    Act.SUBMIT: _submit,
    Act.FILE_BATCH: lambda world, by: batches.cancel(batch_id=world.batch.pk, by=by, at=timezone.now()),
    Act.CONFIRM_BATCH: lambda world, by: batches.confirm(batch_id=world.batch.pk, by=by, at=timezone.now()),
    Act.READ_REFUNDS: _read_refund,
    Act.CANCEL: on("waiting", ways_back.cancel),
    Act.RESUBMIT: of_link("asked_back", resubmitting.resubmit, correction=Correction()),
    Act.RESUBMIT_FAILED: of_link("failed", resubmitting.resubmit, correction=Correction()),
    Act.ADD_EVIDENCE: on("waiting", files.add, pictures=[PICTURE]),
    Act.FIND_WITHOUT_RECEIPT: lambda world, by: without_receipt.confirm(
        case_id=world.case.pk, transaction_id=world.sale.pk, by=by, at=timezone.now()
    ),
    Act.SETTLE_WITHOUT_RECEIPT: lambda world, by: without_receipt.close(
        case_id=world.case.pk, cause="other", prevention="?", by=by, at=timezone.now()
    ),
}

REST: list[Call] = [
    (Act.QUOTE, "POST", "refund-quotes", _draft_sent),
    (Act.SUBMIT, "POST", "refund-requests", _draft_sent),
    (Act.FILE_BATCH, "GET", "refund-batches/{batch}", None),
    (Act.FILE_BATCH, "GET", "refund-batches/{batch}/rows", None),
    (Act.FILE_BATCH, "POST", "refund-batches/{batch}/cancel", {}),
    (Act.CONFIRM_BATCH, "POST", "refund-batches/{batch}/confirm", {}),
    (Act.FILE_BATCH, "GET", "imports/{batch}", None),
    (Act.FILE_BATCH, "GET", "imports/{batch}/failed", None),
    (Act.READ_REFUNDS, "GET", "refund-requests/{waiting}", None),
    (Act.READ_REFUNDS, "GET", "refund-requests/{waiting}/events", None),
    (Act.ADD_EVIDENCE, "POST", "refund-requests/{waiting}/evidence", picture_sent),
    (Act.CANCEL, "POST", "refund-requests/{waiting}/cancel", {}),
    (Act.RESUBMIT, "POST", "refund-requests/{asked_back}/resubmit", {}),
    (Act.RESUBMIT_FAILED, "POST", "refund-requests/{failed}/resubmit", {}),
    (Act.FIND_WITHOUT_RECEIPT, "GET", "no-receipt-cases/{case}", None),
    (Act.FIND_WITHOUT_RECEIPT, "POST", "no-receipt-cases/{case}/confirm", _sale_found),
    (Act.SETTLE_WITHOUT_RECEIPT, "POST", "no-receipt-cases/{case}/close", {"cause": "other", "prevention": "?"}),
]

DESK: list[Page] = [
    (Act.QUOTE, "POST", "/desk/new/quote", {"sale": "{sale}", "reason": "quality", "amount": "10.00", "consent": "1"}),
    (
        Act.SUBMIT,
        "POST",
        "/desk/new",
        {"sale": "{sale}", "reason": "quality", "amount": "10.00", "consent": "1", "idempotency_key": "k"},
    ),
    (Act.READ_REFUNDS, "GET", "/desk/refunds/{waiting}", {}),
    (Act.CANCEL, "POST", "/desk/refunds/{waiting}/cancel", {"version": "3"}),
    (Act.RESUBMIT, "POST", "/desk/refunds/{asked_back}/resubmit", {"version": "4"}),
    (Act.RESUBMIT_FAILED, "POST", "/desk/refunds/{failed}/resubmit", {"version": "5"}),
    (Act.ADD_EVIDENCE, "POST", "/desk/refunds/{waiting}/evidence", {"files": "picture"}),
    (Act.FIND_WITHOUT_RECEIPT, "GET", "/desk/no-receipt/{case}", {}),
    (Act.FIND_WITHOUT_RECEIPT, "POST", "/desk/no-receipt/{case}/confirm", {"sale": "{sale}"}),
    (Act.SETTLE_WITHOUT_RECEIPT, "POST", "/desk/no-receipt/{case}/close", {"cause": "other", "prevention": "?"}),
    (Act.FILE_BATCH, "GET", "/desk/batches/{batch}", {}),
    (Act.FILE_BATCH, "POST", "/desk/batches/{batch}/cancel", {}),
    (Act.CONFIRM_BATCH, "POST", "/desk/batches/{batch}/confirm", {}),
    (Act.FILE_BATCH, "GET", "/desk/imports/{batch}", {}),
    (Act.FILE_BATCH, "GET", "/desk/imports/{batch}/failed", {}),
]
