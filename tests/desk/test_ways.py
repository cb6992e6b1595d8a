"""The route that a failed payout is sent in again by."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from desk import ways
from desk.filters import Choice
from merchants.models import Role, Staff
from refunds.states import Route
from tests.factories import make_request, make_sale, make_staff
from tests.refunds import hand
from tests.refunds.settled import failed

ALL = [Choice(route.value, "") for route in Route]


@pytest.mark.parametrize("remedy", ["other_route", "payee_account", "sale_closed", "sale_frozen"])
def test_route_when_the_original_cannot_work_is_a_transfer(remedy: str) -> None:
    assert ways.that_can_work(route="original", failure_remedy=remedy, offered=ALL) == "bank_transfer"


def test_route_when_no_transfer_is_offered_is_another_that_is() -> None:
    offered = [Choice("original", ""), Choice("cash", "")]
    assert ways.that_can_work(route="original", failure_remedy="other_route", offered=offered) == "cash"
    assert ways.that_can_work(route="original", failure_remedy="other_route", offered=ALL[:1]) == "original"


@pytest.mark.parametrize("remedy", ["", "top_up", "check_keys", "later", "new_number"])
def test_route_when_the_same_can_work_is_the_same(remedy: str) -> None:
    assert ways.that_can_work(route="original", failure_remedy=remedy, offered=ALL) == "original"


def test_route_when_the_account_was_wrong_asks_for_the_account_again_and_another_way_is_another() -> None:
    assert ways.that_can_work(route="bank_transfer", failure_remedy="payee_wrong", offered=ALL) == "bank_transfer"
    assert ways.that_can_work(route="cash", failure_remedy="other_way", offered=ALL) == "bank_transfer"
    assert ways.that_can_work(route="bank_transfer", failure_remedy="other_way", offered=ALL) == "original"


@pytest.mark.django_db
def test_dialog_when_the_payers_account_is_closed_begins_with_a_transfer_and_its_account(
    as_staff: Callable[[Staff], Client],
) -> None:
    shop = hand.make_shop()
    request = failed(make_request(make_sale(shop, 33_980), 1_200))
    request.executions.update(failure_retry="never", failure_remedy="other_route")

    page = as_staff(make_staff(shop, Role.FINANCE)).get(f"/desk/refunds/{request.number}?do=resubmit").content.decode()

    assert '<option value="bank_transfer" selected>' in page
    assert '<details class="field" open>' in page
