"""Guides: kept without what is empty, read in the reader's language."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import Invalid
from merchants.policies import guides


def test_checked_keeps_what_says_something() -> None:
    given = {"deposit": {"zh": " 核对条款 ", "en": ""}, "goodwill": {"zh": " "}}
    assert guides.checked(given) == {"deposit": {"zh": "核对条款"}}


@pytest.mark.parametrize("given", [[], {"deposit": "x"}, {"deposit": {"fr": "x"}}, {"deposit": {"zh": 1}},
                                   {"deposit": {"zh": "长" * 4_001}}])  # fmt: skip
def test_checked_refuses_what_is_no_guide(given: Any) -> None:
    with pytest.raises(Invalid) as refusal:
        guides.checked(given)
    assert refusal.value.code == "guide_invalid"


def test_text_is_in_the_readers_language_or_in_the_other() -> None:
    kept = {"deposit": {"zh": "条款", "en": "terms"}, "goodwill": {"zh": "致歉"}}
    assert guides.text_of(kept, "deposit", language="zh-hans") == "条款"
    assert guides.text_of(kept, "deposit", language="en") == "terms"
    assert guides.text_of(kept, "goodwill", language="en") == "致歉"
    assert guides.text_of(kept, "no_receipt", language="en") == ""
