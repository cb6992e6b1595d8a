"""What a person can do about a refusal."""

from __future__ import annotations

from payment_channels import codes_page
from payment_channels.remedies import REMEDIES, remedy


def test_remedy_when_there_is_none_is_empty() -> None:
    assert (remedy(""), remedy("no_such_key")) == ("", "")


def test_remedy_when_a_code_names_one_has_its_sentence() -> None:
    named = {rule.remedy for lists in codes_page.LISTS.values() for entry in lists for rule in entry.rules.values()}
    assert {name for name in named if name} <= REMEDIES.keys()


def test_remedies_are_sentences_that_no_two_keys_share() -> None:
    assert len(set(REMEDIES.values())) == len(REMEDIES)
    assert all(text[0].isupper() and text.endswith(".") for text in REMEDIES.values())
