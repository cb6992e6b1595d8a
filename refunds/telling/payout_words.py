"""Where a payout stands, and the one sentence for it: for staff, for the customer, in messages, on the voucher and in REST.

A sentence says only what is known. What is asked about is never said to be sent again, what the channel has taken is never said
to be with the store, and a time that has passed is never promised.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.calendar import SHANGHAI
from refunds.facts import plans
from refunds.models import Execution, RefundRequest
from refunds.models.hand_accounts import is_by_hand
from refunds.rules import remedies
from refunds.rules.arrival import PaidFrom, expected_arrival, paid_through
from refunds.rules.waiting import Waiting, waiting
from refunds.states import PAID, ExecutionState, HandTrouble, State
from refunds.telling import hand_words
from refunds.telling.causes import Failure, failure


class Stand(StrEnum):
    """Where a payout stands, as far as somebody has to be told something else."""

    WAITS = "waits"
    WAITS_AGAIN = "waits_again"
    SENDING = "sending"
    ACCEPTED = "accepted"
    STUCK = "stuck"
    ASKED = "asked"
    SILENT = "silent"
    NOT_TAKEN = "not_taken"
    DIFFERS = "differs"
    SHORT = "short"
    BARRED = "barred"
    POSTPONED = "postponed"
    BY_HAND = "by_hand"
    PAID = "paid"
    PAID_BY_HAND = "paid_by_hand"
    CAME_BACK = "came_back"
    PAID_IN_PORTAL = "paid_in_portal"
    TO_BANK = "to_bank"
    BANK_SILENT = "bank_silent"
    IN_BALANCE = "in_balance"
    WITH_STORE = "with_store"
    REFUSED = "refused"
    MENDABLE = "mendable"
    SPENT = "spent"
    NOT_IN_PORTAL = "not_in_portal"
    ACCOUNT_GIVEN_UP = "account_given_up"
    ELSEWHERE = "elsewhere"
    NEVER_PAID = "never_paid"
    CONTRADICTED = "contradicted"
    NOT_PAID_BY_HAND = "not_paid_by_hand"
    WITHDRAWN = "withdrawn"


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
_APPROVED, _DELAYED = _("Your refund is approved"), _("Your refund is delayed")
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
        headline=_DELAYED,
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
        headline=_DELAYED,
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

#: Refusals that leave open whether the customer has the money from elsewhere.
_MAYBE_REFUNDED: Final = frozenset(
    {"refunded_elsewhere", "refunded_already", "check_amount", "check_rules", "check_history", "sale_state", "compare"}
)
#: Where a channel's own reason comes with advice that is true as the payout stands; what the others advise is in their sentence.
_ADVISED: Final = frozenset(
    {
        Stand.STUCK,
        Stand.BARRED,
        Stand.REFUSED,
        Stand.MENDABLE,
        Stand.ELSEWHERE,
        Stand.NEVER_PAID,
        Stand.BY_HAND,
        Stand.NOT_PAID_BY_HAND,
        Stand.SILENT,
    }
)
#: Advice that promises something by itself: true while it is held, and nowhere else.
_BY_ITSELF: Final = frozenset(
    {
        "top_up",
        "slow_down",
        "later",
        "check_keys",
        "check_clock",
        "check_permission",
        "check_account",
        "unlisted_code",
        "person_decides",
        "find_out",
    }
)
#: Codes of our own adapters and what they mean; a channel's code is shown as it is.
_OWN_CODES: Final[Mapping[str, Promise | str]] = {
    "timeout": _("no answer"),
    "server_error": _("a fault at the channel"),
    "unreadable": _("an answer that cannot be read"),
    "bad_signature": _("an answer whose signature is not right"),
    "not_found": _("no such refund"),
    "mismatch": _("another amount or number"),
    "clock": _("the clocks differ"),
    "adapter_error": _("a fault here"),
    "credentials_invalid": _("our credentials cannot be used"),
    "account_unusable": _("the channel account cannot be used"),
    "window_closed": _("the channel's period is over"),
    "notified": _("heard of by a notice"),
    "bank_notified": _("heard of by a notice"),
    "not_in_portal": _("not in the channel's portal"),
    "account_given_up": _("the channel account took no calls"),
}
_OPEN: Final = frozenset({State.APPROVED, State.EXECUTING, State.UNKNOWN})
#: What waits, or was withdrawn, after an earlier payout failed is not told by that one.
_TOLD_BY_PAYOUT: Final = _OPEN | {State.FAILED, *PAID}


def stand(execution: Execution) -> Stand:
    """Where a payout stands. Words of channels are those of ``payment_channels.contract``."""
    by_state = {
        ExecutionState.READY: Stand.WAITS_AGAIN if execution.sends else Stand.WAITS,
        ExecutionState.SENDING: Stand.SENDING,
        ExecutionState.CANCELLED: Stand.WITHDRAWN,
    }
    state = ExecutionState(execution.state)
    if state in by_state:
        return by_state[state]
    if state is ExecutionState.PROCESSING:
        if execution.failure_code == "by_hand":
            return Stand.BY_HAND
        return Stand.STUCK if execution.needs_attention else Stand.ACCEPTED
    if state is ExecutionState.UNKNOWN:
        return _unknown(execution)
    if state is ExecutionState.HELD:
        held = {"after_top_up": Stand.SHORT, "after_mending": Stand.BARRED}
        return held.get(execution.failure_retry, Stand.POSTPONED)
    return _paid(execution) if state is ExecutionState.SUCCEEDED else _failed(execution)


def _unknown(execution: Execution) -> Stand:
    if not execution.needs_attention:
        return Stand.ASKED
    by_remedy = {"compare": Stand.DIFFERS, "person_decides": Stand.NOT_TAKEN}
    return by_remedy.get(execution.failure_remedy, Stand.SILENT)


def _paid(execution: Execution) -> Stand:
    if execution.proof_source == "person":
        return Stand.CAME_BACK if execution.second_leg == "failed" else Stand.PAID_BY_HAND
    if execution.paid_to == "merchant":
        return Stand.WITH_STORE
    if execution.second_leg == "failed":
        return Stand.IN_BALANCE
    if execution.second_leg == "pending":
        return Stand.BANK_SILENT if execution.needs_attention else Stand.TO_BANK
    return Stand.PAID_IN_PORTAL if execution.proof_source == "portal" else Stand.PAID


def _failed(execution: Execution) -> Stand:
    if execution.needs_attention:
        return Stand.CONTRADICTED
    if execution.failure_code in HandTrouble.values:
        return Stand.NOT_PAID_BY_HAND
    if execution.failure_code == plans.ACCOUNT_GIVEN_UP:
        return Stand.ACCOUNT_GIVEN_UP
    if execution.failure_code == "not_in_portal":
        return Stand.NOT_IN_PORTAL
    if execution.failure_remedy == "sale_unpaid":
        return Stand.NEVER_PAID
    if execution.failure_remedy in _MAYBE_REFUNDED:
        return Stand.ELSEWHERE
    if execution.failure_retry == "new_number":
        return Stand.SPENT
    return Stand.REFUSED if execution.failure_retry in ("", "never") else Stand.MENDABLE


def newest(request: RefundRequest) -> Execution | None:
    """The payout that a request's sentence is about."""
    return request.executions.order_by("-created_at", "-pk").first()


def waits(
    request: RefundRequest, *, now: datetime, payout: Execution | None = None, sale: PaidFrom | None = None
) -> Waiting | None:
    """How long the money is waited for, against what was promised; None where a channel has no part in it, or no more.

    ``request`` comes with its sale and channel account, unless ``sale`` tells what it was paid from. A payout on its way to the
    bank is waited for from when the channel paid it.
    """
    if is_by_hand(request.route):
        return None
    since = request.decided_at
    sale = sale or request.transaction
    funding = sale.funding
    if payout is not None and stand(payout) is Stand.TO_BANK:
        since, funding = payout.succeeded_at, paid_through(funding, payout.received_account)
    elif request.state not in _OPEN:
        return None
    if since is None:
        return None
    promised = expected_arrival(funding=funding, profile=sale.profile, at=since, route=request.route)
    at = payout.arrives_at if payout is not None and payout.arrives_at is not None else promised.latest_at
    return waiting(accepted_at=since, promised_at=at, now=now)


def to_customer(payout: Execution, *, since: datetime, now: datetime) -> str:
    """The sentence for the customer of one payout under way, of several; ``since`` is when they were promised it."""
    sale, route = payout.transaction, payout.channel_account.channel
    if is_by_hand(route):
        return hand_words.next_step(route)
    said = TABLE[stand(payout)]
    promised = expected_arrival(funding=sale.funding, profile=sale.profile, at=since)
    waited = waiting(accepted_at=since, promised_at=payout.arrives_at or promised.latest_at, now=now)
    if waited.overdue and said.late:
        return str(said.late) % {"day": day_of(waited.expected_at)}
    return str(said.customer) or gettext("It arrives by %(day)s.") % {"day": day_of(waited.expected_at)}


def to_staff(execution: Execution, *, waited: Waiting | None = None) -> str:
    """The sentence for staff and REST, with the new day once what was promised is over."""
    where = stand(execution)
    said = str(TABLE[where].staff)
    if waited is None or not waited.overdue or not TABLE[where].late:
        return said
    late = gettext("It is overdue; it is expected by %(day)s now.") % {"day": day_of(waited.expected_at)}
    if waited.alert and where is Stand.ACCEPTED:
        late = gettext("That is %(n)s days ago: call the channel's support before it closes it.") % {"n": waited.days}
    return gettext("%(cause)s %(solution)s") % {"cause": said, "solution": late}


def advice(execution: Execution) -> str:
    """What can be done about the channel's reason, where that is true as the payout stands; else nothing."""
    where = stand(execution)
    if where not in _ADVISED or (where is not Stand.BARRED and execution.failure_remedy in _BY_ITSELF):
        return ""
    return remedies.remedy(execution.failure_remedy)


def reason_of(execution: Execution) -> str:
    """What the channel gave as the reason, with its code; our own codes in words. Empty while there is none."""
    code, message = execution.failure_code, execution.failure_message
    if not code or code == "by_hand":
        return ""
    if not message:
        return own_code(code)
    return gettext("%(message)s (%(code)s)") % {"message": message, "code": own_code(code)}


def own_code(code: str) -> str:
    """A code of our own adapters in words; any other as it is."""
    return str(_OWN_CODES.get(code, code))


@dataclass(frozen=True, slots=True)
class Story:
    """A request's newest payout in the customer's words.

    ``sentence`` is empty where the day of arrival is all there is to say, ``headline`` where that of the request's state says it.
    ``failure`` is of one that failed.
    """

    stand: Stand | None
    waited: Waiting | None
    sentence: str
    headline: str
    note: str
    call: bool
    failure: Failure

    @property
    def overdue(self) -> bool:
        return self.waited is not None and self.waited.overdue


def story(request: RefundRequest, *, now: datetime, state: str = "") -> Story:
    """``request`` comes with its sale and channel account; ``state`` is that of the event that is told, by default its own."""
    state = state or request.state
    payout = newest(request) if state in _TOLD_BY_PAYOUT else None
    where = None if payout is None else stand(payout)
    waited = waits(request, now=now, payout=payout)
    said = TABLE[Stand.WAITS if where is None else where]
    overdue = waited is not None and waited.overdue and bool(said.late)
    why = failure(remedy=payout.failure_remedy if payout else "", channel=request.channel)
    if state == State.FAILED and said.customer:
        why = Failure(str(said.customer), "")
    return Story(
        stand=where,
        waited=waited,
        sentence=str(said.late) % {"day": day_of(waited.expected_at)} if overdue and waited else str(said.customer),
        headline=str(_DELAYED) if overdue and state in _OPEN else str(said.headline),
        note=str(said.note),
        call=said.call or (state == State.FAILED and why.customer_acts),
        failure=why,
    )


def day_of(at: datetime) -> str:
    """The day in Shanghai as the language writes it: ``11月25日``, ``November 25``."""
    return date_format(at.astimezone(SHANGHAI).date(), "MONTH_DAY_FORMAT")
