"""What people send in, read or refused with a code."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from django.utils import translation

from core.calendar import SHANGHAI
from core.errors import Invalid
from desk import forms
from refunds.states import RejectReason


def _code(call: object, *arguments: object, **more: object) -> str:
    with pytest.raises(Invalid) as refused:
        call(*arguments, **more)  # type: ignore[operator]
    return refused.value.code


@pytest.mark.parametrize("text", ["", "three", "-1", str(2**31), "1.0"])
def test_version_when_it_is_none_is_refused(text: str) -> None:
    assert forms.version(QueryDict("version=7")) == 7
    assert _code(forms.version, QueryDict(f"version={text}")) == "form_incomplete"


def test_confirmation_when_the_second_step_was_left_out_is_refused() -> None:
    forms.check_confirmed(QueryDict("confirmed=1"))
    for data in ("", "confirmed=0", "confirmed=yes"):
        assert _code(forms.check_confirmed, QueryDict(data)) == "not_confirmed"


def test_amount_when_it_is_typed_as_people_type_is_exact_fen() -> None:
    assert [forms.amount_fen(text) for text in ("268", "￥1,234.50", "0.01")] == [26_800, 123_450, 1]
    assert [_code(forms.amount_fen, text) for text in ("0", "0.00")] == ["amount_invalid"] * 2


def test_approved_amount_when_the_field_is_empty_is_all_that_was_asked_for() -> None:
    assert forms.approved_amount_fen(QueryDict("amount=+")) is None
    assert forms.approved_amount_fen(QueryDict("amount=12.30")) == 1_230


def test_moment_when_it_is_typed_is_of_the_stores_clock() -> None:
    assert forms.moment(" 2026-11-22T14:30 ") == datetime(2026, 11, 22, 14, 30, tzinfo=SHANGHAI)
    assert _code(forms.moment, "tomorrow") == "moment_invalid"


def test_rejection_when_the_customer_would_not_be_told_why_is_refused() -> None:
    assert _code(forms.rejection, QueryDict("reason_code=no_proof&message=+")) == "message_required"
    said = forms.rejection(QueryDict("reason_code=no_proof&message=" + "a" * 600))
    assert (said.reason, len(said.message)) == ("no_proof", 500)


def test_information_wanted_is_in_the_customers_language_and_then_in_the_reviewers_words() -> None:
    asked = QueryDict("items=photo&items=receipt&items=nonsense&message=Please hurry.")
    with translation.override("zh-hans"):
        english = forms.information_wanted(asked, language="en-GB")
    assert english.splitlines()[-1] == "Please hurry."
    assert english.startswith("Please send us: A photo of the goods")
    assert not forms.information_wanted(asked, language="zh-Hans").startswith("Please send us")
    assert _code(forms.information_wanted, QueryDict("items=nonsense"), language="en") == "message_required"


def test_reject_reasons_have_words_to_the_customer_in_their_own_language() -> None:
    with translation.override("zh-hans"):
        offered = forms.reject_reasons(language="en")
    assert [one.value for one in offered] == RejectReason.values
    assert all(one.text.isascii() for one in offered)
    assert not any(one.label.isascii() for one in offered)


@pytest.mark.parametrize("text", ["", "-1", "1.0", "１２", " 7", "1234567890"])
def test_number_when_it_is_none_is_refused_by_its_name(text: str) -> None:
    assert (forms.whole("007"), forms.whole(text)) == (7, None)
    assert forms.number(QueryDict("days=14"), "days") == 14
    with pytest.raises(Invalid, match="names no days"):
        forms.number(QueryDict(urlencode({"days": text})), "days")
