"""Where a refund goes, in words: the account that a customer will look at."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.plain_text import one_line
from merchants import channels
from refunds.models import RefundRequest
from refunds.rules.arrival import paid_through
from refunds.states import PAID, ExecutionState, Route
from terminals.models import Transaction
from terminals.models.transaction import Funding

_OTHER_ROUTES: dict[str, Promise | str] = {
    Route.CASH: _("cash at the store"),
    Route.BANK_TRANSFER: _("your bank account, by transfer"),
    Route.STORE_CREDIT: _("store credit"),
}


@dataclass(frozen=True, slots=True)
class Went:
    """Where a channel said that the money of a paid refund went; ``paid_to`` as in ``payment_channels.contract.PaidTo``.

    ``arrives_at`` is when the payer's bank has it, where the channel says so.
    """

    paid_to: str = ""
    account: str = ""
    arrives_at: datetime | None = None

    @property
    def to_a_balance(self) -> bool:
        """At once in the customer's hands, whatever had paid."""
        return self.paid_to in ("balance", "other_balance")

    def funding(self, sale: Transaction) -> str:
        """What the arrival is reckoned by."""
        return Funding.BALANCE if self.to_a_balance else paid_through(sale.funding, self.account)


def went(*, request: RefundRequest) -> Went:
    """What the channel said of a refund that is paid; nothing while it is not, or where it said nothing."""
    if request.state not in PAID or request.route != Route.ORIGINAL or request.leg_count:
        return Went()
    paid = request.executions.filter(state=ExecutionState.SUCCEEDED).values_list(
        "paid_to", "received_account", "arrives_at"
    )
    return Went(*(paid.first() or ()))


def destination_label(
    *, sale: Transaction, route: str = Route.ORIGINAL, account_last4: str = "", went: Went | None = None
) -> str:
    """``WeChat balance``, ``bank card ending in 6021``, ``cash at the store``; never more of an account than its end.

    ``account_last4`` is of the account that a bank transfer goes to; ``went`` is what the channel said of a paid refund, and goes
    before what was expected.
    """
    if went is not None and (said := _said(went, sale)):
        return said
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


def _said(went: Went, sale: Transaction) -> str:
    """In words, where the money did not simply go back the way it came."""
    if went.to_a_balance:
        return channels.balance_label(sale.channel) or gettext("the %(channel)s balance") % {
            "channel": channels.label(sale.channel)
        }
    if went.paid_to == "other_card":
        return gettext("another account: %(account)s") % {"account": one_line(went.account) or "****"}
    if went.paid_to == "merchant":
        return gettext("the store's own account; please call the store")
    return ""


def destination_and_way(
    *, sale: Transaction, route: str = Route.ORIGINAL, account_last4: str = "", went: Went | None = None
) -> str:
    """The same, saying so where the money goes back the way it came."""
    label = destination_label(sale=sale, route=route, account_last4=account_last4, went=went)
    if went is not None and _said(went, sale):
        return label
    return (
        gettext("%(destination)s (the way it was paid)") % {"destination": label} if route == Route.ORIGINAL else label
    )
