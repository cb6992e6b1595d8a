"""A statement that the database cancels is told as such: by the API with a code of its own, by a page in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tests.api.conftest import Api, api_for
from tests.factories import make_merchant, make_staff

pytestmark = pytest.mark.django_db(transaction=True)


def _slowly(*_: Any, **__: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.5)")
    raise AssertionError("the statement was not cancelled")


@pytest.fixture
def slow_statement(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the policy's page and the list of refunds ask first takes half a second, of a tenth that a session has."""
    monkeypatch.setattr("merchants.policies.in_force", _slowly)
    monkeypatch.setattr("desk.keyset.page", _slowly)
    yield
    # The invariants, which are asked next, take their time on a busy machine.
    with connection.cursor() as cursor:
        cursor.execute("RESET statement_timeout")


@pytest.mark.usefixtures("slow_statement")
def test_api_when_a_statement_takes_too_long_answers_503_with_a_code_of_its_own() -> None:
    api: Api = api_for(make_merchant())
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 100")
    answer = api.get("policy")
    assert (answer.status_code, answer.json()["code"]) == (503, "took_too_long")
    assert int(answer["Retry-After"]) > 0


@pytest.mark.usefixtures("slow_statement")
def test_page_when_a_statement_takes_too_long_answers_503_in_words() -> None:
    manager = make_staff(make_merchant(), "manager")
    client = Client(headers={"accept-language": "en"}, raise_request_exception=False)
    client.force_login(manager, backend="django.contrib.auth.backends.ModelBackend")
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 100")
    answer = client.get("/desk/refunds")
    assert answer.status_code == 503
    assert "This took too long" in answer.content.decode()
    assert int(answer["Retry-After"]) > 0
