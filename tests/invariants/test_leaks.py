"""The checks that need more than the database: what clients were told, and where planted numbers lie."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from core import redis_client
from invariants import leaks
from merchants import api_keys
from merchants.models import KeyScope
from merchants.principals import of_staff
from refunds.models import RefundRequest
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.invariants.answers import Answer, answers_against_requests

PHONE = "13800006021"

pytestmark = pytest.mark.django_db


@pytest.fixture
def requests_of_a_key() -> tuple[int, RefundRequest, RefundRequest]:
    merchant = make_merchant()
    sale = make_sale(merchant, 33_980)
    key, _, _ = api_keys.issue(
        merchant=merchant,
        name="till",
        scopes=list(KeyScope.values),
        by=of_staff(make_staff(merchant, "owner")),
        at=timezone.now(),
        all_stores=True,
    )
    first, second = make_request(sale, 1_200), make_request(sale, 1_300)
    RefundRequest.objects.update(api_key=key)
    return key.pk, first, second


def _told(request: RefundRequest, *, key: str = "", **changes: object) -> Answer:
    values: dict[str, object] = {
        "key": key or f"key of {request.number}",
        "status": 201,
        "transaction_id": str(request.transaction_id),
        "amount_fen": request.amount_fen,
        "request_id": str(request.pk),
    }
    return Answer(**{**values, **changes})  # type: ignore[arg-type]


def test_what_clients_saw_and_what_was_made_may_agree(
    requests_of_a_key: tuple[int, RefundRequest, RefundRequest],
) -> None:
    key, first, second = requests_of_a_key
    repeated = [_told(first), _told(first), _told(second), _told(second, key="refused", status=422, request_id="")]
    assert list(answers_against_requests(repeated, api_key_id=key)) == []
    assert list(answers_against_requests([_told(first)], api_key_id=key, in_doubt=1)) == []


def test_every_disagreement_with_clients_is_found(
    requests_of_a_key: tuple[int, RefundRequest, RefundRequest],
) -> None:
    key, first, second = requests_of_a_key
    both = [_told(first), _told(second)]
    cases = {
        "a 201 and nothing was stored": ("I10", [*both, _told(first, key="k", request_id="nothing")]),
        "a 201 of another amount": ("I10", [_told(first, amount_fen=1), _told(second)]),
        "a 201 of another sale": ("I10", [_told(first, transaction_id="another"), _told(second)]),
        "two requests under one key": ("I10", [_told(first, key="k"), _told(second, key="k")]),
        "one request under two keys": ("I10", [*both, _told(first, key="k")]),
        "a refusal that left a request behind": ("I11", [_told(first), _told(second, status=422, request_id="")]),
        "a refusal after a success": ("I11", [*both, _told(first, status=409, request_id="")]),
    }
    for name, (code, told) in cases.items():
        assert code in {breach.code for breach in answers_against_requests(told, api_key_id=key)}, name


def test_planted_number_in_any_kind_of_column_is_found() -> None:
    request = make_request(make_sale(make_merchant(), 33_980), 1_200, phone=PHONE)
    assert list(leaks.in_database([PHONE])) == []
    for column, value in {
        "description": f"call {PHONE}",
        "verdict": json.dumps({"a": {"b": f"<{PHONE}>"}}),
        "customer_phone_hash": f"\\x{PHONE.encode().hex()}",
        "message_to_customer": base64.b64encode(f"xy{PHONE}".encode()).decode(),
    }.items():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {column}::text FROM refunds_refundrequest")
            before = cursor.fetchone()[0]
            cursor.execute(f"UPDATE refunds_refundrequest SET {column} = %s", [value])
            found = [breach.what for breach in leaks.in_database([PHONE])]
            assert found == ["1 rows of refunds_refundrequest"], column
            cursor.execute(f"UPDATE refunds_refundrequest SET {column} = %s", [before])
    assert request.customer_phone == PHONE


@pytest.mark.parametrize("offset", [0, 1, 2])
def test_planted_number_in_the_broker_is_found_in_every_kind_of_key(offset: int) -> None:
    redis = redis_client.client()
    assert list(leaks.in_broker([PHONE])) == []
    # As Celery lays a task into its queue: the arguments are base64 of JSON.
    body = base64.b64encode((" " * offset + json.dumps([[PHONE], {}, {}])).encode()).decode()
    redis.lpush("leak:list", json.dumps({"body": body}))
    redis.hset("leak:hash", "a", PHONE)
    redis.zadd("leak:zset", {PHONE: 1})
    redis.sadd("leak:set", PHONE)
    redis.set("leak:string", "x" * 100 + PHONE)
    redis.set(f"leak:{PHONE}", "the key itself")
    redis.xadd("leak:stream", {"a": "what we cannot read"})
    try:
        found = " ".join(breach.what for breach in leaks.in_broker([PHONE]))
    finally:
        redis.delete(*redis.keys("leak:*"))
    for kind in ("list", "hash", "zset", "set", "string", PHONE, "stream"):
        assert f"leak:{kind}" in found


def test_planted_number_in_a_log_is_found(tmp_path: Path) -> None:
    (tmp_path / "web.log").write_text("GET /desk 200\n")
    assert list(leaks.in_files([PHONE], folder=tmp_path)) == []
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "worker.log").write_text(f"told {PHONE}\n")
    make_request(make_sale(make_merchant(), 33_980), 1_200, phone=PHONE)
    with pytest.raises(CommandError, match="1 breaches"):
        call_command("check_invariants", leaks=True, logs=tmp_path)
    call_command("check_invariants", leaks=True)
    assert [Path(breach.what).name for breach in leaks.in_files([PHONE], folder=tmp_path)] == ["worker.log"]
