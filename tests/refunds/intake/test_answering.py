"""The customer's answer to what they were asked."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.utils import timezone

from core.errors import Invalid
from merchants.principals import SYSTEM
from refunds.intake.answering import MAX_WORDS, answer, joined


@pytest.mark.parametrize(
    ("description", "words", "both"),
    [("", "附上小票", "附上小票"), ("坏了", "", "坏了"), ("坏了", "附上小票", "坏了\n\n附上小票"), ("", "", "")],
)
def test_answer_stands_below_what_was_said_before(description: str, words: str, both: str) -> None:
    assert joined(description, words) == both


def test_answer_when_both_are_too_long_is_kept_whole() -> None:
    both = joined("旧" * 1_000, "新" * MAX_WORDS)

    assert len(both) == 1_000
    assert both.endswith("旧\n\n" + "新" * MAX_WORDS)


@pytest.mark.django_db
def test_answer_without_words_or_pictures_is_none() -> None:
    with pytest.raises(Invalid) as refused:
        answer(request_id=uuid4(), words=" \n ", pictures=(), by=SYSTEM, at=timezone.now())
    assert refused.value.code == "empty_answer"
