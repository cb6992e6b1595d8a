"""The text of a message, per event and language. One template an event, in ``templates/messages``; SMS are the short form.

A message says what happens, how much, to which account and by when. It carries no name, number or address of the customer:
who reads over their shoulder learns of a refund and nothing else.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core import clock
from core.calendar import SHANGHAI
from core.money import yuan_grouped
from core.plain_text import one_line, plain_text
from merchants.models import Merchant
from refunds.facts import goods
from refunds.models import RefundRequest
from refunds.models.goods_return import ReturnState
from refunds.models.hand_accounts import is_by_hand
from refunds.models.notification import APOLOGY, ARRIVAL_CHANGED
from refunds.rules.arrival import Arrival, expected_arrival
from refunds.rules.waiting import Waiting
from refunds.states import RejectReason, State
from refunds.telling import coupons, hand_words, legs, own_words, payout_words, tracking
from refunds.telling.carriers import Text
from refunds.telling.causes import our_fault
from refunds.telling.destinations import Went, destination_and_way, destination_label, went
from refunds.telling.payout_words import day_of

_HEADLINES: dict[State, Promise | str] = {
    State.SUBMITTED: _("Your refund request has arrived"),
    State.VERIFYING: _("Your refund request has arrived"),
    State.IN_REVIEW: _("The store is checking your refund"),
    State.NEEDS_INFO: _("The store needs something from you"),
    State.WAITING_GOODS: _("The store is waiting for the goods"),
    State.WAITING_VENDOR: _("The store is asking the payment provider"),
    State.APPROVED: _("Your refund is approved"),
    State.EXECUTING: _("Your money is on its way"),
    State.UNKNOWN: _("Your refund is being confirmed"),
    State.MANUAL_PENDING: _("The store is preparing your payout"),
    State.FAILED: _("Your refund is delayed"),
    State.PARTIALLY_REFUNDED: _("Part of your money is refunded"),
    State.REJECTED: _("Your refund was not approved"),
    State.CANCELLED: _("Your refund request was withdrawn"),
    State.REFUNDED: _("Your money is refunded"),
    State.FOLLOW_UP: _("Your money is refunded"),
    State.CLOSED: _("Your money is refunded"),
}


def headline(state: str) -> str:
    """What a customer reads first about a refund in this state, or in an apology for an incident."""
    if state == ARRIVAL_CHANGED:
        return gettext("Your money comes later than we said")
    return gettext("We are sorry") if state == APOLOGY else str(_HEADLINES[State(state)])


#: Events that the customer is notified of; the rest is nobody's business but ours.
NOTIFIED: frozenset[str] = frozenset(
    {
        State.IN_REVIEW,
        State.NEEDS_INFO,
        State.WAITING_GOODS,
        State.APPROVED,
        State.REJECTED,
        State.PARTIALLY_REFUNDED,
        State.REFUNDED,
        State.FAILED,
        State.CANCELLED,
    }
)
#: Events with words to customers, by name.
EVENTS = tuple(sorted({*NOTIFIED, APOLOGY, ARRIVAL_CHANGED}))
#: Those whose words say when the money is there.
_PROMISE = frozenset({State.APPROVED, State.REFUNDED, ARRIVAL_CHANGED})

#: A link makes an SMS two or three parts long, so it stands where the customer is asked for something, and in the first
#: message they get: the link is the same all along.
_SMS_WITH_LINK = frozenset(
    {
        *(State.IN_REVIEW, State.NEEDS_INFO, State.WAITING_GOODS),
        *(State.PARTIALLY_REFUNDED, State.REFUNDED, State.FAILED, APOLOGY, ARRIVAL_CHANGED),
    }
)

#: Characters of a reviewer's words that an SMS quotes; the page has all of them.
_QUOTED = 24


def words(*, event: str, medium: str, locale: str, request: RefundRequest) -> Text:
    """The message for one event, as things stand now. ``request`` comes with store, merchant and transaction with its channel
    account.
    """
    with translation.override(language_of(locale)):
        own = own_words.in_force(
            merchant_id=request.merchant_id, event=event, language=language_of(locale), medium=medium
        )
        context = _context(event, request, clock.now())
        text = _text(event, medium, context, own.text if own else "", has_link=_has_link(event, request))
        is_promise = event in _PROMISE and not is_by_hand(request.route)
        return replace(text, promised_by=promised_by(request, now=clock.now())) if is_promise else text


def example(*, event: str, medium: str, language: str, merchant: Merchant, own: str) -> Text:
    """How a message would read, of a refund that never was; ``own`` "": by the built-in words."""
    with translation.override(language):
        return _text(event, medium, _example(event, merchant), own, has_link=event in _SMS_WITH_LINK)


#: What a one-time code looks like.
_A_CODE = "123456"


def for_template(text: Text, *, key: str) -> Text:
    """An example for a provider's template, also of a one-time code."""
    return replace(text, key=key, values={**text.values, "code": _A_CODE})


def _text(event: str, medium: str, context: dict[str, object], own: str, *, has_link: bool) -> Text:
    """The message in the language in use, by the merchant's own words where there are any."""
    is_short = medium != "email"
    built_in = {**context, "short": is_short}
    said = own_words.filled(own, context) if own else render_to_string(f"messages/{event}.txt", built_in)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    key = f"{event}/{translation.get_language()}"
    values = {name: str(context.get(name, "")) for name in own_words.PLACEHOLDERS}
    values |= {"url": str(context["url"]), "token": str(context["url"]).rpartition("/")[2]}
    if is_short:
        # Chinese sentences follow one another without a space; a link needs one to be recognised.
        body = ("" if translation.get_language() == "zh-hans" else " ").join(lines)
        return Text("", f"{body} {context['url']}" if has_link else body, key=key, values=values)
    subject = gettext("%(merchant)s: %(headline)s (%(number)s)") % context
    html = render_to_string("messages/mail.html", {**context, "lines": lines, "subject": subject})
    follow = gettext("Follow your refund: %(url)s") % context
    sender = " · ".join(str(context[key]) for key in ("merchant", "store", "store_phone") if context[key])
    return Text(subject, "\n\n".join([*lines, follow, sender]), html, key=key, values=values)


def _example(event: str, merchant: Merchant) -> dict[str, object]:
    """What a message names, made up; as ``_context`` has it."""
    store = merchant.stores.order_by("code").first()
    soon = clock.now() + timedelta(days=3)
    said = {
        "merchant": one_line(merchant.name),
        "store": one_line(store.name) if store else gettext("Store"),
        "store_phone": one_line(store.phone) if store else "",
        "headline": headline(event),
        "number": "RF-260101-0001",
        "amount": "268.00",
        "part": "200.00",
        "rest": "68.00",
        "destination": gettext("WeChat balance"),
        "destination_and_way": gettext("WeChat balance"),
        "arrives_by": day_of(soon),
        "due": f"{day_of(soon)} 18:00",
        "goods_by": f"{day_of(soon)} 18:00",
        "goods_here": False,
        "reject_reason": str(RejectReason.GOODS_USED.label) if event == State.REJECTED else "",
        "url": f"{settings.BASE_URL}/r/…",
    }
    rest = ("coupon", "asked", "by_hand", "instead", "where", "our_fault", "failure", "message", "message_short")
    return {
        **dict.fromkeys((*rest, "offer", "offer_message"), ""),
        "event": event,
        "at_once": False,
        "extended": False,
        "parts": (),
        **said,
    }


def language_of(locale: str) -> str:
    """The language of ours for a customer's locale: English where it says so, Chinese otherwise."""
    return "en" if locale.lower().startswith("en") else "zh-hans"


def _has_link(event: str, request: RefundRequest) -> bool:
    if event == State.FAILED and request.store.phone:
        # Whoever has to do something does it on the phone.
        return False
    return event in _SMS_WITH_LINK or (event == State.APPROVED and request.by_rule)


def _goods(request: RefundRequest) -> dict[str, object]:
    """What is awaited of the customer, or offered to them: nothing that is over."""
    back, offer = goods.open_return(request), goods.open_offer(request)
    due_at = back.due_at if back else None
    return {
        "goods_here": back is not None and back.state == ReturnState.RECEIVED,
        "goods_by": f"{day_of(due_at)} {due_at.astimezone(SHANGHAI):%H:%M}" if due_at else "",
        "goods_to": one_line(back.store.address) if back else "",
        "offer": offer.get_kind_display() if offer and request.state == State.IN_REVIEW else "",
        "offer_message": plain_text(offer.message) if offer else "",
    }


def promised_by(request: RefundRequest, *, now: datetime) -> datetime:
    """When the money is there, as page and messages say it at this instant. ``request`` as for ``words``."""
    gone, waited = went(request=request), payout_words.waits(request, now=now, payout=payout_words.newest(request))
    return there_by(gone, usual=_arrival(request, gone), waited=waited)


def there_by(gone: Went, *, usual: Arrival, waited: Waiting | None) -> datetime:
    """What the channel says of the bank, else what was promised once, else what is usual."""
    return gone.arrives_at or (waited.expected_at if waited else usual.latest_at)


def _arrival(request: RefundRequest, gone: Went) -> Arrival:
    sale, at = request.transaction, request.succeeded_at or request.updated_at
    return legs.slowest(request, at=at) or expected_arrival(
        funding=gone.funding(sale), profile=sale.profile, at=at, route=request.route
    )


def _context(event: str, request: RefundRequest, now: datetime) -> dict[str, object]:
    sale, gone = request.transaction, went(request=request)
    split = legs.split_label(request)
    arrival = _arrival(request, gone)
    tail = hand_words.account_tail(request)
    amount_fen = request.amount_fen if request.approved_fen is None else request.approved_fen
    state = event if event == State.FAILED else request.state
    story = payout_words.story(request, now=now, state=state)
    message = plain_text(request.message_to_customer)
    quoted = one_line(message)
    return {
        "event": event,
        "headline": (story.headline if event == state else "") or headline(event),
        "merchant": one_line(request.merchant.name),
        "store": one_line(request.store.name),
        "store_phone": one_line(request.store.phone),
        "number": request.number,
        "amount": yuan_grouped(amount_fen),
        "coupon": coupons.both_figures(request),
        "asked": "" if amount_fen == request.amount_fen else yuan_grouped(request.amount_fen),
        "destination": split or destination_label(sale=sale, route=request.route, account_last4=tail, went=gone),
        "destination_and_way": split
        or destination_and_way(sale=sale, route=request.route, account_last4=tail, went=gone),
        "by_hand": hand_words.next_step(request.route) if is_by_hand(request.route) else "",
        "at_once": arrival.basis == "at_once" and gone.arrives_at is None,
        "arrives_by": day_of(there_by(gone, usual=arrival, waited=story.waited)),
        "instead": story.failure.sentence if state == State.FAILED else story.sentence,
        "where": story.note,
        "due": f"{day_of(request.due_at)} {request.due_at.astimezone(SHANGHAI):%H:%M}",
        **_goods(request),
        "extended": request.extended_until is not None,
        "reject_reason": RejectReason(request.reject_reason).label if request.reject_reason else "",
        "our_fault": our_fault(reason=request.reason),
        "failure": story.failure.sentence,
        "part": yuan_grouped(request.refunded_fen),
        "rest": yuan_grouped(amount_fen - request.refunded_fen),
        "parts": legs.what_is_left(request, now=now) if event == State.PARTIALLY_REFUNDED else (),
        "message": message,
        "message_short": quoted if len(quoted) <= _QUOTED else f"{quoted[: _QUOTED - 1]}…",
        "url": tracking.url_for(request.pk),
    }
