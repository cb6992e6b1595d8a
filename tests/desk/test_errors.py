"""Error pages: each with its status, and without the database that may be what is in trouble."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from desk import errors


@pytest.mark.parametrize(
    ("page", "status"),
    [
        (errors.bad_request, 400),
        (errors.forbidden, 403),
        (errors.not_found, 404),
        (errors.server_error, 500),
        (errors.too_slow, 503),
        (errors.database_away, 503),
        (errors.csrf_failure, 403),
    ],
)
def test_page_when_the_database_is_out_of_reach_is_shown(
    page: Callable[[HttpRequest], HttpResponse], status: int
) -> None:
    # No database is allowed in this test: a query would fail it.
    response = page(RequestFactory().get("/desk"))
    assert response.status_code == status
    assert "<h1" in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed", "meant"),
    [("/desk/", "/desk"), ("/desk/refunds/?q=RF", "/desk/refunds?q=RF"), ("/desk/nowhere/", ""), ("/desk//", "/desk")],
)
def test_address_typed_with_a_slash_at_its_end_leads_to_the_page(typed: str, meant: str) -> None:
    answer = Client().get(typed)

    assert (answer.status_code, answer.get("Location", "")) == ((302, meant) if meant else (404, ""))
