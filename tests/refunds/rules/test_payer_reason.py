"""What the payer reads is a phrase of their language, short enough for every channel."""

from __future__ import annotations

import pytest

from refunds.rules.payer_reason import MAX_BYTES, phrase
from refunds.states import Reason


@pytest.mark.parametrize("locale", ["zh-Hans", "en", "", "xx"])
@pytest.mark.parametrize("reason", [*Reason.values, "unheard_of"])
def test_phrase_is_readable_and_fits(reason: str, locale: str) -> None:
    said = phrase(reason=reason, locale=locale)

    assert 0 < len(said.encode()) <= MAX_BYTES
    assert "_" not in said
    assert said.isascii() is (locale == "en")
    assert "\ufffd" not in said


def test_phrases_tell_reasons_apart() -> None:
    assert len({phrase(reason=reason, locale="en") for reason in Reason.values}) == len(Reason.values)
