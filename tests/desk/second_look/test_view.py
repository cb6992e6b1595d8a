"""The page of second looks shows nothing of the decision."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from merchants.models import Staff
from merchants.principals import of_staff
from refunds.models import RefundRequest, SecondLook
from refunds.review import deciding, second_look
from tests.desk.conftest import Shop

SignIn = Callable[[Staff], Client]


@pytest.fixture
def decided(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> RefundRequest:
    """Approved by the colleague in part, and picked."""
    monkeypatch.setattr(second_look, "SHARE_BP", 10_000)
    request = shop.waiting()
    return deciding.approve(
        request_id=request.pk,
        by=of_staff(shop.colleague),
        at=timezone.now(),
        version=request.version,
        amount_fen=12_345,
        note="只退一半",
    )


def test_page_tells_neither_the_refund_nor_its_decision(reviewer: Client, decided: RefundRequest, shop: Shop) -> None:
    text = reviewer.get("/desk/second-looks").content.decode()
    assert "268.00" in text
    for betrays in (decided.number, "123.45", "只退一半", shop.colleague.name):
        assert betrays not in text


def test_answer_is_noted_and_the_figures_are_for_managers(
    reviewer: Client, as_staff: SignIn, decided: RefundRequest, shop: Shop
) -> None:
    path = f"/desk/second-looks/{SecondLook.objects.get().pk}"
    assert reviewer.post(path, {"decision": "reject", "note": ""}).status_code == 422
    assert as_staff(shop.colleague).post(path, {"decision": "approve"}).status_code == 403
    assert SecondLook.objects.filter(answered_at=None).exists()
    assert reviewer.post(path, {"decision": "reject", "note": "看不清"}).status_code == 302
    assert SecondLook.objects.get().disagrees
    assert reviewer.get("/desk/second-looks").context["sees_figures"] is False
    assert as_staff(shop.manager).get("/desk/second-looks").context["whole"].n == 1


def test_a_disagreement_is_shown_beside_similar_refunds(reviewer: Client, decided: RefundRequest, shop: Shop) -> None:
    request = shop.waiting()
    (one,) = reviewer.get(f"/desk/refunds/{request.number}").context["refund"].similar
    assert (one.number, one.is_approved, one.fate) == (decided.number, True, [])
    look = SecondLook.objects.get()
    second_look.answer(look_id=look.pk, decision="reject", note="-", by=of_staff(shop.reviewer), at=timezone.now())
    (one,) = reviewer.get(f"/desk/refunds/{request.number}").context["refund"].similar
    assert one.fate == ["a second reviewer would have decided otherwise"]
