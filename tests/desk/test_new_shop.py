"""An empty shop: what its pages say before anything is there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.test import Client

from merchants.models import Merchant, Staff
from tests.factories import make_staff

pytestmark = pytest.mark.django_db
SignIn = Callable[[Staff], Client]


@pytest.fixture
def new_owner(as_staff: SignIn) -> Client:
    """Of a merchant as the shell makes it, without a store."""
    call_command("create_merchant", "E001", owner="沈岚")
    merchant = Merchant.objects.get(code="E001")
    Merchant.objects.filter(pk=merchant.pk).update(requires_second_factor=False)
    return as_staff(make_staff(Merchant.objects.get(pk=merchant.pk), "owner"))


@pytest.mark.parametrize(
    ("path", "says", "leads_to"),
    [
        ("/desk/transactions", "No sales yet", "/desk/imports"),
        ("/desk/shifts", "no till is registered in your stores yet", "/desk/settings/terminals"),
        ("/desk/settings/terminals", "A till stands in a store", "/desk/settings/stores"),
        (
            "/desk/settings/stores",
            "Open the first one: sales, tills and refunds belong to a store",
            "/desk/settings/stores",
        ),
        ("/desk/refunds", "No refunds yet", "/desk/new"),
        ("/desk/hours", "No stores yet", "/desk/settings/stores"),
        ("/desk/reconciliation", "Statements belong to a channel account", "/desk/settings/channel-accounts"),
        ("/desk/analytics", "No sales and no refunds yet", "/desk"),
    ],
)
def test_page_of_an_empty_shop_says_what_comes_first_and_offers_nothing_to_clear(
    new_owner: Client, path: str, says: str, leads_to: str
) -> None:
    page = new_owner.get(path).content.decode()
    assert says in page
    main = page[page.index("<main") : page.index("</main>")]
    assert f'"{leads_to}"' in main
    for narrowing in ("Clear the filters", "clear the filters", "No sale matches"):
        assert narrowing not in main


def test_page_says_that_nothing_matches_only_where_something_was_asked_for(new_owner: Client) -> None:
    assert "No sale matches" in new_owner.get("/desk/search?q=abc").content.decode()
    assert "No sale matches" in new_owner.get("/desk/transactions?from=2026-11-01").content.decode()


#: Pages of settings whose lists are empty at first.
_LISTS = ("stores", "terminals", "channel-accounts", "alerts")


def test_empty_list_of_settings_says_in_its_own_words_what_it_is_for(new_owner: Client) -> None:
    for name in _LISTS:
        tables = new_owner.get(f"/desk/settings/{name}").context["tables"]
        empty = [table for table in tables if not table.rows]
        assert empty, name
        assert all(table.nothing and table.empty for table in empty), name
    assert new_owner.get("/desk/shifts").context["tables"][0].nothing == "No shifts yet"


def test_list_whose_filters_leave_nothing_offers_to_clear_them(owner: Client) -> None:
    page = owner.get("/desk/settings/terminals?standing=off").content.decode()
    main = page[page.index("<main") :]
    assert "Nothing matches" in main
    assert 'href="/desk/settings/terminals">Clear the filters' in " ".join(main.split())
