"""The description of the API says what the API does."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from rest_framework.serializers import BaseSerializer

from api import schemas
from tests.api.conftest import Api
from tests.factories import make_request, make_sale

pytestmark = pytest.mark.django_db


def same_names(schema: BaseSerializer[Any], body: dict[str, Any], path: str = "") -> None:
    """An answer has just the fields that the description names, at every depth."""
    fields = schema.fields  # type: ignore[attr-defined]
    assert set(fields) == set(body), path
    for name, field in fields.items():
        value = body[name]
        child = getattr(field, "child", field)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(child, BaseSerializer) and isinstance(one, dict):
                same_names(child, one, f"{path}.{name}")


def test_answers_have_just_the_described_fields(api: Api) -> None:
    request = make_request(make_sale(api.merchant))
    same_names(schemas.RefundRequestOut(), api.get(f"refund-requests/{request.pk}").json())
    same_names(schemas.EventsOut(), api.get(f"refund-requests/{request.pk}/events").json())
    same_names(schemas.TransactionWithRequestsOut(), api.get(f"transactions/{request.transaction_id}").json())
    same_names(schemas.RefundRequestPageOut(), api.get("refund-requests").json())
    same_names(schemas.PolicyOut(), api.get("policy").json())
    same_names(schemas.TransactionPageOut(), api.get("transactions").json())
    same_names(schemas.Problem(), api.get("refund-requests", limit="x").json())


def test_schema_is_openapi_3_1_and_the_page_reads_it() -> None:
    schema = Client().get("/api/schema", headers={"Accept": "application/json"})
    assert schema.status_code == 200
    assert schema.json()["openapi"].startswith("3.1")
    assert "/api/v1/refund-requests" in schema.json()["paths"]
    page = Client().get("/api/docs")
    assert page.status_code == 200
    assert "<script>" not in page.content.decode()
