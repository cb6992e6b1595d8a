"""How long a first answer is remembered, and for whom."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from api import idempotency
from refunds import tasks
from refunds.models import IdempotencyRecord, RefundRequest
from refunds.models import idempotency as records
from tests.api.conftest import Api, api_for
from tests.factories import make_sale

pytestmark = pytest.mark.django_db


def test_key_when_another_caller_has_used_it_is_free(api: Api) -> None:
    other = api_for(api.merchant)
    body = {"transaction": str(make_sale(api.merchant).pk), "amount_fen": 100, "reason": "quality"}
    first = api.post("refund-requests", body, idempotency_key="same")
    second = other.post("refund-requests", {**body, "is_another": True}, idempotency_key="same")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


def test_key_when_it_comes_with_another_wish_is_refused_and_nothing_is_stored(api: Api) -> None:
    body = {"transaction": str(make_sale(api.merchant).pk), "amount_fen": 100, "reason": "quality"}
    api.post("refund-requests", body, idempotency_key="k")
    refused = api.post("refund-requests", {**body, "amount_fen": 101}, idempotency_key="k")
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert RefundRequest.objects.count() == IdempotencyRecord.objects.count() == 1


@pytest.mark.parametrize("quantity", ["1", "1.0", "1.000", "1e0", "10E-1"])
def test_key_when_a_number_is_written_otherwise_gets_the_first_answer(api: Api, quantity: str) -> None:
    sale = make_sale(api.merchant)
    lines = '[{"sku": "SKU-1", "quantity": %s}]'
    text = f'{{"transaction": "{sale.pk}", "amount_fen": 100, "reason": "quality", "lines": {lines}}}'
    first = api.post("refund-requests", text % "1", idempotency_key="k")
    assert first.status_code == 201, first.content
    assert api.post("refund-requests", text % quantity, idempotency_key="k").content == first.content
    other = api.post("refund-requests", text % f"1{quantity}", idempotency_key="k")
    assert (other.status_code, RefundRequest.objects.count()) == (422, 1)


#: Bodies with all that may be written in several ways, and what they were kept under, newest first. A line is never changed:
#: where the first one becomes another, the way of until then goes on in ``api.idempotency._WAYS``.
_UNUSUAL = {
    r'{"b": [1.0, 1e16, 1e-5, -0.0, 0.1], "a": {"键": "\u0001\/é\ud83d\ude00", "n": null}}': (
        "e58b37c15b93eb38228696024829ef587a772227b8dccd506197cb354adcaa23",
        "cab2f93e09c3ca3459a455adaaa9d21d257c6e72ae7b1c551fdf3729911e9f87",
    ),
    "[123456789012345678901234567890, 2.0, 1e-5]": (
        "98ac2ac9357857d6d6d23b8990ed724bb90e9e165e0049af27b58781567da0cf",
        "eab4e5772be016ad8c21a1d4c34c2f83e3ebdfb3780dae578760b052f98e2e4e",
    ),
}


@pytest.mark.parametrize("text", _UNUSUAL)
def test_fingerprint_never_changes_without_a_way_to_read_those_that_are_kept(text: str) -> None:
    data = json.loads(text)
    assert tuple(hashlib.sha256(way(data)).hexdigest() for way in idempotency._WAYS) == _UNUSUAL[text]


def test_key_when_it_was_kept_before_an_update_gets_the_first_answer(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    sale = make_sale(api.merchant)
    body = {"transaction": str(sale.pk), "amount_fen": 100, "reason": "quality"}
    with monkeypatch.context() as before:
        before.setattr(idempotency, "_encoded", idempotency._as_written)
        text = json.dumps({**body, "lines": [{"sku": "SKU-1", "quantity": 1.0}]})
        first = api.post("refund-requests", text, idempotency_key="k")
    assert first.status_code == 201, first.content
    again = api.post("refund-requests", text, idempotency_key="k")
    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")
    other = api.post("refund-requests", text.replace("100", "101"), idempotency_key="k")
    assert (other.status_code, RefundRequest.objects.count()) == (422, 1)


@pytest.mark.parametrize("key", [None, "", "键", "a" * 256, "a\tb"])
def test_key_when_it_is_missing_or_no_visible_ascii_is_an_error_and_nothing_is_stored(
    api: Api, key: str | None
) -> None:
    body = {"transaction": str(make_sale(api.merchant).pk), "amount_fen": 100, "reason": "quality"}
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = api.post("refund-requests", body, idempotency_key=None, **headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "Idempotency-Key")
    assert not RefundRequest.objects.exists()


@pytest.mark.parametrize("again", ["k-1,k-1", "k-1, k-1, k-1", "k-1,"])
def test_key_when_a_try_sends_it_twice_is_that_key(api: Api, again: str) -> None:
    """As the server joins them: a client that adds the header anew with each try has it twice by the second."""
    body = {"transaction": str(make_sale(api.merchant).pk), "amount_fen": 100, "reason": "quality"}
    first, repeat = (api.post("refund-requests", body, idempotency_key=key) for key in ("k-1", again))
    assert (first.status_code, repeat.status_code, repeat.json()["id"]) == (201, 201, first.json()["id"])
    assert repeat["Idempotent-Replayed"] == "true"
    other = api.post("refund-requests", {**body, "amount_fen": 101}, idempotency_key="k-1,k-2")
    assert other.status_code == 201, "two keys are no key of which we know"
    assert RefundRequest.objects.count() == 2


def test_a_first_answer_is_given_again_for_a_day_and_then_the_key_is_free(api: Api) -> None:
    sale = make_sale(api.merchant)
    body = {"transaction": str(sale.pk), "amount_fen": 100, "reason": "quality"}
    first = api.post("refund-requests", body, idempotency_key="k").json()
    _age(records.KEPT - timedelta(minutes=1))
    tasks.forget_answers()
    again = api.post("refund-requests", body, idempotency_key="k")
    assert (again.json(), again["Idempotent-Replayed"]) == (first, "true")
    _age(records.KEPT + timedelta(minutes=1))
    tasks.forget_answers()
    later = api.post("refund-requests", body, idempotency_key="k")
    assert (later.status_code, later.headers.get("Idempotent-Replayed")) == (201, None)
    assert later.json()["id"] != first["id"]


def test_more_old_answers_than_a_batch_are_all_forgotten() -> None:
    old = timezone.now() - records.KEPT - timedelta(hours=1)
    IdempotencyRecord.objects.bulk_create(
        IdempotencyRecord(principal="key:1", key=str(number), fingerprint=b"x", status=201, body="{}", created_at=old)
        for number in range(records.AT_ONCE + 1)
    )
    tasks.forget_answers()
    assert not IdempotencyRecord.objects.exists()


def _age(by: timedelta) -> None:
    IdempotencyRecord.objects.update(created_at=timezone.now() - by)


def test_a_long_answer_is_kept_packed_and_given_again_to_the_byte_as_is_one_kept_as_text(api: Api) -> None:
    body = {"transaction": str(make_sale(api.merchant).pk), "amount_fen": 100, "reason": "quality"}
    first = api.post("refund-requests", body, idempotency_key="k").content
    kept = IdempotencyRecord.objects.get()
    assert len(kept.body) < 1_200 < len(first)
    assert api.post("refund-requests", body, idempotency_key="k").content == first
    # As answers were kept before they were packed.
    IdempotencyRecord.objects.update(body=first.decode())
    assert api.post("refund-requests", body, idempotency_key="k").content == first


def test_what_long_answers_are_packed_against_never_changes() -> None:
    kept = Path(idempotency.__file__).with_name("kept_answer.json").read_bytes()
    assert hashlib.sha256(kept).hexdigest() == "50049b8a5599ac74f5c0f274f4ea7a8ecd119be7a86189b53810a331f9fd836f"
