"""Views of lists, each person's own."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from merchants.models import SavedView, Staff
from tests.desk.conftest import Shop

SignIn = Callable[[Staff], Client]


def test_view_is_kept_shown_and_removed_by_its_owner_alone(shop: Shop, reviewer: Client, as_staff: SignIn) -> None:
    page = reviewer.get("/desk/refunds?days=week&sort=old&q=13800006021")
    own = page.context["tools"].own
    assert "13800006021" not in own, "a search names customers"
    answer = reviewer.post("/desk/views", {"page": "refunds", "name": " 上周\u200b ", "query": own})
    assert answer["Location"] == f"/desk/refunds?{own}"
    (view,) = reviewer.get(answer["Location"]).context["tools"].views
    assert (view.name, view.current) == ("上周", True)
    colleague = as_staff(shop.colleague)
    assert not colleague.get("/desk/refunds").context["tools"].views
    assert colleague.post(view.remove_url).status_code == 404
    reviewer.post(view.remove_url)
    assert not SavedView.objects.exists()


def test_view_of_no_list_or_without_a_name_is_not_kept(reviewer: Client) -> None:
    assert reviewer.post("/desk/views", {"page": "audit", "name": "x", "query": ""}).status_code == 404
    reviewer.post("/desk/views", {"page": "refunds", "name": "\u200b", "query": "days=7"})
    assert not SavedView.objects.exists()
