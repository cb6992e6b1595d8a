"""What the list of refunds comes to."""

from __future__ import annotations

from django.db.models import F
from django.test import Client

from refunds.models import RefundRequest
from tests.desk.conftest import Shop


def test_sums_say_what_they_count(reviewer: Client, shop: Shop) -> None:
    shop.waiting(26_800)
    rejected = shop.waiting(25_000)
    RefundRequest.objects.filter(pk=rejected.pk).update(state="rejected", reserved_fen=0, version=F("version") + 1)
    total = reviewer.get("/desk/refunds").context["total"]
    assert (total.asked_fen, total.paid_fen, total.open_fen, total.released_fen) == (51_800, 0, 26_800, 25_000)
