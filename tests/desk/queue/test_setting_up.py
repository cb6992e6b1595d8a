"""What a shop still needs, as its people see it."""

from __future__ import annotations

from typing import Any

import pytest

from desk.access import scope_of
from desk.queue.setting_up import setting_up
from merchants.models import Merchant, Role
from tests.factories import make_account, make_merchant, make_staff

pytestmark = pytest.mark.django_db


def _done(merchant: Merchant, role: str = Role.OWNER) -> dict[str, bool]:
    found = setting_up(scope_of(make_staff(merchant, role)))
    assert found is not None
    return {step.url.rpartition("/")[2]: step.done for step in found.steps}


def test_step_is_done_once_the_thing_is_there(django_assert_num_queries: Any) -> None:
    merchant = make_merchant()
    merchant.stores.update(hours={})
    before = _done(merchant)
    assert (before["stores"], before["hours"], before["channel-accounts"], before["new"]) == (True, False, False, False)
    merchant.stores.update(hours={"week": ["09:00-17:00"] * 7})
    account = make_account(merchant)
    assert not _done(merchant)["channel-accounts"], "an account that nobody has tested is no account"
    account.test_word = "works"
    account.save()
    after = _done(merchant)
    assert (after["hours"], after["channel-accounts"], after["team"]) == (True, True, True)
    scope = scope_of(make_staff(merchant, Role.OWNER))
    with django_assert_num_queries(1):
        setting_up(scope)


def test_list_is_for_those_who_set_the_shop_up() -> None:
    merchant = make_merchant()
    for role in (Role.CASHIER, Role.REVIEWER, Role.FINANCE):
        assert setting_up(scope_of(make_staff(merchant, role))) is None
    local = make_staff(merchant, Role.MANAGER, stores=[merchant.stores.get()])
    assert setting_up(scope_of(local)) is None
    # A manager sees what the owner has to do, and is led to what is theirs.
    found = setting_up(scope_of(make_staff(merchant, Role.MANAGER)))
    assert found is not None
    assert {step.url for step in found.steps} >= {"", "/desk/hours"}
