"""The pages of messages: words stored in versions, previewed, sent as a test."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core import mail
from django.test import Client

from merchants.models import MessageWording, Staff
from tests.desk.conftest import Shop
from tests.factories import make_merchant, make_staff

SignIn = Callable[[Staff], Client]
_PATH = "/desk/settings/messages"
_ONE = f"{_PATH}/approved/email/en"


def test_words_are_previewed_stored_and_sent_to_oneself(owner: Client) -> None:
    text = "Dear <b>customer</b>, ¥{amount} is on its way."
    preview = owner.post(f"{_ONE}/preview", {"text": text, "after": "0"}).content.decode()
    assert "Dear &lt;b&gt;customer&lt;/b&gt;, ¥268.00 is on its way." in preview
    assert not MessageWording.objects.exists()
    page = owner.post(_ONE, {"text": text, "after": "0"}, follow=True).content.decode()
    assert "These words are used from now on." in page
    assert owner.post(_ONE, {"text": "late", "after": "0"}).status_code == 409
    assert (
        "Sent to o***@example.com."
        in owner.post(f"{_ONE}/test", {"recipient": "o@example.com"}, follow=True).content.decode()
    )
    assert "¥268.00 is on its way." in mail.outbox[0].body
    assert "Dear &lt;b&gt;" in mail.outbox[0].alternatives[0][0]  # type: ignore[attr-defined]
    assert "your own" in owner.get(_PATH).content.decode()


def test_words_of_an_older_version_are_looked_at_and_used_again(owner: Client) -> None:
    for after, text in enumerate(("First ¥{amount}.", "", "Third.")):
        owner.post(_ONE, {"text": text, "after": str(after)})
    page = owner.get(_ONE).content.decode()
    assert [f"version={one}" in page for one in (1, 2, 3)] == [True, True, False]
    older = owner.get(f"{_ONE}?version=1")
    text = older.content.decode()
    assert "First ¥268.00." in text
    assert "These are the words of version 1." in text
    assert MessageWording.objects.count() == 3
    (wording,) = (one for one in older.context["forms"] if one.name == "wording")
    form = {field.name: "".join(field.values) for field in wording.fields}
    assert form == {"text": "First ¥{amount}.", "after": "3"}
    owner.post(_ONE, form)
    assert MessageWording.objects.order_by("-version")[0].text == "First ¥{amount}."
    for nonsense in ("4", "99", "x", "-1"):
        assert "These are the words" not in owner.get(f"{_ONE}?version={nonsense}").content.decode()


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("", {"text": "{phone}", "after": "0"}),
        ("", {"text": "x" * 2001, "after": "0"}),
        ("/preview", {"text": "{phone}"}),
        ("/test", {"recipient": "nobody"}),
    ],
)
def test_form_that_is_refused_stores_and_sends_nothing(owner: Client, path: str, form: dict[str, str]) -> None:
    answer = owner.post(f"{_ONE}{path}", form)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not MessageWording.objects.exists()
    assert not mail.outbox


def test_messages_that_are_none_and_roles_that_may_not_are_refused(shop: Shop, owner: Client, as_staff: SignIn) -> None:
    for one in ("paid/sms/en", "approved/fax/en", "approved/sms/fr"):
        assert owner.get(f"{_PATH}/{one}").status_code == 404
        assert owner.post(f"{_PATH}/{one}", {"text": "x", "after": "0"}).status_code == 404
    for staff in (shop.cashier, shop.reviewer, shop.finance):
        assert as_staff(staff).get(_PATH).status_code == 403
        assert as_staff(staff).post(_ONE, {"text": "x", "after": "0"}).status_code == 403
    abroad = make_staff(make_merchant(), "owner")
    as_staff(abroad).post(_ONE, {"text": "theirs", "after": "0"})
    assert "theirs" not in owner.get(_ONE).content.decode()
    assert MessageWording.objects.get().merchant == abroad.merchant
