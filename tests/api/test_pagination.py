"""Lists in order of what their instants say, page by page, also for who holds a cursor from before."""

from __future__ import annotations

import base64
from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.utils import timezone

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


@pytest.mark.parametrize("position", ["1.2.3", "x.{pk}", "99999999999999999999.{pk}", "1.x", "."])
def test_cursor_when_it_is_no_place_of_this_list_is_400(api: Api, position: str) -> None:
    request = make_request(make_sale(api.merchant))
    cursor = base64.b64encode(f"p={position.format(pk=request.pk)}".encode()).decode()
    answer = api.get("refund-requests", cursor=cursor)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "cursor")
    assert RefundRequest.objects.count() == 1
    assert Transaction.objects.count() == 1
