"""Lists in order of what their instants say, page by page, also for who holds a cursor from before."""

from __future__ import annotations

import base64
from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.utils import timezone

from api import pagination
from refunds.models import RefundRequest
from terminals.models import Transaction
from tests.api.conftest import Api
from tests.factories import make_request, make_sale

pytestmark = pytest.mark.django_db


def _all(api: Api, path: str, field: str) -> list[str]:
    """Forwards to the end and back again."""
    page = api.get(path, limit=2).json()
    pages = [[row[field] for row in page["results"]]]
    while page["next"]:
        page = api.get(path, limit=2, cursor=_cursor(page["next"])).json()
        pages.append([row[field] for row in page["results"]])
    back = [pages[-1]]
    while page["previous"]:
        page = api.get(path, limit=2, cursor=_cursor(page["previous"])).json()
        back.append([row[field] for row in page["results"]])
    assert back == pages[::-1]
    return [one for part in pages for one in part]


def _cursor(link: str) -> str:
    return unquote(parse_qs(urlsplit(link).query)["cursor"][0])


def test_sales_when_one_was_reported_late_are_listed_by_when_they_were_paid(api: Api) -> None:
    now = timezone.now()
    hours = [3, 1, 5, 2, 4, 2]
    sales = [make_sale(api.merchant, paid_at=now - timedelta(hours=ago)) for ago in hours]
    wanted = sorted(sales, key=lambda sale: (sale.paid_at, sale.pk), reverse=True)
    assert _all(api, "transactions", "id") == [str(sale.pk) for sale in wanted]


def test_requests_when_several_came_at_one_instant_are_each_listed_once(api: Api) -> None:
    at = timezone.now() - timedelta(minutes=1)
    sale = make_sale(api.merchant)
    made = [make_request(sale, 10 + index, at=at) for index in range(5)]
    assert sorted(_all(api, "refund-requests", "id")) == sorted(str(request.pk) for request in made)


def test_cursor_when_it_is_from_a_list_by_id_alone_goes_on_after_its_row(api: Api) -> None:
    sale = make_sale(api.merchant)
    made = [make_request(sale, 10 + index) for index in range(4)]
    old = base64.b64encode(f"p={made[2].pk}".encode()).decode()
    rows = api.get("refund-requests", cursor=old).json()["results"]
    assert [row["id"] for row in rows] == [str(made[1].pk), str(made[0].pk)]


# Requests of yesterday that nobody has worked on.
@pytest.mark.breaks_invariants
@pytest.mark.parametrize("few", [0, 1_000])
@pytest.mark.parametrize("path", ["transactions", "refund-requests"])
def test_changes_since_are_each_found_once_forwards_and_back_whether_they_are_few_or_many(
    api: Api, monkeypatch: pytest.MonkeyPatch, path: str, few: int
) -> None:
    monkeypatch.setattr(pagination, "FEW", few)
    monkeypatch.setattr(pagination, "WALKED", 3)
    now, wanted = timezone.now(), []
    for hour in range(1, 16):
        at = now - timedelta(hours=hour)
        sale = make_sale(api.merchant, paid_at=at)
        request = make_request(sale, at=at, by=api.by)
        # Of those from before, some that something has happened to by now, three of them beside one another.
        changed = hour <= 4 or hour in (5, 9, 10, 11, 15)
        since_then = now if hour > 4 and changed else at
        RefundRequest.objects.filter(pk=request.pk).update(updated_at=since_then)
        if changed:
            wanted.append(str(sale.pk if path == "transactions" else request.pk))
    since = (now - timedelta(hours=4, minutes=30)).isoformat()
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = api.get(path, limit=2, updated_after=since, fields="id", **cursor).json()
        found += [row["id"] for row in page["results"]]
        if page["next"] is None:
            break
        cursor = {"cursor": _cursor(page["next"])}
    assert found == wanted
    back = [row["id"] for row in page["results"]]
    while page["previous"]:
        page = api.get(path, limit=2, updated_after=since, fields="id", cursor=_cursor(page["previous"])).json()
        back = [row["id"] for row in page["results"]] + back
    assert back == wanted


@pytest.mark.parametrize("position", ["1.2.3", "x.{pk}", "99999999999999999999.{pk}", "1.x", "."])
def test_cursor_when_it_is_no_place_of_this_list_is_400(api: Api, position: str) -> None:
    request = make_request(make_sale(api.merchant))
    cursor = base64.b64encode(f"p={position.format(pk=request.pk)}".encode()).decode()
    answer = api.get("refund-requests", cursor=cursor)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "cursor")
    assert RefundRequest.objects.count() == 1
    assert Transaction.objects.count() == 1
