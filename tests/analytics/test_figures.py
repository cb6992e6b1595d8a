"""What figures say of themselves."""

from __future__ import annotations

from analytics.figures import Answers, Paid, Share, Sold, StoreFigures, Submitted


def test_share_of_nothing_is_none_and_not_zero() -> None:
    assert (Share(1, 4).value, Share(0, 4).value, Share(0, 0).value) == (0.25, 0.0, None)


def test_submitted_requests_are_at_one_of_four_ends() -> None:
    counts = Submitted(count=10, refunded=4, rejected=2, cancelled=1, failed=1, decided=7, in_time=6, overdue=1)
    assert counts.open == 3
    assert (counts.on_time, counts.success) == (Share(6, 8), Share(4, 5))


def test_answers_count_satisfied_from_four_up() -> None:
    answers = Answers({5: 2, 4: 1, 1: 1}, asked=8)
    assert (answers.n, answers.mean) == (4, 3.75)
    assert (answers.satisfied, answers.answered) == (Share(3, 4), Share(4, 8))
    assert Answers().mean is None


def test_refund_rate_is_by_value() -> None:
    store = StoreFigures(store_id=1, code="S1", name="", paid=Paid(9, 100), sold=Sold(1, 400))
    assert store.refund_rate == Share(100, 400)
