"""The routes on which a person pays back, and the account each is booked on."""

from merchants.models import ChannelAccount
from refunds.models import RefundRequest
from refunds.rules.method import BY_HAND as METHOD_BY_HAND
from refunds.rules.method import MethodChoice
from refunds.states import BY_HAND

__all__ = ["METHOD_BY_HAND", "MethodChoice", "account_of", "is_by_hand"]


def is_by_hand(route: str) -> bool:
    """Whether a person pays on this route."""
    return route in BY_HAND


def account_of(request: RefundRequest, route: str) -> int:
    """The merchant's own account for a route, made when it is first needed: it has no contract to enter.

    Its ``code`` names merchant and route; nobody calls back on it.
    """
    account, _ = ChannelAccount.objects.only("pk").get_or_create(
        merchant_id=request.merchant_id,
        channel=route,
        is_active=True,
        defaults={"code": f"m{request.merchant_id}-{route}", "base_url": ""},
    )
    return account.pk
