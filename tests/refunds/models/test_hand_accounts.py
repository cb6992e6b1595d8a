"""The account that a payout by hand is booked on."""

from __future__ import annotations

import pytest

from merchants.models import ChannelAccount
from refunds.models.hand_accounts import account_of, is_by_hand
from refunds.states import Route
from tests.factories import make_merchant, make_request, make_sale

pytestmark = pytest.mark.django_db


def test_route_when_a_channel_pays_is_not_by_hand() -> None:
    assert {route for route in Route.values if not is_by_hand(route)} == {Route.ORIGINAL}


def test_account_when_it_is_asked_for_again_is_the_same_and_of_this_merchant_alone() -> None:
    request, other = (make_request(make_sale(make_merchant())) for _ in range(2))
    first = account_of(request, Route.CASH)
    assert account_of(request, Route.CASH) == first
    assert len({first, account_of(request, Route.BANK_TRANSFER), account_of(other, Route.CASH)}) == 3
    row = ChannelAccount.objects.get(pk=first)
    assert (row.merchant_id, row.channel, row.is_active) == (request.merchant_id, "cash", True)
