"""The description of the API says what the API does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from rest_framework.serializers import BaseSerializer

from api import schemas
from api.description import _REFERENCE
from api.refund_requests import EventsOut
from api.schemas_policy import PolicyOut
from api.schemas_refunds import RefundRequestOut, RefundRequestPageOut
from api.schemas_sales import TransactionPageOut, TransactionWithRequestsOut
from tests.api.conftest import Api
from tests.factories import make_request, make_sale

pytestmark = pytest.mark.django_db
_CHINESE = re.compile("[一-鿿]")


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
    same_names(RefundRequestOut(), api.get(f"refund-requests/{request.pk}").json())
    same_names(EventsOut(), api.get(f"refund-requests/{request.pk}/events").json())
    same_names(TransactionWithRequestsOut(), api.get(f"transactions/{request.transaction_id}").json())
    whole = ",".join(RefundRequestOut._declared_fields)
    same_names(RefundRequestPageOut(), api.get("refund-requests", fields=whole).json())
    same_names(PolicyOut(), api.get("policy").json())
    same_names(TransactionPageOut(), api.get("transactions").json())
    same_names(schemas.Problem(), api.get("refund-requests", limit="x").json())


def _schema(language: str) -> dict[str, Any]:
    answer = Client().get("/api/schema", headers={"Accept": "application/json", "Accept-Language": language})
    assert answer.status_code == 200
    found: dict[str, Any] = json.loads(answer.content)
    return found


def _fields(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, shape in schema["components"]["schemas"].items():
        for field, said in shape.get("properties", {}).items():
            yield f"{name}.{field}", said


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            yield f"{method} {path}", operation


def _misfits(schema: dict[str, Any], one: dict[str, Any], example: Any) -> list[str]:
    """What a validator of JSON Schema has against an example."""
    validator = OAS31Validator({**one, "components": schema["components"]})
    return [f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(example)]


def test_schema_is_openapi_3_1_without_errors() -> None:
    schema = _schema("en")
    assert schema["openapi"].startswith("3.1")
    assert "/api/v1/refund-requests" in schema["paths"]
    assert [str(fault) for fault in OpenAPIV31SpecValidator(schema).iter_errors()] == []
    assert schema["servers"][0]["url"] == settings.BASE_URL
    assert schema["info"]["license"]["url"] == f"{settings.BASE_URL}/api/docs"
    assert "https://refunds.example" not in str(schema), "an example that leads to another installation"


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_every_field_has_a_meaning_in_the_readers_language_and_an_example_that_fits(language: str) -> None:
    schema = _schema(language)
    fields = dict(_fields(schema))
    # The list of a choice's values is translated with the product's other words.
    said = {name: field.get("description", "").split("* `")[0] for name, field in fields.items()}
    assert [
        name for name, text in said.items() if len(text) < 2 or (language != "en" and not _CHINESE.search(text))
    ] == []
    # A unit alone is no meaning.
    units = {text[language != "en"] for text in _REFERENCE["units"].values()}
    assert [name for name, text in said.items() if text.strip() in units] == []
    assert len(fields) > 590
    leaves = {name: field for name, field in fields.items() if "$ref" not in json.dumps(field)}
    assert [name for name, field in leaves.items() if not field.get("examples")] == []
    assert [
        (name, fault)
        for name, field in fields.items()
        for example in field.get("examples", ())
        for fault in _misfits(schema, field, example)
    ] == []
    assert [
        name for name in fields if name.endswith("_fen") and ("fen" if language == "en" else "分") not in said[name]
    ] == []


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_every_operation_has_examples_that_fit_and_says_what_answers_carry(language: str) -> None:
    schema = _schema(language)
    for name, operation in _operations(schema):
        assert language == "en" or _CHINESE.search(operation["summary"]), name
        for one in operation.get("parameters", ()):
            assert one["description"], (name, one["name"])
            assert _misfits(schema, one["schema"], one["example"]) == [], (name, one["name"])
        for media, form in operation.get("requestBody", {}).get("content", {}).items():
            given = (
                [form["example"]] if "example" in form else [one["value"] for one in form.get("examples", {}).values()]
            )
            assert given or media != "application/json", name
            assert [_misfits(schema, form["schema"], one) for one in given] == [[]] * len(given), name
        assert {status[0] for status in operation["responses"]} >= {"2", "4", "5"}, name
        for status, answer in operation["responses"].items():
            where = f"{name} {status}"
            assert "X-Request-Id" in answer["headers"], where
            assert ("RateLimit" in answer["headers"]) is (status != "401"), where
            assert ("Retry-After" in answer["headers"]) is (status in {"409", "429", "503"}), where
            for form in answer.get("content", {}).values():
                assert _misfits(schema, form["schema"], form["example"]) == [], where
        once = any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", ()))
        good = [answer for status, answer in operation["responses"].items() if status < "3"]
        assert all(("Idempotent-Replayed" in answer["headers"]) is once for answer in good), name
    assert set(schema["components"]["headers"]) >= {"X-Request-Id", "RateLimit", "RateLimit-Policy", "Retry-After"}


def test_the_reference_has_nothing_that_nobody_asks_for() -> None:
    """A meaning whose field is gone, or a Chinese text whose English has changed, goes too."""
    schema = _schema("en")
    known = {name.split(".")[1] for name, _ in _fields(schema)} | {name for name, _ in _fields(schema)}
    known |= {name.replace("RowOut.", "Out.") for name in known}  # of a list's rows, where nothing tells them whole
    known |= {one["name"] for _, operation in _operations(schema) for one in operation.get("parameters", ())}
    known |= {f"?{name}" for name in known}
    assert _REFERENCE["fields"].keys() - known == set()


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"amount_fen": 0}, "amount_fen"),
        ({"amount_fen": 1, "reason": "no such"}, "reason"),
        ({"amount_fen": 1, "reason": "quality", "order_no": "x" * 65}, "order_no"),
        ({"amount_fen": 1, "reason": "quality", "order_no": "a\u0007"}, "order_no"),
        ({"amount_fen": 1, "reason": "quality", "order_no": "A", "customer": {"email": "x"}}, "customer.email"),
        (
            {"amount_fen": 1, "reason": "quality", "order_no": "A", "lines": [{"sku": "A", "quantity": 0}]},
            "lines.0.quantity",
        ),
        ({"amount_fen": 1, "reason": "quality", "order_no": "A", "strange": 1}, "strange"),
    ],
)
def test_what_is_refused_is_declared(api: Api, body: dict[str, Any], refused: str) -> None:
    schema = _schema("en")
    assert _misfits(schema, schema["components"]["schemas"]["RefundRequestRequest"], body)
    assert refused in [error["field"] for error in api.post("refund-requests", body).json()["errors"]]
