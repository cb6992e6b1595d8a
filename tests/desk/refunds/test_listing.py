"""What the list of refunds comes to."""

from __future__ import annotations

from django.test import Client

from tests.desk.conftest import Shop


def test_sums_say_what_they_count(reviewer: Client, shop: Shop) -> None:
    shop.waiting(26_800)
    rejected = shop.waiting(25_000)
    said = {"version": str(rejected.version), "reason_code": "no_proof", "message": "?"}
    reviewer.post(f"/desk/refunds/{rejected.number}/reject", said)
    total = reviewer.get("/desk/refunds").context["total"]
    assert (total.asked_fen, total.paid_fen, total.open_fen, total.released_fen) == (51_800, 0, 26_800, 25_000)
