"""Remedies as people read them."""

from __future__ import annotations

import pytest
from django.utils import translation

from payment_channels.remedies import REMEDIES
from refunds.rules.remedies import remedy


@pytest.mark.parametrize("key", sorted(REMEDIES))
def test_every_remedy_of_the_channels_is_said_in_both_languages(key: str) -> None:
    with translation.override("en"):
        assert remedy(key) == REMEDIES[key]
    with translation.override("zh-hans"):
        assert remedy(key) not in ("", REMEDIES[key])


def test_unknown_remedy_says_nothing() -> None:
    assert remedy("no such key") == ""
