"""Pictures by REST: one at a time, once however often it is sent, and nothing that is no picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from merchants.models import Store
from refunds.models import Evidence, RefundRequest
from tests import pictures
from tests.api.conftest import Api, api_for
from tests.factories import make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _folder(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


@pytest.fixture
def waiting(api: Api) -> RefundRequest:
    return make_request(make_sale(api.merchant, 50_000), 26_800, by=api.by)


def send(api: Api, request_id: object, *, key: str | None = "k1", **fields: Any) -> Any:
    headers = {"Authorization": f"Bearer {api.key}", **({"Idempotency-Key": key} if key else {})}
    fields = {"file": pictures.upload(), **fields}
    return Client().post(f"/api/v1/refund-requests/{request_id}/evidence", fields, headers=headers)


def test_a_picture_is_taken_re_encoded_and_named(api: Api, waiting: RefundRequest) -> None:
    answer = send(api, waiting.pk, kind="receipt", note="小票")
    assert answer.status_code == 201
    body = answer.json()
    row = Evidence.objects.get()
    assert (body["id"], body["kind"], body["note"]) == (str(row.pk), "receipt", "小票")
    assert (body["content_type"], body["sha256"]) == ("image/jpeg", row.sha256)
    assert "path" not in body
    assert row.added_by == "till"


def test_the_same_picture_under_one_key_is_kept_once(api: Api, waiting: RefundRequest) -> None:
    first, again = send(api, waiting.pk), send(api, waiting.pk)
    assert again.status_code == 201
    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    other = send(api, waiting.pk, file=pictures.upload(pictures.encoded(colour="red")))
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert Evidence.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"file": pictures.upload(b"<svg onload=alert(1)>", "a.svg", "image/svg+xml")}, 422, "not_a_picture"),
        ({"file": pictures.upload(b"%PDF-1.7", "a.jpg")}, 422, "not_a_picture"),
        ({"file": pictures.upload(pictures.png_claiming(60_000, 60_000))}, 422, "picture_too_large"),
        ({"file": pictures.upload(b"")}, 400, "invalid_input"),
        ({"file": "no file"}, 400, "invalid_input"),
        ({"kind": "malware"}, 400, "invalid_input"),
        ({"note": "x" * 201}, 400, "invalid_input"),
        ({"state": "approved"}, 400, "invalid_input"),
        ({"key": None}, 400, "invalid_input"),
    ],
)
def test_what_cannot_be_taken_keeps_nothing(
    api: Api, waiting: RefundRequest, fields: dict[str, Any], status: int, code: str
) -> None:
    if hasattr(fields.get("file"), "seek"):
        fields["file"].seek(0)
    answer = send(api, waiting.pk, **fields)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert not Evidence.objects.exists()


def test_two_files_at_once_are_refused_rather_than_one_forgotten(api: Api, waiting: RefundRequest) -> None:
    answer = send(api, waiting.pk, file=[pictures.upload(), pictures.upload()])
    assert answer.status_code == 400
    assert not Evidence.objects.exists()


def test_a_body_larger_than_a_picture_is_refused_by_its_length(api: Api, waiting: RefundRequest) -> None:
    answer = Client().post(
        f"/api/v1/refund-requests/{waiting.pk}/evidence",
        b"",
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH="20000000",
        headers={"Authorization": f"Bearer {api.key}", "Idempotency-Key": "k"},
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_another_merchant_store_or_scope_gets_nowhere(api: Api, waiting: RefundRequest) -> None:
    stranger = api_for(make_merchant())
    assert send(stranger, waiting.pk).status_code == 404
    assert send(stranger, uuid4()).json() == send(stranger, waiting.pk).json() | {}
    other_store = Store.objects.create(merchant=api.merchant, code="S002", name="二号店")
    assert send(api_for(api.merchant, store=other_store), waiting.pk).status_code == 404
    reader = send(api_for(api.merchant, scopes=["refunds:read"]), waiting.pk)
    assert (reader.status_code, reader.json()["code"]) == (403, "missing_scope")
    assert not Evidence.objects.exists()


def test_json_is_the_wrong_form(api: Api, waiting: RefundRequest) -> None:
    answer = api.post(f"refund-requests/{waiting.pk}/evidence", {"file": "x"})
    assert answer.status_code == 415
