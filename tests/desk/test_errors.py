"""Error pages: each with its status, and without the database that may be what is in trouble."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from desk import errors
from merchants.models import Staff
from tests.desk.conftest import Shop


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


@pytest.mark.parametrize(
    ("path", "status"), [("/desk/audit", 403), ("/desk/refunds/RF-1", 404), ("/desk/nowhere", 404)]
)
def test_page_at_the_desk_leads_to_what_this_person_may_open(
    shop: Shop, as_staff: Callable[[Staff], Client], path: str, status: int
) -> None:
    answer = as_staff(shop.cashier).get(path)

    said = answer.content.decode()
    assert (answer.status_code, "This is not yours" in said) == (status, status == 403)
    main = said[said.index("<main") : said.index("</main>")]
    assert f"{shop.cashier.name} (Cashier)" in main
    assert 'href="/desk/new"' in main
    assert 'href="/desk/audit"' not in said
    assert answer["Cache-Control"] == "private, no-store"


def test_page_for_a_stranger_tells_nothing_of_the_desk(shop: Shop) -> None:
    said = Client(headers={"accept-language": "en"}).get("/desk/nowhere").content.decode()
    assert "/desk/new" not in said
    assert "To the start page" in said


def test_form_of_a_page_says_itself_that_it_is_not_allowed(shop: Shop, as_staff: Callable[[Staff], Client]) -> None:
    path = f"/desk/refunds/{shop.waiting().number}/approve"
    answer = as_staff(shop.cashier).post(path, {"version": "1"}, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["Refused"]) == (403, "1")
    assert "Your role or your stores do not include it." in answer.content.decode()


def test_page_when_the_database_fails_under_its_navigation_is_shown_without(
    shop: Shop, as_staff: Callable[[Staff], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(errors, "render", fails)
    answer = as_staff(shop.cashier).get("/desk/audit")
    assert answer.status_code == 403
    assert "To the start page" in answer.content.decode()
