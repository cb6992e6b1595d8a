"""Why things are as they are, in words for the customer: what went wrong at the till, and why a payout failed.

A customer reads what they can do and what we do; the channel's codes and the merchant's balance are not their business.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from merchants import channels
from refunds.states import Reason

#: Reasons that are the merchant's fault once the refund is granted: explained, with an apology.
_OUR_FAULT: dict[str, Promise | str] = {
    Reason.QUALITY: _("What you bought was not as good as it should be."),
    Reason.NOT_AS_DESCRIBED: _("What you got was not what we promised."),
    Reason.SERVICE_FAILURE: _("Our service was not as it should be."),
    Reason.WRONG_AMOUNT: _("We charged you a wrong amount."),
    Reason.DUPLICATE_CHARGE: _("We charged you twice for the same thing."),
    Reason.SYSTEM_FAULT: _("A fault in our system caused this."),
    Reason.NETWORK_FAULT: _("A fault in the network at our till caused this."),
    Reason.OPERATOR_ERROR: _("We made a mistake at the till."),
}

#: Keys of ``payment_channels.remedies`` by what they mean to a customer.
_ACCOUNT_CLOSED = frozenset({"other_route", "payee_account"})
_SALE_CLOSED = frozenset({"sale_closed", "sale_state", "sale_frozen", "refunded_already", "risk"})


#: What a person said who could not pay by hand.
_BY_HAND: dict[str, tuple[Promise | str, Promise | str]] = {
    "payee_wrong": (
        _("The bank did not take the transfer: the account is not right."),
        _("Please call the store and tell them your account once more."),
    ),
    "other_way": (_("You asked for another way."), _("The store agrees on it with you.")),
    "paid_meanwhile": (
        _("It seems that the money was paid to you through the payment provider meanwhile."),
        _("The store looks it up; you need not do anything."),
    ),
    "not_collected": (
        _("The money was not collected."),
        _("Come to the store when it suits you, or call and agree on another way."),
    ),
}


#: Of these, what the store goes on with by itself.
_STORE_ACTS = frozenset({"other_way", "paid_meanwhile"})


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a payout failed and what happens now, a sentence each. ``customer_acts``: it waits for the customer."""

    cause: str
    solution: str
    customer_acts: bool = False

    @property
    def sentence(self) -> str:
        """Both, as the language puts them together."""
        if not self.solution:
            return self.cause
        return gettext("%(cause)s %(solution)s") % {"cause": self.cause, "solution": self.solution}


def our_fault(*, reason: str) -> str:
    """What the merchant did wrong, as a sentence; empty where the merchant did nothing wrong."""
    return str(_OUR_FAULT.get(reason, ""))


def failure(*, remedy: str, channel: str) -> Failure:
    """The failure behind an execution's ``failure_remedy``."""
    if remedy in _BY_HAND:
        cause, solution = _BY_HAND[remedy]
        return Failure(str(cause), str(solution), customer_acts=remedy not in _STORE_ACTS)
    if remedy in _ACCOUNT_CLOSED:
        return Failure(
            gettext("The account that paid cannot take the money."),
            gettext("Please call the store and name another account of yours."),
            customer_acts=True,
        )
    if remedy in _SALE_CLOSED:
        return Failure(
            gettext("%(channel)s no longer refunds this payment.") % {"channel": channels.label(channel)},
            gettext("The store will pay you another way and will contact you."),
        )
    return Failure(
        gettext("There is a fault on our side."),
        gettext("The store is mending it; you need not do anything."),
    )
