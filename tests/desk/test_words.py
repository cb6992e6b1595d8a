"""Refusals in the reader's words."""

from __future__ import annotations

from django.utils import translation

from core.errors import Conflict, DomainError, NotFound
from desk import words


class ChannelSays(DomainError, code="busy"):
    """A refusal whose own code comes from a channel."""


def test_explain_when_it_is_refused_says_that_no_money_moved() -> None:
    error = Conflict("", code="version_conflict")
    with translation.override("en"):
        assert words.explain(error) == f"{words.short(error)} This moved no money."
        assert words.short(error).startswith("Somebody changed this refund meanwhile.")
    with translation.override("zh-hans"):
        assert "No money" not in words.explain(error)


def test_short_when_the_code_is_a_channels_says_what_it_is_here() -> None:
    with translation.override("en"):
        assert words.short(ChannelSays("", code="ACQ.SOMETHING")) == words.short(ChannelSays(""))


def test_status_when_something_typed_is_not_there_is_that_of_a_faulty_form() -> None:
    assert (words.status(NotFound("")), words.status(Conflict(""))) == (422, 409)
