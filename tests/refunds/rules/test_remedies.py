"""Every remedy of the channels has its sentence in both languages, word for word in English."""

from __future__ import annotations

from django.utils import translation

from payment_channels import remedies as channels
from refunds.rules import remedies


def test_the_desk_knows_every_remedy_of_the_channels() -> None:
    with translation.override("en"):
        assert {key: remedies.remedy(key) for key in remedies.REMEDIES} == channels.REMEDIES


def test_unknown_remedy_says_nothing() -> None:
    assert remedies.remedy("no such key") == ""
