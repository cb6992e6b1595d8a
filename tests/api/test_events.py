"""GET /api/v1/events."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from api.events import FeedOut
from integrations import feed
from tests.api.conftest import Api, api_for
from tests.api.test_description import same_names
from tests.factories import make_merchant
from tests.integrations.rig import tell

pytestmark = pytest.mark.django_db


def test_events_come_in_order_and_the_cursor_goes_on(api: Api) -> None:
    for name in ("refund_request.approved", "refund_request.refunded", "transaction.created"):
        tell(api.merchant, type=name)
    tell(make_merchant())
    first = api.get("events", limit=2).json()
    same_names(FeedOut(), first)
    assert [one["sequence"] for one in first["results"]] == [1, 2]
    assert (first["next"], first["has_more"]) == ("2", True)
    rest = api.get("events", after=first["next"]).json()
    assert ([one["type"] for one in rest["results"]], rest["next"], rest["has_more"]) == (
        ["transaction.created"],
        "3",
        False,
    )
    for after in ("3", "latest"):
        assert api.get("events", after=after).json() == {"results": [], "next": "3", "has_more": False}


def test_types_may_repeat_and_must_be_ours(api: Api) -> None:
    for name in ("refund_request.approved", "refund_request.refunded", "policy.published"):
        tell(api.merchant, type=name)
    found = api.get("events", **{"types[]": ["refund_request.refunded", "policy.published"]}).json()
    assert [one["sequence"] for one in found["results"]] == [2, 3]
    answer = api.get("events", **{"types[]": "refund_request.*"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "types[]")


@pytest.mark.parametrize(
    "query",
    [
        {"after": "x"}, {"after": "-1"}, {"after": "99"}, {"after": "٣"}, {"wait": "31"}, {"wait": "-1"}, {"wait": "x"},
        {"limit": "0"}, {"limit": "201"}, {"after": ["1", "1"]}, {"who": "me"}, {"after": "9" * 19},
    ],
)  # fmt: skip
def test_query_that_is_none_is_refused(api: Api, query: dict[str, object]) -> None:
    tell(api.merchant)
    assert api.get("events", **query).status_code == 400


def test_cursor_of_what_is_no_longer_kept_is_gone_and_says_where_to_go_on(api: Api) -> None:
    for days in (91, 91, 1):
        tell(api.merchant, created_at=timezone.now() - timedelta(days=days))
    feed.forget_old(at=timezone.now())
    answer = api.get("events", after="1")
    assert (answer.status_code, answer.json()["code"], answer.json()["oldest"]) == (410, "cursor_expired", "2")


def test_key_of_a_store_sees_its_stores_events_and_the_merchants_own() -> None:
    merchant = make_merchant()
    here, there = merchant.stores.get(), merchant.stores.create(code="S2", name="二")
    for store in (here, there, None):
        tell(merchant, store=store)
    found = api_for(merchant, store=here).get("events").json()
    assert [one["sequence"] for one in found["results"]] == [1, 3]


def test_key_without_the_scope_is_refused_and_one_without_sales_sees_none() -> None:
    merchant = make_merchant()
    tell(merchant, type="transaction.created")
    assert api_for(merchant, scopes=["transactions:read"]).get("events").status_code == 403
    assert api_for(merchant, scopes=["refunds:read"]).get("events").json()["results"] == []


def test_wait_answers_at_once_where_too_many_wait(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def acquire(self, *, blocking: bool) -> bool:
            return blocking

    monkeypatch.setattr(feed, "_places", Full())
    answer = api.get("events", wait=30)
    assert (answer.status_code, answer.headers["Retry-After"], json.loads(answer.content)["results"]) == (200, "1", [])
