"""What a code says, and what is said where a code comes from outside."""

from __future__ import annotations

from django.utils import translation

from core import codes
from core.errors import Conflict, Invalid


class _Busy(Conflict):
    code = "busy"


def test_words_when_the_title_says_it_all_are_the_title() -> None:
    with translation.override("en"):
        assert codes.words("name_required") == "Give it a name."
        assert codes.words("version_conflict").startswith("Somebody changed this refund meanwhile.")


def test_words_for_when_the_code_is_from_outside_are_those_of_the_kind_of_error() -> None:
    with translation.override("en"):
        assert codes.words_for(_Busy("log", code="SYSTEM_BUSY_42")) == codes.words("busy")
        assert codes.words_for(Invalid("log", code="X")) == "This cannot be done. Nothing was changed."
