"""One sentence a state."""

from __future__ import annotations

import pytest
from django.utils import translation

from refunds.states import State
from refunds.telling.wording import headline


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_a_headline_in_both_languages(state: State) -> None:
    with translation.override("en"):
        english = headline(state)
    with translation.override("zh-hans"):
        assert headline(state.value) != english
