"""What the pages of channel accounts say."""

from __future__ import annotations

from django.utils import timezone

from desk.access import scope_of
from desk.channel_accounts.page import CHANNELS, LABELS, account_page, accounts_page
from payment_channels.registry import CHANNELS as REGISTRY
from tests.desk.conftest import Shop
from tests.factories import make_account


def test_every_credential_has_a_label() -> None:
    names = {name for code in CHANNELS for name in (*REGISTRY[code].open_credentials, *REGISTRY[code].credentials)}
    assert names == set(LABELS)
    assert set(CHANNELS) == {code for code, channel in REGISTRY.items() if not channel.by_hand}


def test_list_names_the_account_and_what_its_last_test_came_to(shop: Shop) -> None:
    account = make_account(shop.merchant)
    table, _ = accounts_page(scope=scope_of(shop.manager)).tables
    assert table.rows[0].cells[0].url.endswith(account.code)
    page = account_page(account=account, at=timezone.now())
    assert [form.name for form in (*page.forms, *page.wide_forms)] == ["test", "close", "rotate", "profile"]
