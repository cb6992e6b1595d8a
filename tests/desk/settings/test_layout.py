"""Forms of settings: what was typed comes back, secrets do not."""

from __future__ import annotations

from django.http import QueryDict

from core.errors import FieldError, Invalid
from desk.forms import FormField, text
from desk.settings.layout import SettingsPage, form, refused, whole_number


def test_refused_when_one_form_was_not_taken_shows_what_was_typed_but_no_secret() -> None:
    error = Invalid("x", code="name_required", errors=[FieldError("name", "name_required", "x")])
    fields = [text("name", "Name", "stored"), FormField(name="key", label="Key", kind="secret")]
    page = SettingsPage(
        title="", sub="", forms=[form(name, title="", url="", fields=fields) for name in ("one", "other")]
    )
    again = refused(page, form="one", error=error, typed=QueryDict("name=typed&key=secret"))
    mine, other = again.forms
    assert [(field.value, bool(field.error)) for field in mine.fields] == [("typed", True), ("", False)]
    assert not mine.error, "beside the field it is said already"
    assert (other.fields[0].value, other.error) == ("stored", "")
    assert {field.id for field in mine.fields}.isdisjoint({field.id for field in other.fields})


def test_refused_when_no_field_shows_why_says_it_above_the_form() -> None:
    page = SettingsPage(title="", sub="", forms=[form("one", title="", url="", fields=[text("name", "Name", "")])])
    for errors in ([], [FieldError("after", "required", "x")]):
        error = Invalid("x", code="name_required", errors=errors)
        assert refused(page, form="one", error=error, typed=QueryDict("name=typed")).forms[0].error


def test_whole_number_when_it_is_none_is_nobodys() -> None:
    assert [whole_number({"id": typed}, "id") for typed in ("12", "", "-1", "１２", "9" * 19)] == [12, 0, 0, 0, 0]
