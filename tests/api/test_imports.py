"""Files of sales and refunds through REST."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from core.errors import DomainError
from merchants.api_keys import issue
from merchants.models import KeyScope, Merchant
from merchants.principals import of_staff
from refunds.intake import importing
from refunds.models import RefundBatch
from tests.factories import make_staff, of_api_key
from tests.refunds.limited import shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return shop()


def test_import_is_brought_named_and_followed(merchant: Merchant) -> None:
    client = Client(headers={"X-CSRFToken": "t" * 32})
    client.cookies["csrftoken"] = "t" * 32
    client.force_login(make_staff(merchant, "finance"), backend="django.contrib.auth.backends.ModelBackend")

    def send(key: str) -> object:
        sent = {"kind": "sales", "file": SimpleUploadedFile("a.csv", "单号,金额\n1,2\n".encode("gbk"))}
        return client.post("/api/v1/imports", sent, headers={"Idempotency-Key": key}).json()

    first = send("i-1")
    assert isinstance(first, dict)
    assert (first["columns"], first["guess"]) == (["单号", "金额"], {"order_no": "单号", "amount": "金额"})
    path = f"/api/v1/imports/{first['id']}"
    answer = client.post(f"{path}/columns", json.dumps({"columns": first["guess"]}), content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (422, "import_columns")
    assert {one["field"] for one in answer.json()["errors"]} >= {"channel", "paid_at", "store"}
    assert client.get(path).json()["sample"] == [["1", "2"]]
    assert RefundBatch.objects.get().state == "mapping"


def test_key_without_the_scope_of_sales_brings_none(merchant: Merchant) -> None:
    maker, scopes = of_staff(make_staff(merchant, "owner")), [KeyScope.REFUNDS_WRITE]
    issued = issue(merchant=merchant, name="k", all_stores=True, scopes=scopes, by=maker, at=timezone.now())
    by = of_api_key(issued[0])
    with pytest.raises(DomainError) as refused:
        importing.offer(kind="sales", name="x", content=b"a,b\n1,2\n", by=by, at=timezone.now())
    assert refused.value.code == "missing_scope"
    assert not RefundBatch.objects.exists()
