"""What the customer reads: a refund told in their words, from the request's own data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language, gettext

from core.audit.actors import CUSTOMER
from core.calendar import SHANGHAI
from core.plain_text import listed, plain_text
from core.quantities import Quantity, quantity_text
from customer.refund.questions import questions
from customer.refund.reports import Reports, reports_of
from merchants import channels
from merchants.principals import Principal
from refunds.evidence import files
from refunds.facts import conditions, goods
from refunds.intake import appealing
from refunds.models import Agreement, Evidence, ExchangeOffer, GoodsReturn, RefundRequest, Survey
from refunds.models.evidence import OF_STAFF, EvidenceKind
from refunds.models.goods_return import ReturnState
from refunds.models.hand_accounts import is_by_hand
from refunds.models.survey import RatingReason
from refunds.rules.arrival import Arrival, expected_arrival
from refunds.states import OWNER, PAID, Owner, RejectReason, State
from refunds.telling import coupons, hand_words, legs, payout_words, wording
from refunds.telling.causes import our_fault
from refunds.telling.destinations import Went, destination_and_way, destination_label, went
from refunds.telling.legs import goods_with_worth
from refunds.telling.payout_words import day_of
from refunds.telling.stands import Stand
from refunds.telling.wording import headline
from terminals.models import TransactionKind

_TONES: dict[str, str] = {
    **dict.fromkeys((State.NEEDS_INFO, State.WAITING_GOODS, State.FAILED), "warn"),
    **dict.fromkeys(PAID, "ok"),
    State.REJECTED: "bad",
    State.CANCELLED: "mute",
}
_ICONS = {"info": "loader", "ok": "check", "warn": "hourglass", "bad": "x", "mute": "undo-2"}
#: Where pictures can be added without having been asked for.
_OPEN_TO_PICTURES = frozenset({State.IN_REVIEW, State.WAITING_GOODS, State.WAITING_VENDOR, State.FAILED})
_UNDECIDED = frozenset({State.VERIFYING, State.IN_REVIEW, State.NEEDS_INFO, State.WAITING_GOODS, State.WAITING_VENDOR})
_ENDED_WITHOUT_MONEY = frozenset({State.REJECTED, State.CANCELLED})
#: What the customer may still send.
_TO_SEND = (ReturnState.AWAITED, ReturnState.ON_ITS_WAY)
#: Where an offer can be answered.
_OFFERED_IN = frozenset({State.IN_REVIEW, State.NEEDS_INFO, State.WAITING_GOODS})
#: Where nobody can say when it arrives.
_NO_DAY = frozenset(
    {
        Stand.STUCK,
        Stand.ASKED,
        Stand.SILENT,
        Stand.NOT_TAKEN,
        Stand.DIFFERS,
        Stand.SHORT,
        Stand.BARRED,
        Stand.POSTPONED,
        Stand.BANK_SILENT,
        Stand.WITH_STORE,
    }
)


@dataclass(frozen=True, slots=True)
class Step:
    """``status`` is done, now, todo or failed. ``at`` is what the steps of the desk have: here the note says the day."""

    label: str
    status: str
    note: str
    at: None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """The answer to what was just sent, "" for none; words that were refused are kept in their form. ``ticket`` is there once a
    code was sent.
    """

    text: str
    tone: str = "ok"
    typed_message: str = ""
    typed_comment: str = ""
    ticket: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPage:
    """A refund in the customer's words. Amounts in fen; an empty text or address hides what it would say or lead to."""

    request: RefundRequest
    languages: Sequence[tuple[str, str]]
    notice: Notice
    headline: str
    tone: str
    icon: str
    amount_fen: int
    asked_fen: int | None
    coupon: str
    estimate: str
    appeal: str
    apology: str
    money_note: str
    call_first: bool
    needs: str
    message: str
    steps: Sequence[Step]
    goods_summary: str
    destination_label: str
    legs: Sequence[legs.ShownLeg]
    agreements: Sequence[Agreement]
    without_sale: str
    reference: Mapping[str, str] | None
    answer_url: str
    evidence_url: str
    places_left: int
    missing: str
    kinds: Sequence[tuple[str, str]]
    pictures: Sequence[tuple[str, str]]
    reports: Reports
    questions: Sequence[tuple[str, str]]
    rating_url: str
    erase_url: str
    erase_needs_code: bool
    survey: Survey | None
    comment: str
    rating_reasons: Sequence[tuple[str, str]]
    goods: GoodsReturn | None
    goods_lines: Sequence[str]
    #: Name, phone and address on one line, as a carrier's form takes them.
    parcel_to: str
    send_url: str
    offer: ExchangeOffer | None
    offer_message: str
    offer_url: str

    @property
    def merchant_name(self) -> str:
        return self.request.merchant.name


@dataclass(frozen=True, slots=True)
class _Story:
    """A request with what is derived from it for one visit."""

    request: RefundRequest
    arrival: Arrival
    destination: str
    gone: Went
    payout: payout_words.Story
    now: datetime

    @property
    def at_once(self) -> bool:
        return self.arrival.basis == "at_once" and self.gone.arrives_at is None

    @property
    def paid(self) -> bool:
        return self.request.state in PAID

    @property
    def by_hand(self) -> bool:
        return is_by_hand(self.request.route)

    @property
    def there_by(self) -> datetime:
        """What the channel says of the bank, else what was promised once, else what is usual."""
        return wording.there_by(self.gone, usual=self.arrival, waited=self.payout.waited)


def refund_page(
    *, request: RefundRequest, token: str, language: str, by: Principal, now: datetime, notice: Notice
) -> RefundPage:
    """``request`` comes with store, merchant, transaction and channel account."""
    sale, state, gone = request.transaction, request.state, went(request=request)
    arrival = legs.slowest(request, at=request.succeeded_at or now) or expected_arrival(
        funding=gone.funding(sale), profile=sale.profile, at=request.succeeded_at or now, route=request.route
    )
    tail = hand_words.account_tail(request)
    split = legs.split_label(request)
    label = split or destination_label(sale=sale, route=request.route, account_last4=tail, went=gone)
    story = _Story(request, arrival, label, gone, payout_words.story(request, now=now), now)
    survey = Survey.objects.filter(request=request).first()
    pictures = Evidence.objects.filter(request=request, added_by=CUSTOMER.name).order_by("added_at", "pk")
    places_left = files.places_left(request_id=request.pk)
    amount_fen = request.amount_fen if request.approved_fen is None else request.approved_fen
    granted = state not in _UNDECIDED | _ENDED_WITHOUT_MONEY | {State.FAILED}
    tone = "warn" if story.payout.call else _TONES.get(state, "info")
    destination = split or destination_and_way(sale=sale, route=request.route, went=gone)

    needs_code = bool(conditions.phone_to_show(request)) and not notice.ticket
    back, offered = goods.latest(request), request.offers.order_by("-pk").first()
    # What became of goods that nobody waits for any more is between colleagues.
    is_told = back is not None and back.state not in (ReturnState.CALLED_OFF, ReturnState.NOT_COME)

    given = set(request.evidence.values_list("kind", flat=True))
    missing = [kind for kind in request.verdict.get("evidence", ()) if kind not in given and kind not in OF_STAFF]

    def address(name: str) -> str:
        return f"{reverse(f'customer:{name}', args=[token])}?lang={language}"

    return RefundPage(
        request=request,
        languages=[(code, label) for code, label in settings.LANGUAGES if code != language],
        notice=notice,
        headline=story.payout.headline or headline(state),
        tone=tone,
        icon=_ICONS[tone],
        amount_fen=amount_fen,
        asked_fen=None if amount_fen == request.amount_fen else request.amount_fen,
        coupon=coupons.both_figures(request) if state not in _ENDED_WITHOUT_MONEY else "",
        estimate=_estimate(story),
        appeal=_appeal(request, by),
        apology=our_fault(reason=request.reason) if granted else "",
        money_note=story.payout.note,
        call_first=story.payout.call,
        needs=plain_text(request.message_to_customer) if state in (State.NEEDS_INFO, State.WAITING_GOODS) else "",
        message=plain_text(request.message_to_customer) if state in _ENDED_WITHOUT_MONEY else "",
        steps=_steps(story),
        goods_summary=_goods(request),
        destination_label="" if state in _ENDED_WITHOUT_MONEY else story.destination if story.by_hand else destination,
        legs=legs.shown(request),
        agreements=list(request.agreements.order_by("pk")),
        without_sale=_without_sale(request),
        reference=hand_words.reference(request) if story.by_hand and story.paid else None,
        answer_url=address("answer") if state == State.NEEDS_INFO else "",
        evidence_url=address("add_evidence") if state in _OPEN_TO_PICTURES and places_left else "",
        places_left=places_left,
        missing=gettext(", ").join(str(EvidenceKind(kind).label) for kind in missing),
        kinds=_kinds(missing),
        pictures=[
            (
                reverse("customer:picture", args=[token, piece.pk]),
                "" if piece.content_type == files.CONTENT_TYPE else piece.get_kind_display(),
            )
            for piece in pictures
        ],
        reports=reports_of(request, by=by, now=now, address=address),
        questions=questions(
            request,
            day=_estimate(story),
            destination=story.destination,
            headline=story.payout.headline or headline(state),
        ),
        rating_url=address("rate") if story.paid and survey is None else "",
        erase_url=address("code" if needs_code else "erase"),
        erase_needs_code=needs_code,
        survey=survey,
        comment=plain_text(survey.comment) if survey else "",
        rating_reasons=[(one.value, str(one.label)) for one in RatingReason],
        goods=back if is_told else None,
        goods_lines=_goods_lines(back) if back and is_told else (),
        parcel_to=" ".join(filter(None, (back.store.name, back.store.phone, back.store.address))) if back else "",
        send_url=address("send_goods") if back and back.state in _TO_SEND else "",
        offer=offered,
        offer_message=plain_text(offered.message) if offered else "",
        offer_url=address("answer_offer") if offered and not offered.answer and state in _OFFERED_IN else "",
    )


def _goods_lines(back: GoodsReturn) -> list[str]:
    """What comes back, counted by article, whatever was found of the pieces."""
    counted: dict[str, Quantity] = {}
    for line in back.lines.select_related("line").order_by("pk"):
        if line.line is None:
            return [gettext("All that the refund is about")]
        counted[line.line.name] = counted.get(line.line.name, 0) + line.quantity
    return [f"{name} × {quantity_text(count)}" for name, count in counted.items()]


def _kinds(missing: Sequence[str]) -> list[tuple[str, str]]:
    """What the customer may add: first what is missing. A colleague's word comes from the store."""
    others = [kind.value for kind in EvidenceKind if kind not in OF_STAFF and kind not in missing]
    return [(kind, str(EvidenceKind(kind).label)) for kind in (*missing, *others)]


def _estimate(story: _Story) -> str:
    """What happens next and by when, in one sentence."""
    request = story.request
    if request.state == State.IN_REVIEW:
        return _review_estimate(story)
    if request.state == State.NEEDS_INFO:
        return gettext("Please answer below. Your request keeps its place meanwhile.")
    if request.state == State.REJECTED:
        return str(RejectReason(request.reject_reason).label) if request.reject_reason else ""
    if request.state == State.CANCELLED:
        return gettext("No money was moved.")
    if request.state == State.FAILED:
        return story.payout.failure.sentence
    if request.state in {State.VERIFYING, State.WAITING_GOODS, State.WAITING_VENDOR}:
        return _goods_estimate(story)
    if request.state == State.PARTIALLY_REFUNDED:
        sentences = legs.what_is_left(request, now=story.now)
        # Chinese sentences follow one another without a space.
        return ("" if get_language() == "zh-hans" else " ").join(sentences)
    if story.paid:
        return _arrived(story)
    if story.by_hand:
        return hand_words.next_step(request.route)
    if story.payout.sentence:
        return story.payout.sentence
    if story.at_once:
        return gettext("It usually arrives within minutes.")
    return gettext("It arrives by %(day)s.") % {"day": day_of(story.there_by)}


def _goods_estimate(story: _Story) -> str:
    request, back = story.request, goods.open_return(story.request)
    if back is None or back.due_at is None:
        return gettext("We will tell you as soon as there is news.")
    if back.state == ReturnState.RECEIVED:
        due = {"due": _moment(request.due_at, story.now)}
        return gettext("Your goods are there; the store looks at them by %(due)s.") % due
    due = {"due": _moment(back.due_at, story.now)}
    if back.state == ReturnState.ON_ITS_WAY:
        return gettext("Your parcel is on its way. It should be there by %(due)s.") % due
    return gettext("Please bring or send the goods back by %(due)s. Your request keeps its place meanwhile.") % due


def _review_estimate(story: _Story) -> str:
    request = story.request
    if request.due_at < story.now:
        return gettext("It takes longer than we said, and we are sorry. Late requests come first in the store's queue.")
    due = {"due": _moment(request.due_at, story.now)}
    if request.extended_until is not None:
        return gettext("As agreed with you, it takes longer. Result by %(due)s.") % due
    if request.customer_phone:
        return gettext("Result by %(due)s; we will text you.") % due
    if request.customer_email:
        return gettext("Result by %(due)s; we will write to you.") % due
    return gettext("Result by %(due)s; look here again then.") % due


def _arrived(story: _Story) -> str:
    if story.payout.sentence:
        return story.payout.sentence
    if story.at_once:
        return gettext("It has been paid back: %(destination)s.") % {"destination": story.destination}
    facts = {"destination": story.destination, "day": day_of(story.there_by)}
    if story.there_by < story.now:
        return gettext("It should be there since %(day)s: %(destination)s. If not, call the store.") % facts
    return gettext("It will be there by %(day)s: %(destination)s.") % facts


def _appeal(request: RefundRequest, by: Principal) -> str:
    """A refusal is not the end of it, and says where to go; once."""
    if not appealing.may_appeal(request, by=by):
        return ""
    return gettext(
        "If you see it differently or have new proof, it can be looked at again, by somebody else: see below."
    )


def _without_sale(request: RefundRequest) -> str:
    """Where there is no payment behind it, why so."""
    if request.transaction.kind == TransactionKind.COMPENSATION:
        return gettext("This is paid beside the deposit %(number)s, because we did not keep the contract.") % {
            "number": request.description
        }
    if request.transaction.kind == TransactionKind.NO_RECEIPT:
        return gettext("We did not find your payment. If the receipt turns up, please show it in the store.")
    return ""


def _goods(request: RefundRequest) -> str:
    lines = request.lines.select_related("line").order_by("pk")
    return listed(goods_with_worth(lines))


def _steps(story: _Story) -> list[Step]:
    request = story.request
    first = Step(gettext("Request received"), "done", _moment(request.created_at, story.now))
    if request.state == State.CANCELLED:
        return [first, Step(gettext("Withdrawn"), "failed", _moment(request.updated_at, story.now))]
    check = _check_step(story)
    if request.state == State.REJECTED:
        return [first, check]
    return [first, *_goods_steps(story), check, _payout_step(story), _arrival_step(story)]


def _goods_steps(story: _Story) -> list[Step]:
    """How far the goods have come, where any were asked for."""
    back = goods.latest(story.request)
    if back is None or back.state in (ReturnState.CALLED_OFF, ReturnState.NOT_COME):
        return []
    steps = []
    if back.sent_at is not None:
        steps.append(Step(gettext("Parcel sent"), "done", f"{back.carrier} {back.parcel_no}"))
    if back.received_at is None:
        return [
            *steps,
            Step(gettext("Goods reach the store"), "now", _moment(back.due_at, story.now) if back.due_at else ""),
        ]
    steps.append(Step(gettext("Goods reach the store"), "done", _moment(back.received_at, story.now)))
    if back.inspected_at is None:
        return [*steps, Step(gettext("The store looks at them"), "now", gettext("in progress"))]
    return [*steps, Step(gettext("The store looks at them"), "done", _moment(back.inspected_at, story.now))]


def _check_step(story: _Story) -> Step:
    request, label = story.request, gettext("The store checks")
    if request.state == State.WAITING_GOODS:
        return Step(label, "todo", "")
    if request.state == State.NEEDS_INFO:
        return Step(label, "now", gettext("waits for you"))
    if request.state in _UNDECIDED:
        return Step(label, "now", gettext("in progress"))
    decided = _moment(request.decided_at or request.updated_at, story.now)
    return Step(label, "failed" if request.state == State.REJECTED else "done", decided)


def _payout_step(story: _Story) -> Step:
    request, parts = story.request, legs.count(story.request)
    if parts > 1:
        label = gettext("Refund in %(n)s parts") % {"n": parts}
    elif story.by_hand:
        label = hand_words.step(request.route)
    else:
        label = gettext("Refund through %(channel)s") % {"channel": channels.label(request.channel)}
    if request.state in _UNDECIDED:
        return Step(label, "todo", gettext("right after the approval"))
    if request.state == State.FAILED:
        return Step(label, "failed", gettext("delayed"))
    if story.paid:
        return Step(label, "done", _moment(request.succeeded_at or request.updated_at, story.now))
    return Step(label, "now", gettext("in progress"))


def _arrival_step(story: _Story) -> Step:
    label = gettext("Arrives: %(destination)s") % {"destination": story.destination}
    if story.request.state == State.FAILED:
        # No day is promised while nobody can keep it.
        return Step(label, "todo", gettext("once it is paid"))
    # Nor while the customer has something to give or to send: it would be paid before they did.
    if story.payout.stand in _NO_DAY or OWNER[State(story.request.state)] is Owner.CUSTOMER:
        return Step(label, "todo", "")
    if story.payout.overdue and story.payout.waited is not None and not story.by_hand:
        day = day_of(story.payout.waited.expected_at)
        return Step(label, "now" if story.paid else "todo", gettext("by %(day)s") % {"day": day})
    if story.paid and story.at_once:
        return Step(label, "done", _moment(story.request.succeeded_at or story.request.updated_at, story.now))
    if story.paid and story.there_by < story.now:
        return Step(label, "done", "")
    if story.by_hand and not story.paid:
        return Step(label, "todo", "")
    if story.at_once:
        return Step(label, "todo", gettext("usually within minutes"))
    days = gettext("by %(day)s") % {"day": day_of(story.there_by)}
    return Step(label, "now" if story.paid else "todo", days)


def _moment(at: datetime, now: datetime) -> str:
    """``14:30`` today, ``November 25, 14:30`` on another day."""
    there, today = at.astimezone(SHANGHAI), now.astimezone(SHANGHAI).date()
    return f"{there:%H:%M}" if there.date() == today else f"{day_of(at)} {there:%H:%M}"
