"""What stands beside the decision."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from desk.refund.similar import evidence_urls
from merchants.principals import of_staff
from refunds.models import SecondLook
from refunds.review import deciding, second_look
from tests.desk.conftest import Shop


def test_a_disagreement_is_shown_beside_similar_refunds(
    reviewer: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_look, "SECOND_LOOKS_PERCENT", 100)
    decided = shop.waiting()
    by = of_staff(shop.colleague)
    deciding.approve(request_id=decided.pk, by=by, at=timezone.now(), version=decided.version)
    request = shop.waiting()
    (one,) = reviewer.get(f"/desk/refunds/{request.number}").context["refund"].similar
    assert (one.number, one.is_approved, one.fate) == (decided.number, True, [])
    look = SecondLook.objects.get()
    second_look.answer(look_id=look.pk, decision="reject", note="-", by=of_staff(shop.reviewer), at=timezone.now())
    (one,) = reviewer.get(f"/desk/refunds/{request.number}").context["refund"].similar
    assert one.fate == ["a second reviewer would have decided otherwise"]


def test_signals_lead_to_their_evidence(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting(phone="13800006021")
    other = shop.waiting(phone="13800006021")
    failed = {"new_evidence": other.number, "same_destination": "2", "near_limit": "3", "soon_after_sale": "1"}
    request.verdict["rules"] = [
        {"code": code, "passed": False, "hard": False, "actual": actual, "limit": ""} for code, actual in failed.items()
    ]
    request.cashier = "C001"
    urls = evidence_urls(request)
    assert urls["new_evidence"] == f"/desk/refunds/{other.number}"
    assert urls["soon_after_sale"] == f"/desk/transactions/{request.transaction_id}"
    for code in ("same_destination", "near_limit"):
        assert reviewer.get(urls[code]).status_code == 200
    listed = reviewer.get(urls["same_destination"]).context["rows"]
    assert {row.number for row in listed} == {request.number, other.number}
