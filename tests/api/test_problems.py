"""Every problem document leads to words about it, in the caller's language."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client
from pytest_django.fixtures import Settings

from api import problems
from core.codes import FIELDS, PROBLEMS
from tests.api.conftest import Api
from tests.factories import make_sale

pytestmark = pytest.mark.django_db


def test_the_page_has_an_anchor_for_every_type(api: Api) -> None:
    page = Client().get("/api/problems").content.decode()
    assert all(f'<tr id="{code.name}">' in page for code in (*PROBLEMS, *FIELDS))
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
