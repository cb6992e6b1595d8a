"""The one sentence for each stand of a payout: for staff, for the customer, in messages, on the voucher and in REST.

A sentence says only what is known. What is asked about is never said to be sent again, what the channel has taken is never said
to be with the store, and a time that has passed is never promised.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from refunds.telling.stands import Stand


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """``staff``: the sentence; ``step``: the same in a word or two, for a line of steps.

    ``customer`` is what they read instead of a day, empty where the day is all there is to say; ``late``: the same once the
    promised time has passed, with ``%(day)s`` as the new one. ``headline`` goes before that of the request's state. ``note`` says
    where the money is. ``call``: the customer has to do something.
    """

    staff: Promise | str
    step: Promise | str
    customer: Promise | str = ""
    late: Promise | str = ""
    headline: Promise | str = ""
    note: Promise | str = ""
    call: bool = False


_NEVER_TWICE = _("It is never paid twice.")
_WITH_STORE = _("Nothing is lost: the money has not left the store.")
_WITH_STORE_AGAIN = _("Nothing is lost: the money is with the store again.")
_ON_ITS_WAY_LATE = _(
    "It takes longer than we said, and we are sorry. The store is asking the payment provider; we expect it by %(day)s."
)
_NOT_OUT = _("It has not gone out yet. The store sees to it; you need not do anything.")
_NOT_OUT_LATE = _(
    "It takes longer than we said, and we are sorry. It has not gone out yet; the store sees to it, and we expect it by %(day)s."
)
_LOOKED_INTO = _("The payment provider has given no clear answer. Somebody at the store is looking into it.")
_LOOKED_INTO_LATE = _(
    "It takes longer than we said, and we are sorry. The payment provider has given no clear answer; somebody at the store is "
    "looking into it, and we expect to know by %(day)s."
)
_APPROVED, DELAYED = _("Your refund is approved"), _("Your refund is delayed")
_CONFIRMED = _("Your refund is being confirmed")


def _person(staff: Promise | str) -> Said:
    """A person has to look into it, and the customer hears just that."""
    return Said(
        staff=staff,
        step=_("needs a person"),
        customer=_LOOKED_INTO,
        late=_LOOKED_INTO_LATE,
        headline=_CONFIRMED,
        note=_NEVER_TWICE,
    )


def _held(staff: Promise | str, *, step: Promise | str) -> Said:
    return Said(staff=staff, step=step, customer=_NOT_OUT, late=_NOT_OUT_LATE, headline=_APPROVED)


TABLE: Final[Mapping[Stand, Said]] = {
    Stand.WAITS: Said(staff=_("It waits to be sent to the channel."), step=_("about to be sent"), late=_NOT_OUT_LATE),
    Stand.WAITS_AGAIN: Said(
        staff=_("It waits to be sent once more, under the same number."), step=_("about to be sent"), late=_NOT_OUT_LATE
    ),
    Stand.SENDING: Said(
        staff=_("It is being sent; the channel's answer is not there yet."),
        step=_("being sent"),
        late=_ON_ITS_WAY_LATE,
    ),
    Stand.ACCEPTED: Said(
        staff=_("The channel has taken it and has not said yet that it is paid."),
        step=_("the channel is working on it"),
        late=_ON_ITS_WAY_LATE,
    ),
    Stand.STUCK: Said(
        staff=_(
            "The channel has taken it and cannot deliver it: the payer's card or account is closed or frozen. "
            "The money is with the channel."
        ),
        step=_("cannot be delivered"),
        customer=_(
            "The account that paid cannot take the money; the payment provider keeps it meanwhile. "
            "Please call the store and name another account of yours."
        ),
        headline=DELAYED,
        call=True,
    ),
    Stand.ASKED: Said(
        staff=_(
            "No answer that proves anything has come. The channel is asked what became of it; it is never paid twice."
        ),
        step=_("asking the channel"),
        customer=_("The payment provider has not confirmed it yet and is being asked."),
        late=_ON_ITS_WAY_LATE,
        headline=_CONFIRMED,
        note=_NEVER_TWICE,
    ),
    Stand.SILENT: _person(
        _(
            "No answer that proves what became of it has come. The channel is still asked; a person looks the refund up in its "
            "portal and says what it shows."
        )
    ),
    Stand.NOT_TAKEN: _person(
        _(
            "The channel was sent it several times and still names no such refund. Nothing more is sent; a person looks it up "
            "in its portal and says what it shows."
        )
    ),
    Stand.DIFFERS: _person(
        _("The channel reports another amount or number than ours. Compare both before doing anything.")
    ),
    Stand.SHORT: _held(
        _(
            "The merchant account is short of funds. Top it up: it then goes out by itself, under the same number. "
            "Nothing is paid."
        ),
        step=_("short of funds"),
    ),
    Stand.BARRED: _held(
        _(
            "The channel does not take our calls as they are. Once that is mended it goes out by itself, under the same number. "
            "Nothing is paid."
        ),
        step=_("held back"),
    ),
    Stand.POSTPONED: _held(
        _("The channel takes nothing at the moment. It goes out by itself in a while, under the same number."),
        step=_("held back"),
    ),
    Stand.BY_HAND: Said(staff=_("A person pays this back by hand."), step=_("a person pays it by hand")),
    Stand.PAID: Said(staff=_("The channel has paid it."), step=_("paid")),
    Stand.PAID_BY_HAND: Said(staff=_("It was paid by hand."), step=_("paid")),
    Stand.CAME_BACK: Said(
        staff=_("The transfer was paid and came back from the bank. A colleague of who noted it pays it again."),
        step=_("came back"),
        customer=_("The bank sent our transfer back, and we are sorry. The store pays it again."),
        headline=DELAYED,
        note=_WITH_STORE_AGAIN,
    ),
    Stand.PAID_IN_PORTAL: Said(
        staff=_("It is paid: two people say so, with proof from the channel's portal."), step=_("paid")
    ),
    Stand.TO_BANK: Said(
        staff=_("The channel has paid it; the payer's bank has not confirmed it yet. The channel is asked."),
        step=_("on its way to the bank"),
        late=_("The payment provider has paid it, and your bank has not confirmed it yet; we expect it by %(day)s."),
    ),
    Stand.BANK_SILENT: Said(
        staff=_(
            "The channel has paid it, and the payer's bank has said nothing for 15 days. Ask the channel's support."
        ),
        step=_("the bank says nothing"),
        customer=_(
            "The payment provider has paid it, and your bank says nothing. If it is not there, please call the store."
        ),
        call=True,
    ),
    Stand.IN_BALANCE: Said(
        staff=_(
            "The channel has paid it; the bank did not take it, and it lies in the customer's balance there. Tell the customer."
        ),
        step=_("in the balance, not on the card"),
    ),
    Stand.WITH_STORE: Said(
        staff=_(
            "The channel sent the money to the merchant's own account. The customer does not have it: pay them another way."
        ),
        step=_("back with the merchant"),
        customer=_(
            "The payment provider gave the money back to the store. Please call the store: it pays you another way."
        ),
        headline=_("Your money is with the store"),
        call=True,
    ),
    Stand.REFUSED: Said(
        staff=_("The channel refused it; nothing was paid under this number."), step=_("refused"), note=_WITH_STORE
    ),
    Stand.MENDABLE: Said(
        staff=_(
            "The channel refused it; nothing was paid. Once the cause is mended a person can send it again, "
            "under the same number."
        ),
        step=_("refused"),
        note=_WITH_STORE,
    ),
    Stand.SPENT: Said(
        staff=_("The channel closed it without paying. A person can make it again, under a new number."),
        step=_("closed unpaid"),
        note=_WITH_STORE,
    ),
    Stand.NOT_IN_PORTAL: Said(
        staff=_(
            "Two people found no such refund in the channel's portal. It can be sent again, under the same number only."
        ),
        step=_("not at the channel"),
        note=_WITH_STORE,
    ),
    Stand.ACCOUNT_GIVEN_UP: Said(
        staff=_(
            "Its channel account took no calls, and a person gave it up; nothing was paid under this number. It goes back "
            "another way, or under the same number once the account is put right."
        ),
        step=_("given up"),
        customer=_("It could not go back the way you paid. The store will pay you another way and will contact you."),
        note=_WITH_STORE,
    ),
    Stand.ELSEWHERE: Said(
        staff=_(
            "The channel does not refund this sale as it stands: it may be refunded in its portal already. Nothing was paid "
            "under this number; compare with the portal first."
        ),
        step=_("refused"),
        customer=_(
            "The payment provider says that this payment is refunded already, or cannot be refunded as it stands. "
            "The store compares; you need not do anything."
        ),
    ),
    Stand.NEVER_PAID: Said(
        staff=_(
            "The channel says that this sale was never paid: there is nothing to pay back. Nothing left the store."
        ),
        step=_("never paid"),
        customer=_(
            "The payment provider says that this payment never went through, so that there is nothing to pay back. "
            "If the money is gone from your account, please call the store."
        ),
        call=True,
    ),
    Stand.CONTRADICTED: Said(
        staff=_(
            "The channel said that it is not paid, and later the opposite. Finance compares with its portal before more "
            "money leaves."
        ),
        step=_("contradicted"),
        customer=_("The payment provider says two different things about it. The store is finding out which is right."),
        note=_NEVER_TWICE,
    ),
    Stand.NOT_PAID_BY_HAND: Said(
        staff=_("It could not be paid by hand; no money moved."), step=_("not paid"), note=_WITH_STORE
    ),
    Stand.WITHDRAWN: Said(staff=_("It was withdrawn before anything was sent."), step=_("withdrawn")),
}
