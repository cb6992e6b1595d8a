"""What is said of a payout: its stand's sentence with the days of its own, to staff, to the customer and over REST."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.calendar import SHANGHAI
from refunds.models import Execution, RefundRequest
from refunds.models.hand_accounts import is_by_hand
from refunds.rules import remedies
from refunds.rules.arrival import PaidFrom, expected_arrival, paid_through
from refunds.rules.waiting import Waiting, waiting
from refunds.states import PAID, State
from refunds.telling import hand_words
from refunds.telling.causes import Failure, failure
from refunds.telling.stand_words import DELAYED, TABLE
from refunds.telling.stands import Stand, stand

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


def _channel_of(request: RefundRequest, payout: Execution | None) -> str:
    """The channel that a sentence about this payout names: of a part, that of the payment which it goes back by."""
    return payout.transaction.channel if request.leg_count and payout is not None else request.channel


def story(request: RefundRequest, *, now: datetime, state: str = "") -> Story:
    """``request`` comes with its sale and channel account; ``state`` is that of the event that is told, by default its own."""
    state = state or request.state
    payout = newest(request) if state in _TOLD_BY_PAYOUT else None
    where = None if payout is None else stand(payout)
    waited = waits(request, now=now, payout=payout)
    said = TABLE[Stand.WAITS if where is None else where]
    overdue = waited is not None and waited.overdue and bool(said.late)
    why = failure(remedy=payout.failure_remedy if payout else "", channel=_channel_of(request, payout))
    if state == State.FAILED and said.customer:
        why = Failure(str(said.customer), "")
    return Story(
        stand=where,
        waited=waited,
        sentence=str(said.late) % {"day": day_of(waited.expected_at)} if overdue and waited else str(said.customer),
        headline=str(DELAYED) if overdue and state in _OPEN else str(said.headline),
        note=str(said.note),
        call=said.call or (state == State.FAILED and why.customer_acts),
        failure=why,
    )


def day_of(at: datetime) -> str:
    """The day in Shanghai as the language writes it: ``11月25日``, ``November 25``."""
    return date_format(at.astimezone(SHANGHAI).date(), "MONTH_DAY_FORMAT")
