"""The other pages of the desk: lists, search, a new refund, messages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from merchants.models import Staff
from tests.desk.conftest import Shop
from tests.factories import make_merchant, make_request, make_sale

SignIn = Callable[[Staff], Client]


# --- sessions -------------------------------------------------------------------------------------------------


def test_a_disabled_persons_session_is_dead_at_once(reviewer: Client, shop: Shop) -> None:
    assert reviewer.get("/desk").status_code == 200
    Staff.objects.filter(pk=shop.reviewer.pk).update(is_active=False)
    assert reviewer.get("/desk")["Location"].startswith("/login")


def test_pages_are_kept_by_no_cache(reviewer: Client) -> None:
    assert reviewer.get("/desk")["Cache-Control"] == "private, no-store"


def test_language_switches(reviewer: Client) -> None:
    reviewer.post("/i18n/setlang", {"language": "zh-hans", "next": "/desk"})
    assert 'lang="zh-Hans"' in reviewer.get("/desk").content.decode()


def test_unknown_address_is_a_page_without_the_database(
    client: Client, db: None, django_assert_num_queries: Callable[..., object]
) -> None:
    with django_assert_num_queries(0):  # type: ignore[attr-defined]
        answer = client.get("/nothing/here")
    assert answer.status_code == 404


# --- one refund ---------------------------------------------------------------------------------------------------


# --- lists and search ---------------------------------------------------------------------------------------------


def test_lists_know_only_ones_own_merchant(reviewer: Client) -> None:
    foreign = make_request(make_sale(make_merchant(), 33_980, phone="13800006021"), 26_800, phone="13800006021")
    sale = foreign.transaction
    for text in ("", foreign.number, sale.order_no, sale.channel_transaction_no, "13800006021", "6021"):
        for page in ("/desk/refunds", "/desk/transactions"):
            answer = reviewer.get(page, {"q": text})
            assert answer.status_code == 200
            assert not answer.context["rows"], (page, text)
        assert reviewer.get("/desk/search", {"q": text}).status_code == 200
        assert not reviewer.get("/desk/new", {"q": text}).context["sale"]
    assert reviewer.get(f"/desk/transactions/{sale.pk}").status_code == 404
    assert reviewer.get(f"/desk/new?sale={sale.pk}").status_code == 404


@pytest.mark.parametrize("path", ["/desk/refunds", "/desk/transactions", "/desk/new", "/desk/start", "/desk/search"])
def test_every_role_opens_what_is_everyones(shop: Shop, as_staff: SignIn, path: str) -> None:
    for staff in (shop.cashier, shop.reviewer, shop.manager, shop.finance):
        assert as_staff(staff).get(path).status_code in {200, 302}
