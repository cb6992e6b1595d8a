"""Every problem document leads to words about it, and no code is made up on the way."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client
from pytest_django.fixtures import Settings

from api import problems
from api.problem_types import PROBLEM_TYPES
from tests.api.conftest import Api
from tests.factories import make_sale

pytestmark = pytest.mark.django_db

#: Where the refusals that the API passes on are raised.
_RAISED_IN = (
    "api",
    "refunds/intake/claims.py",
    "refunds/intake/counters.py",
    "refunds/intake/facts.py",
    "refunds/intake/judging.py",
    "refunds/intake/submitting.py",
    "refunds/review/deciding.py",
    "refunds/evidence/files.py",
    "refunds/lifecycle.py",
    "refunds/facts/conditions.py",
    "merchants/rights.py",
    "terminals",
)
#: Codes of single fields inside ``errors``, and of base classes that are never raised as they are.
_OF_FIELDS = frozenset(
    {
        "unknown_field",
        "control_character",
        "offset_missing",
        "out_of_range",
        "invalid_phone",
        "invalid",
        "invalid_cursor",
        "invalid_limit",
        "idempotency_key_missing",
        "idempotency_key_invalid",
        "one_file",
        "repeated",
        "sale_not_named",
    }
)
#: Raised inside and answered as something else: a repeat, a kind that the serializer has refused before.
_NEVER_SEEN = frozenset({"idempotency_key_used", "unknown_kind"})


def _codes(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
            yield str(node.value.value)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            names = {target.id for target in node.targets if isinstance(target, ast.Name)}
            if names & {"code", "default_code"}:
                yield str(node.value.value)


def test_every_code_has_its_words() -> None:
    raised: set[str] = set()
    for place in _RAISED_IN:
        path = settings.BASE_DIR / place
        for file in [path] if path.is_file() else path.rglob("*.py"):
            raised |= set(_codes(file))
    assert len(raised) > 40
    assert raised - _OF_FIELDS - _NEVER_SEEN - PROBLEM_TYPES.keys() == set()


def test_the_page_has_an_anchor_for_every_type(api: Api) -> None:
    page = Client().get("/api/problems").content.decode()
    assert all(f'<tr id="{code}">' in page for code in PROBLEM_TYPES)
    answer = api.post("refund-requests", {"transaction": str(make_sale(api.merchant, 100).pk), "amount_fen": 101})
    assert answer.json()["type"] == f"{settings.BASE_URL}/api/problems#invalid_input"


def test_titles_speak_the_callers_language(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.key}"}
    titles = {
        language: Client().get(
            "/api/v1/policy?", headers={**headers, "Accept": "text/xml", "Accept-Language": language}
        )
        for language in ("en", "zh-Hans")
    }
    assert titles["en"].json()["title"] == "Only JSON is given"
    assert titles["zh-Hans"].json()["title"] != titles["en"].json()["title"]


def test_a_fault_of_ours_is_a_problem_below_api_and_a_page_elsewhere(
    api: Api, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("merchants.policies.in_force", broken)
    client = Client(raise_request_exception=False)
    answer = client.get("/api/v1/policy", headers={"Authorization": f"Bearer {api.key}"})
    assert (answer.status_code, answer["Content-Type"], answer.json()["code"]) == (
        500,
        problems.MEDIA_TYPE,
        "internal_error",
    )
    assert "secret detail" not in answer.content.decode()
    settings.ALLOWED_HOSTS = ["elsewhere.example"]
    assert Client().get("/api/v1/policy").json()["code"] == "bad_request"
    assert "text/html" in Client().get("/desk")["Content-Type"]


def test_a_database_that_is_away_is_503_with_a_time_to_wait(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(**_: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr("merchants.policies.in_force", gone)
    answer = api.get("policy")
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "try_again", "2")


def test_a_refusal_by_the_policy_names_the_field_it_is_about(api: Api) -> None:
    sale = make_sale(api.merchant, 10_000)
    body = {"transaction": str(sale.pk), "amount_fen": 10_001, "reason": "quality"}
    answer = api.post("refund-requests", body).json()
    assert [(error["field"], error["code"]) for error in answer["errors"]] == [("amount_fen", "exceeds_refundable")]


def test_asking_for_the_description_wrongly_is_still_json() -> None:
    for path in ("/api/schema", "/api/docs"):
        answer = Client().post(path)
        assert (answer.status_code, answer["Content-Type"]) == (405, problems.MEDIA_TYPE)
        assert answer.json()["code"] == "method_not_allowed"
