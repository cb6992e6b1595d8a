"""Personal data: sealed for its purpose, found by keyed hash, masked, and nowhere in the clear."""

from __future__ import annotations

import io
import logging
from typing import Any

import pytest
from celery import current_app
from cryptography.exceptions import InvalidTag
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core import redis_client
from core.personal_data import mask_email, mask_name, mask_phone, phone_hashes, seal, search_hash, unseal
from refunds.models import RefundRequest
from refunds.telling import outbox
from tests.api.conftest import Api, api_for
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.refunds.settled import paid

PHONE, EMAIL, NAME = "13912345678", "zhang.xiaoyu@example.com", "张小雨晴"


@given(st.text(max_size=200))
def test_sealed_text_comes_back_whole(text: str) -> None:
    assert unseal(seal(text, purpose="a"), purpose="a") == text


def test_same_text_is_sealed_differently_each_time() -> None:
    assert seal(PHONE, purpose="a") != seal(PHONE, purpose="a")


def test_sealed_text_is_bound_to_its_field() -> None:
    """A sealed phone number moved into the name's column does not open."""
    with pytest.raises(InvalidTag):
        unseal(seal(PHONE, purpose="request.customer_phone"), purpose="request.customer_name")


@pytest.mark.parametrize("place", [0, 1, 13, -1])
def test_changed_byte_is_noticed(place: int) -> None:
    sealed = bytearray(seal(PHONE, purpose="a"))
    sealed[place] ^= 1
    with pytest.raises(InvalidTag):
        unseal(bytes(sealed), purpose="a")


def test_hashes_meet_for_equal_values_only() -> None:
    assert phone_hashes(PHONE) == phone_hashes(PHONE)
    assert phone_hashes(PHONE)[0] != phone_hashes("13912345679")[0]
    assert phone_hashes(PHONE)[1] == phone_hashes("13800005678")[1]
    assert search_hash("phone", "5678") != search_hash("phone_last4", "5678")
    assert phone_hashes("") == (None, None)
    assert search_hash("name", f" {NAME} ") == search_hash("name", NAME)


@pytest.mark.parametrize(
    ("mask", "plain", "masked"),
    [
        (mask_phone, "13800006021", "138 **** 6021"),
        (mask_phone, "0571888", "**** 88"),
        (mask_phone, "", ""),
        (mask_name, "王小敏", "王*敏"),
        (mask_name, "王敏", "王*"),
        (mask_name, "王", "*"),
        (mask_name, "", ""),
        (mask_email, "wangmin@example.com", "w***@example.com"),
        (mask_email, "nothing", ""),
        (mask_email, "", ""),
    ],
)
def test_masks(mask: Any, plain: str, masked: str) -> None:
    assert mask(plain) == masked


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_masked_phone_never_shows_more_than_seven_digits(phone: str) -> None:
    assert sum(character.isdigit() for character in mask_phone(phone)) == 7


def _dump() -> str:
    """Every table of the database as text, as a thief of a backup would have it."""
    text = io.StringIO()
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.cursor.copy_expert(f'COPY "{table}" TO STDOUT', text)
    return text.getvalue()


def _planted(text: str) -> list[str]:
    """Planted values that stand in the text, also in hexadecimal, as bytea is shown."""
    return [
        value
        for value in (PHONE, EMAIL, NAME, PHONE[3:])
        if value in text or value.encode().hex() in text or ascii(value).strip("'") in text
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.urls("tests.api_urls")
def test_planted_person_is_found_nowhere_in_the_clear(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I18: not in a dump of the database, not in the broker, in task arguments, in logs or in answers of the API."""
    caplog.set_level(logging.DEBUG)
    sent: list[Any] = []
    monkeypatch.setattr(current_app, "send_task", lambda *args, **more: sent.append((args, more)))
    redis_client.client().flushdb()
    api: Api = api_for(make_merchant())
    sale = make_sale(api.merchant, 50_000, phone=PHONE)
    customer = {"name": NAME, "phone": PHONE, "email": EMAIL, "locale": "zh-Hans"}
    body = {"transaction": str(sale.pk), "amount_fen": 1_200, "reason": "quality", "customer": customer}
    answers = [api.post("refund-requests", body, idempotency_key="k")]
    assert answers[0].status_code == 201
    answers.append(api.post("refund-requests", body, idempotency_key="k"))
    number = answers[0].json()["id"]
    answers += [api.get(f"refund-requests/{number}"), api.get(f"refund-requests/{number}/events")]
    answers.append(api.get(f"transactions/{sale.pk}"))
    paid(RefundRequest.objects.get())
    monkeypatch.setattr(outbox, "_carry", lambda _call: outbox._Result(receipt="1"))
    outbox.work(at=timezone.now())
    review = make_request(sale, 30_000, phone=PHONE, email=EMAIL, name=NAME)
    assert review.customer_phone == PHONE
    assert _planted(_dump()) == []
    assert _planted("".join(answer.content.decode() for answer in answers)) == []
    assert _planted(repr(sent)) == []
    assert _planted(caplog.text) == []
    keys = redis_client.client().keys("*")
    assert isinstance(keys, list)
    assert _planted(repr([(key, redis_client.client().dump(key)) for key in keys])) == []


@pytest.mark.django_db
def test_channel_credentials_and_key_secrets_are_sealed_too() -> None:
    merchant = make_merchant()
    account = merchant.channel_accounts.create(
        channel="wechat", code="wx", base_url="http://127.0.0.1:9", profile_overrides={}
    )
    account.set_credentials({"api_v3_key": "a-very-secret-apiv3-key-of-32-by"})
    account.save()
    api = api_for(merchant)
    make_staff(merchant, "cashier", password="a password of a cashier")
    dump = _dump()
    for secret in ("a-very-secret-apiv3-key", api.key, "a password of a cashier"):
        assert secret not in dump
        assert secret.encode().hex() not in dump
    account.refresh_from_db()
    assert account.credentials["api_v3_key"].startswith("a-very-secret")
