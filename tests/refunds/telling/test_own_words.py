"""A merchant's own words: in versions, checked, tried, in the place of the built-in ones."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import Forbidden, Invalid
from merchants.models import Merchant, MessageWording
from merchants.principals import Principal, of_staff
from refunds.telling import carrying, own_words, wording
from refunds.telling.carriers import DeliveryFailed, Text
from refunds.telling.own_words import LANGUAGES, NotSent, TooManyTests, WordingChanged
from refunds.telling.wording import NOTIFIED, words
from tests.factories import make_merchant, make_request, make_sale, make_staff, works_in

pytestmark = pytest.mark.django_db


def _write(by: Principal, text: str, **more: Any) -> MessageWording:
    said = {"event": "refunded", "language": "en", "medium": "sms", "after": 0, **more}
    return own_words.write(**said, text=text, by=by, at=timezone.now())


def test_own_words_take_the_place_of_the_built_in_ones_until_they_are_emptied(
    merchant: Merchant, owner: Principal
) -> None:
    request = make_request(make_sale(merchant, 30_000), 26_800, phone="13800006021")
    told: dict[str, Any] = {"event": "refunded", "medium": "sms", "request": request}
    built_in = words(**told, locale="en").body
    _write(owner, "{merchant}: ¥{amount} is yours again. {braces")
    other = make_request(make_sale(make_merchant(), 30_000), 26_800)
    assert f"{merchant.name}: ¥268.00 is yours again." in words(**told, locale="en-GB").body
    assert words(**told, locale="zh-Hans").body != words(**told, locale="en").body
    assert "is yours again" not in words(event="refunded", medium="sms", locale="en", request=other).body
    assert "is yours again" not in words(event="refunded", medium="email", locale="en", request=request).body
    _write(owner, "", after=1)
    assert words(**told, locale="en").body.rpartition(" ")[0] == built_in.rpartition(" ")[0]
    assert [event.data["version"] for event in AuditEvent.objects.filter(action="message.wording").order_by("pk")] == [
        1,
        2,
    ]


@pytest.mark.parametrize(
    ("text", "why"), [("x" * 201, "wording_too_long"), ("{customer_phone}", "unknown_placeholder")]
)
def test_words_that_cannot_be_used_are_refused_and_not_stored(owner: Principal, text: str, why: str) -> None:
    with pytest.raises(Invalid) as refused:
        _write(owner, text)
    assert (refused.value.code, refused.value.errors[0].field) == (why, "text")
    assert not MessageWording.objects.exists()


def test_words_of_somebody_who_has_not_seen_the_last_version_are_refused(owner: Principal) -> None:
    _write(owner, "one")
    for after in (0, 7):
        with pytest.raises(WordingChanged):
            _write(owner, "two", after=after)
    assert MessageWording.objects.get().text == "one"


def test_words_are_for_those_of_the_whole_merchant(merchant: Merchant) -> None:
    bound = make_staff(merchant, "manager")
    works_in(bound, merchant.stores.get())
    for by in (of_staff(bound), of_staff(make_staff(merchant, "reviewer"))):
        with pytest.raises(Forbidden):
            _write(by, "x")
        with pytest.raises(Forbidden):
            own_words.send_test(
                event="refunded", medium="sms", text=Text("", "x"), recipient="13800006021", by=by, at=timezone.now()
            )
    assert not MessageWording.objects.exists()
    assert not AuditEvent.objects.filter(action="message.test").exists()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("medium", ["sms", "email"])
@pytest.mark.parametrize("event", sorted(NOTIFIED))
def test_example_of_every_message_can_be_read(merchant: Merchant, event: str, medium: str, language: str) -> None:
    for own in ("", "{merchant} {amount} {destination} {message}"):
        read = wording.example(event=event, medium=medium, language=language, merchant=merchant, own=own)
        assert "268.00" in read.body
        assert "{" not in read.body + read.subject


def test_test_message_goes_to_whom_it_is_for_and_no_further_than_a_few_an_hour(
    owner: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_words, "_TESTS_AN_HOUR", 2)
    said: dict[str, Any] = {
        "event": "refunded",
        "medium": "email",
        "text": Text("s", "b"),
        "by": owner,
        "at": timezone.now(),
    }
    for recipient in ("", "owner@", "owner@example.com\nBcc: all@example.com"):
        with pytest.raises(Invalid):
            own_words.send_test(**said, recipient=recipient)
    assert own_words.send_test(**said, recipient="owner@example.com") == "o***@example.com"
    own_words.send_test(**said, recipient="owner@example.com")
    with pytest.raises(TooManyTests):
        own_words.send_test(**said, recipient="owner@example.com")
    assert [sent.to for sent in mail.outbox] == [["owner@example.com"]] * 2
    assert "owner@example.com" not in repr(list(AuditEvent.objects.values_list("data", flat=True)))


def test_test_message_that_no_carrier_takes_says_so(owner: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def send(self, *, recipient: str, text: Text) -> str:
            raise DeliveryFailed("no")

    monkeypatch.setattr(carrying, "carrier_for", lambda _medium: Broken())
    with pytest.raises(NotSent):
        own_words.send_test(
            event="refunded",
            medium="sms",
            text=Text("", "x"),
            recipient="+86 138 0000 6021",
            by=owner,
            at=timezone.now(),
        )
