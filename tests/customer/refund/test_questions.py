"""Five questions, answered from the refund's own data."""

from __future__ import annotations

import pytest

from tests.customer.conftest import Staged
from tests.customer.refund.test_page import read

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("state", "answers"),
    [
        ("in_review", ["The store is checking your refund.", "It is what was asked for", "Call 0571-8888 0001."]),
        ("refunded", ["Not any more: it is paid.", "To WeChat balance; it was paid by WeChat Pay."]),
        ("executing", ["Not any more: its payment has begun."]),
        ("unknown", ["Not any more: its payment has begun."]),
        ("cancelled", ["Nowhere: it is closed without a payment.", "There is nothing to withdraw."]),
        ("rejected", ["No money is on its way.", "Nothing is paid.", "There is nothing to withdraw."]),
    ],
)
def test_questions_are_answered_by_the_refund_itself(staged: Staged, state: str, answers: list[str]) -> None:
    page = read(staged(state))
    assert page.count('<details class="qa">') >= 5
    for answer in answers:
        assert answer in page


def test_questions_when_a_part_was_approved_say_so(staged: Staged) -> None:
    assert "approved a part of what was asked for" in read(staged("refunded", approved_fen=10_000, reason="goodwill"))
