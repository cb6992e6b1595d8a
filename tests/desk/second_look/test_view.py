"""Answering a second look."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from merchants.models import Staff
from refunds.models import RefundRequest, SecondLook
from tests.desk.conftest import Shop

SignIn = Callable[[Staff], Client]


def test_answer_is_noted_and_the_figures_are_for_managers(
    reviewer: Client, as_staff: SignIn, decided: RefundRequest, shop: Shop
) -> None:
    path = f"/desk/second-looks/{SecondLook.objects.get().pk}"
    refused = reviewer.post(path, {"decision": "reject", "note": "  "})
    assert refused.status_code == 422
    assert (refused.context["dialog"], refused.context["note"]) == ("reject", "  ")
    assert as_staff(shop.colleague).post(path, {"decision": "approve"}).status_code == 403
    assert SecondLook.objects.filter(answered_at=None).exists()
    assert reviewer.post(path, {"decision": "reject", "note": "看不清"}).status_code == 302
    assert SecondLook.objects.get().disagrees
    assert reviewer.get("/desk/second-looks").context["sees_figures"] is False
    assert as_staff(shop.manager).get("/desk/second-looks").context["whole"].n == 1
