"""Addresses of pages: what is kept of a query, and where one comes back to."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from django.test import RequestFactory

from desk.addresses import return_to, with_one, with_query

QUERY = QueryDict("view=mine&store=S001&c=cursor&selected=RF-1&empty=")


def test_with_query_when_something_changes_drops_the_place_in_the_list_and_what_is_empty() -> None:
    assert with_query("/desk", QUERY, store="S002") == "/desk?view=mine&store=S002"
    assert with_query("/desk", QUERY, store="", view="") == "/desk"


def test_with_query_when_the_place_is_kept_has_it() -> None:
    assert with_query("/desk", QUERY, keep=True) == "/desk?view=mine&store=S001&c=cursor&selected=RF-1"


def test_with_one_when_its_value_holds_marks_of_addresses_quotes_them() -> None:
    assert with_one("/desk", QueryDict(""), "q", "a&b=c 退") == "/desk?q=a%26b%3Dc+%E9%80%80"


@pytest.mark.parametrize(
    ("wanted", "believed"),
    [
        ("/desk?view=mine", True),
        ("/desk/refunds", True),
        ("https://evil.example/desk", False),
        ("//evil.example/desk", False),
        ("/login", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_return_to_when_it_leads_out_of_the_desk_is_not_believed(wanted: str, believed: bool) -> None:
    for request in (
        RequestFactory().get("/", {"return_to": wanted}),
        RequestFactory().post("/", {"return_to": wanted}),
    ):
        assert return_to(request, "/desk/stuck") == (wanted if believed else "/desk/stuck")
