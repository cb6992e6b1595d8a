"""The sample merchants' guides can be kept, and are there for every kind of refund in both languages."""

from __future__ import annotations

import pytest

from merchants.policies import guides
from refunds.rules import in_words
from samples.demo import guides as sample


@pytest.mark.parametrize("told", [sample.RESTAURANT, sample.RETAIL], ids=["restaurant", "retail"])
def test_guides_are_written_for_every_kind_in_both_languages(told: dict[str, dict[str, str]]) -> None:
    assert guides.checked(told) == told
    assert set(told) == set(in_words.KINDS)
    assert all(set(texts) == set(guides.LANGUAGES) for texts in told.values())
