"""Machines go around what only pages need; browsers do not."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings

from config.middleware import Compressed, PagesOnly, is_machine

_KEY = {"authorization": "Bearer rdk_x"}


@pytest.mark.parametrize(
    ("path", "headers", "machine"),
    [
        ("/api/v1/refund-requests", _KEY, True),
        ("/api/v1/refund-requests", {"authorization": "bearer rdk_x"}, True),
        ("/api/v1/refund-requests", {}, False),
        ("/api/v1/refund-requests", {"authorization": "Basic eDp5"}, False),
        ("/api/docs", _KEY, False),
        ("/desk", _KEY, False),
        ("/desk/api/v1/", _KEY, False),
    ],
)
def test_only_an_api_call_with_a_key_is_a_machine(path: str, headers: dict[str, str], machine: bool) -> None:
    assert is_machine(RequestFactory().get(path, headers=headers)) is machine


@pytest.mark.django_db
def test_machine_gets_no_cookie_and_an_answer_that_no_browser_shows(client: Client) -> None:
    answer = client.post("/api/v1/refund-requests", {}, content_type="application/json", headers=_KEY)
    assert answer.status_code == 401
    assert not answer.cookies
    assert answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.django_db
def test_machine_is_answered_in_its_language(client: Client) -> None:
    answer = client.get("/api/v1/refund-requests", headers={"accept-language": "en", **_KEY})
    assert answer["Content-Language"] == "en"


@pytest.mark.django_db
def test_session_beside_a_key_counts_for_nothing(client: Client) -> None:
    client.cookies["sessionid"] = "x" * 32
    assert client.get("/api/v1/refund-requests", headers=_KEY).status_code == 401


@pytest.mark.django_db
def test_browser_still_needs_its_token() -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/login", {"username": "x", "password": "y"}).status_code == 403


class _WithExceptionHook:
    def __init__(self, get_response: object) -> None:
        self.get_response = get_response

    def process_exception(self, _request: object, _error: Exception) -> None:
        return None


@override_settings(PAGE_MIDDLEWARE=[f"{__name__}._WithExceptionHook"])
def test_middleware_whose_hooks_would_be_lost_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="hooks"):
        PagesOnly(lambda _request: HttpResponse())


@pytest.mark.parametrize(("kind", "encoding"), [("text/html; charset=utf-8", "gzip"), ("image/jpeg", "")])
def test_pages_are_compressed_and_pictures_are_not(kind: str, encoding: str) -> None:
    asked = RequestFactory().get("/desk", headers={"accept-encoding": "gzip"})
    page = HttpResponse(b"a" * 4_000, content_type=kind)
    answer = Compressed(lambda _request: page).process_response(asked, page)
    assert answer.get("Content-Encoding", "") == encoding


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/desk/refunds/RF-1/approve", "/desk/refunds/RF-1"),
        ("/desk/incidents/7/apologise", "/desk/incidents/7"),
        ("/desk/deputies/3/revoke", "/desk/deputies"),
        ("/desk/settings/personal-data/erase", "/desk/settings/personal-data"),
        ("/desk/claim-next", "/desk"),
        ("/logout", "/"),
    ],
)
def test_address_of_a_form_that_is_opened_in_a_browser_leads_to_the_page_it_stands_on(path: str, leads_to: str) -> None:
    answer = Client(headers={"accept": "text/html,*/*;q=0.8"}).get(path)
    assert (answer.status_code, answer["Location"]) == (302, leads_to)


def test_address_of_a_form_says_to_others_what_it_takes() -> None:
    for headers in ({}, {"accept": "*/*"}, {"accept": "text/html", "hx-request": "true"}):
        answer = Client(headers=headers).get("/desk/claim-next")
        assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert Client(headers={"accept": "text/html"}).delete("/desk/claim-next").status_code == 405
