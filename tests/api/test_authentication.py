"""Keys that demand signed requests: a copy, a change or an old one gets nowhere."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.utils import timezone
from pytest_django.fixtures import Settings

from api import authentication
from merchants import api_keys
from merchants.models import ApiKey, KeyScope
from merchants.principals import of_staff
from refunds.models import Evidence, RefundRequest
from terminals.models import Transaction
from tests import pictures
from tests.factories import make_merchant, make_request, make_sale, make_staff, of_api_key

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api_urls")]


@dataclass
class Signed:
    """A client that signs; ``send`` may be told to say something else than what it signed."""

    key: str
    secret: str
    merchant: Any
    request_id: str = field(default_factory=lambda: uuid4().hex)

    def send(
        self, method: str, path: str, body: bytes = b"", *, said: dict[str, Any] | None = None, **more: Any
    ) -> Any:
        facts = {
            "request_id": uuid4().hex,
            "timestamp": str(int(time.time())),
            "method": method,
            "path": path,
            "body": body,
            "secret": self.secret,
            **(said or {}),
        }
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Idempotency-Key": uuid4().hex,
            "X-Request-Id": facts["request_id"],
            "X-Request-Timestamp": facts["timestamp"],
            "X-Request-Signature": authentication.signature(**facts),
            **more.pop("headers", {}),
        }
        more.setdefault("content_type", "application/json")
        return Client().generic(method, path, body, headers=headers, **more)


@pytest.fixture
def signed() -> Signed:
    merchant = make_merchant()
    _row, key, secret = api_keys.issue(
        merchant=merchant,
        name="till",
        scopes=list(KeyScope.values),
        by=of_staff(make_staff(merchant, "owner")),
        at=timezone.now(),
        signed=True,
        all_stores=True,
    )
    return Signed(key, secret, merchant)


def _body(sale: Transaction) -> bytes:
    return json.dumps({"transaction": str(sale.pk), "amount_fen": 100, "reason": "quality"}).encode()


def test_a_signed_request_is_taken_with_body_and_query(signed: Signed) -> None:
    sale = make_sale(signed.merchant)
    assert signed.send("POST", "/api/v1/refund-requests", _body(sale)).status_code == 201
    found = signed.send("GET", f"/api/v1/transactions?order_no={sale.order_no}&limit=1")
    assert (found.status_code, len(found.json()["results"])) == (200, 1)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"method": "GET"}, "signature_mismatch"),
        ({"path": "/api/v1/refund-quotes"}, "signature_mismatch"),
        ({"path": "/api/v1/refund-requests?x=1"}, "signature_mismatch"),
        ({"body": b"{}"}, "signature_mismatch"),
        ({"secret": "0" * 64}, "signature_mismatch"),
        ({"timestamp": str(int(time.time()) - 400)}, "signature_stale"),
        ({"timestamp": str(int(time.time()) + 3_600)}, "signature_stale"),
        ({"timestamp": "9" * 400}, "signature_stale"),
        ({"timestamp": "soon"}, "signature_required"),
        ({"request_id": ""}, "signature_required"),
        ({"request_id": "x" * 101}, "signature_required"),
    ],
)
def test_what_was_not_signed_like_this_is_401_and_leaves_nothing(
    signed: Signed, said: dict[str, Any], code: str
) -> None:
    answer = signed.send("POST", "/api/v1/refund-requests", _body(make_sale(signed.merchant)), said=said)
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert not RefundRequest.objects.exists()


def test_a_signature_that_is_missing_or_no_text_is_401(signed: Signed) -> None:
    body = _body(make_sale(signed.merchant))
    for given in ("", "v1=", "v1=zz", "\xff"):
        answer = signed.send("POST", "/api/v1/refund-requests", body, headers={"X-Request-Signature": given})
        assert answer.status_code == 401, given
    assert not RefundRequest.objects.exists()


def test_the_same_request_a_second_time_is_401(signed: Signed) -> None:
    body, once = _body(make_sale(signed.merchant)), {"request_id": uuid4().hex}
    assert signed.send("POST", "/api/v1/refund-requests", body, said=once).status_code == 201
    again = signed.send("POST", "/api/v1/refund-requests", body, said=once)
    assert (again.status_code, again.json()["code"]) == (401, "signature_replayed")
    assert RefundRequest.objects.count() == 1


def test_another_merchants_secret_does_not_open_this_key(signed: Signed) -> None:
    theirs = make_merchant()
    _row, _key, secret = api_keys.issue(
        merchant=theirs,
        name="till",
        scopes=list(KeyScope.values),
        by=of_staff(make_staff(theirs, "owner")),
        at=timezone.now(),
        signed=True,
        all_stores=True,
    )
    answer = signed.send("GET", "/api/v1/policy", said={"secret": secret})
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_mismatch")


def test_a_signed_picture_of_several_megabytes_is_taken(signed: Signed, settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    by = of_api_key(ApiKey.objects.get(merchant=signed.merchant))
    request = make_request(make_sale(signed.merchant, 50_000), 26_800, by=by)
    # A picture that is large as a file: what follows its end is not looked at, but it is signed and sent.
    picture = pictures.upload(pictures.encoded() + b"\0" * 3_000_000)
    body = encode_multipart(BOUNDARY, {"kind": "photo", "file": picture})
    path = f"/api/v1/refund-requests/{request.pk}/evidence"
    answer = signed.send("POST", path, body, content_type=MULTIPART_CONTENT)
    assert answer.status_code == 201, answer.content
    assert Evidence.objects.count() == 1


def test_signed_json_above_its_limit_is_413(signed: Signed) -> None:
    answer = signed.send("POST", "/api/v1/refund-requests", b'{"description":"' + b"x" * 1_100_000 + b'"}')
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
