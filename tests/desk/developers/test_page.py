"""What the page for developers shows."""

from __future__ import annotations

from django.http import QueryDict
from django.utils import timezone

from desk.access import scope_of
from desk.developers.page import DevelopersPage, developers_page
from integrations import request_log
from integrations.request_log import Call
from merchants.models import Merchant
from tests.api.conftest import api_for
from tests.desk.conftest import Shop
from tests.factories import make_merchant


def _call(merchant: Merchant, *, key_id: int = 1, **fields: object) -> None:
    usual = {
        "method": "POST",
        "route": "api/v1/refund-requests",
        "about": "",
        "status": 201,
        "ms": 12,
        "repeat": "first",
    }
    said = {**usual, "code": "", "fields": "", "request_id": "till-7", "sent": None, **fields}
    request_log.note(Call(merchant.pk, key_id, None, timezone.now(), **said))  # type: ignore[arg-type]
    request_log.flush()


def _page(shop: Shop, query: str = "") -> DevelopersPage:
    return developers_page(scope=scope_of(shop.manager), query=QueryDict(query))


def test_calls_are_ones_own_with_links_to_the_refund(shop: Shop) -> None:
    request = shop.waiting()
    _call(shop.merchant, about=str(request.pk))
    _call(make_merchant())
    (row,) = _page(shop).rows
    assert (row.number, row.tone, row.deliveries_url) == (request.number, "ok", "")
    assert row.refund_url.endswith(request.number)


def test_problems_are_grouped_with_their_remedy_and_lead_to_their_calls(shop: Shop) -> None:
    for _ in range(2):
        _call(shop.merchant, status=422, code="exceeds_refundable", fields="amount_fen: exceeds_refundable")
    _call(shop.merchant, status=500, code="server_error")
    _call(shop.merchant)
    page = _page(shop)
    assert [(one.code, one.count) for one in page.troubles] == [("server_error", 1), ("exceeds_refundable", 2)]
    assert page.troubles[1].title
    assert len(_page(shop, page.troubles[1].url.partition("?")[2]).rows) == 2
    assert len(_page(shop, "result=failed").rows) == 3
    assert [row.tone for row in _page(shop, "result=fault").rows] == ["bad"]


def test_sandboxs_calls_stand_apart(shop: Shop) -> None:
    assert (_page(shop, "mode=test").rows, _page(shop, "mode=test").clock) == ([], None)
    twin = make_merchant()
    Merchant.objects.filter(pk=twin.pk).update(sandbox_of=shop.merchant)
    api_for(twin)
    _call(twin)
    page = _page(shop, "mode=test")
    assert (len(page.rows), len(page.test_keys), page.is_test) == (1, 1, True)
    assert _page(shop).rows == []
