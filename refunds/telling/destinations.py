"""Where a refund goes, in words: the account that a customer will look at."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from merchants import channels
from refunds.states import Route
from terminals.models import Transaction
from terminals.models.transaction import Funding

_OTHER_ROUTES: dict[str, Promise | str] = {
    Route.CASH: _("cash at the store"),
    Route.BANK_TRANSFER: _("your bank account, by transfer"),
    Route.STORE_CREDIT: _("store credit"),
}


def destination_label(*, sale: Transaction, route: str = Route.ORIGINAL, account_last4: str = "") -> str:
    """``WeChat balance``, ``bank card ending in 6021``, ``cash at the store``; never more of an account than its end.

    ``account_last4`` is of the account that a bank transfer goes to.
    """
    if route == Route.BANK_TRANSFER and account_last4:
        return gettext("your bank account ending in %(last4)s, by transfer") % {"last4": account_last4}
    if route in _OTHER_ROUTES:
        return str(_OTHER_ROUTES[route])
    if sale.channel == "cash":
        return str(_OTHER_ROUTES[Route.CASH])
    if sale.funding == Funding.BALANCE and (wallet := channels.balance_label(sale.channel)):
        return wallet
    if sale.funding in {Funding.DEBIT_CARD, Funding.CREDIT_CARD} or sale.channel in {"unionpay", "card"}:
        if sale.card_last4:
            return gettext("bank card ending in %(last4)s") % {"last4": sale.card_last4}
        return gettext("the bank card that paid")
    return gettext("the %(channel)s account that paid") % {"channel": channels.label(sale.channel)}


def destination_and_way(*, sale: Transaction, route: str = Route.ORIGINAL, account_last4: str = "") -> str:
    """The same, saying so where the money goes back the way it came."""
    label = destination_label(sale=sale, route=route, account_last4=account_last4)
    return (
        gettext("%(destination)s (the way it was paid)") % {"destination": label} if route == Route.ORIGINAL else label
    )
