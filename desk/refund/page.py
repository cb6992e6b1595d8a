"""One refund with all that its page and its preview show. Amounts in fen; an empty address hides its control."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import prefetch_related_objects
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext

from core.audit import notes
from core.calendar import SHANGHAI
from core.errors import Invalid, NotFound, existing
from core.numbers import refund_number
from core.plain_text import colon
from desk import people, progress, verdicts, ways
from desk.access import Scope
from desk.addresses import refund as refund_url
from desk.filters import Choice
from desk.forms import RejectReasonChoice, info_items, reject_reasons
from desk.notices import Notice, notice
from desk.progress import Step
from desk.queue.listing import Position
from desk.refund import goods as goods_of
from desk.refund import payouts
from desk.refund.beside import Beside, beside
from desk.refund.customer import Customer, customer, requester_label, source_label
from desk.refund.goods import GoodsCard
from desk.refund.offered import Offered, offered
from desk.refund.payouts import Payout
from desk.refund.sale import Goods, Sale, goods_of_sale, goods_summary, sale_of, till_label
from desk.refund.second import Second, second
from desk.refund.similar import Similar, evidence_urls, similar
from desk.refund.timeline import Line, timeline
from desk.rows import alerts, stamp, target_s
from desk.templatetags.desk_format import when_minute, yuan_sign
from desk.verdicts import VerdictCard
from desk.ways import Way
from merchants.principals import Principal
from merchants.rights import Act
from refunds import queries
from refunds.evidence import repeats
from refunds.facts import conditions, payees, plans
from refunds.models import Evidence, RefundRequest
from refunds.models.evidence import EvidenceKind
from refunds.models.goods_return import OfferKind, ReturnWay
from refunds.review.handing_over import colleagues
from refunds.review.revealing import Contact
from refunds.rules.plan import WHY
from refunds.states import OPEN_FOR_REVIEW, UNDECIDED, Reason, RejectReason, State
from refunds.telling import coupons, legs, payout_words
from refunds.telling.destinations import destination_label, went
from terminals import orders

#: From where a request is sent in again, by another route if need be.
_RESUBMITTED = (State.NEEDS_INFO, State.FAILED, State.REJECTED)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of evidence."""

    url: str
    thumb_url: str
    name: str
    alt: str
    is_image: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegRow:
    """A part of a refund that goes back by several payments; ``give_up_url`` where a person may give it up."""

    sequence: int
    channel: str
    destination: str
    amount_fen: int
    state_label: str
    tone: str
    why: str
    refund_no: str
    coupon_fen: int
    order_url: str
    give_up_url: str
    move_url: str
    routes: Sequence[Choice]
    way: Way
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """``due_at`` is None once decided, ``trouble`` the payout that stands in the way; the page asks for news every
    ``ask_every_s`` seconds, 0 for never.
    """

    number: str
    url: str
    pane_url: str
    version: int
    stamp: str
    state: str
    state_label: Promise | str
    decision: str
    tier: int
    amount_fen: int
    requested_fen: int
    paid_fen: int
    channels: Sequence[str]
    channel_label: str
    destination_label: str
    payout_method: str
    coupon: str
    store_name: str
    terminal_code: str
    till_label: str
    reason_label: Promise | str
    reject_label: Promise | str
    message_to_customer: str
    customer_note: str
    due_at: datetime | None
    target_s: int
    paused: bool
    alerts: Sequence[str]
    viewers: Sequence[str]
    goods_summary: str
    requester_label: str
    source_label: str
    customer: Customer
    reveal_url: str
    revealed: Contact | None
    verdict: VerdictCard
    similar: Sequence[Similar]
    second: Second
    beside: Beside
    evidence: Sequence[Piece]
    evidence_seen_on: Sequence[str]
    lines: Sequence[Goods]
    goods_named: bool
    goods: GoodsCard
    sale: Sale
    steps: Sequence[Step]
    legs: Sequence[LegRow]
    executions: Sequence[Payout]
    trouble: Payout | None
    notifications: Sequence[Notice]
    timeline: Sequence[Line]
    is_settled: bool
    status_url: str
    ask_every_s: int
    actions: Offered

    @property
    def extent_label(self) -> str:
        if self.amount_fen == self.paid_fen:
            return gettext("Refund in full")
        return gettext("Refund in part, of %(paid)s paid") % {"paid": yuan_sign(self.paid_fen)}

    @property
    def suggested_fen(self) -> int:
        """What a reviewer begins with: what the customer agreed to, for nothing else is approved then; else the proposal of
        who looked at the goods; else what was asked for.
        """
        return self.agreed_fen or self.goods.proposed_fen or self.amount_fen

    @property
    def agreed_fen(self) -> int | None:
        """What the customer agreed to of this request; what is above it was of an earlier one."""
        agreed = self.beside.agreed_fen
        return agreed if agreed is not None and agreed <= self.requested_fen else None

    @property
    def due_label(self) -> str:
        return gettext("due %(time)s") % {"time": when_minute(self.due_at)}

    @property
    def due_typed(self) -> str:
        """As the browser's field for a day and time has it."""
        return f"{self.due_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if self.due_at else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogs:
    """What the decisions' forms offer; the server opens one of them, by name, and says in it what was wrong."""

    open: str
    error: str
    reject_reasons: Sequence[RejectReasonChoice]
    info_items: Sequence[Choice]
    routes: Sequence[Choice]
    way: Way
    assignees: Sequence[Choice]
    evidence_kinds: Sequence[Choice]
    ways_back: Sequence[Choice]
    goods_due: str
    offers: Sequence[Choice]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPage:
    """The whole refund, and the way back to the list it was opened from."""

    now: datetime
    refund: Refund
    back_url: str
    back_label: str
    position: Position | None
    return_to: str
    flow_url: str
    dialogs: Dialogs


@dataclass(frozen=True, slots=True)
class RefundPart:
    """What a fragment of the page needs."""

    now: datetime
    refund: Refund


def find(scope: Scope, number: str) -> RefundRequest:
    """The refund with what its page reads. Raises ``NotFound``, also for another merchant's or store's."""
    people_and_sale = (
        "store",
        "terminal",
        "policy_version",
        "staff",
        "api_key",
        "claimed_by",
        "pending_decision__staff",
        "transaction__terminal",
        "transaction__channel_account",
    )
    return existing(scope.requests().select_related(*people_and_sale).filter(number=number).first(), "refund request")


def find_typed(scope: Scope, text: str) -> RefundRequest:
    """As ``find``, by a number that somebody typed, in any spelling. Raises ``Invalid`` where there is none."""
    try:
        return find(scope, refund_number(text) or text)
    except NotFound as error:
        raise Invalid("no refund has this number", code="unknown_refund_number") from error


def refund(
    request: RefundRequest, *, scope: Scope, at: datetime, url: str = "", revealed: Contact | None = None
) -> Refund:
    """``request`` comes from ``find``; ``url`` is its page with the list it is opened from."""
    sale = request.transaction
    prefetch_related_objects([request], *goods_of.OF_REQUEST)
    executions = list(request.executions.select_related("channel_account").order_by("-created_at", "-pk"))
    approvals = list(request.approvals.select_related("staff").order_by("pk"))
    notifications = list(request.notifications.defer("recipient").order_by("-pk"))
    sold = list(sale.lines.order_by("position"))
    claimed = list(request.lines.order_by("pk"))
    returned = {line.line_id: line.quantity for line in claimed}
    paid_fen = sale.amount_fen
    if request.leg_count or not returned.keys() <= {line.pk for line in sold}:
        # Of the whole order, whichever payment named the article.
        siblings = orders.siblings(sale)
        paid_fen = sum(one.amount_fen for one in siblings)
        sold = orders.lines_of((one.pk, one.amount_fen, list(one.lines.all())) for one in siblings)
    payments = plans.payments_of([request]).get(request.pk, ())
    last = executions[0] if executions else None
    waited = payout_words.waits(request, now=at, payout=last)
    shown_payouts = [
        payouts.payout(execution, waited=waited if execution is last else None) for execution in executions
    ]
    payee = payees.of(request)
    actions = offered(request=request, by=scope.by, last=last, at=at, known=scope.known.get("undecidable", {}))
    known = request.customer_name or request.customer_phone or request.customer_email or payee
    handed = list(request.evidence.order_by("added_at", "pk"))
    return Refund(
        number=request.number,
        url=url or refund_url(request.number),
        pane_url=refund_url(request.number, "pane"),
        version=request.version,
        stamp=stamp(request),
        state=request.state,
        state_label=State(request.state).label,
        decision=request.verdict["decision"],
        tier=verdicts.tier_level(request),
        amount_fen=request.approved_fen or request.amount_fen,
        requested_fen=request.amount_fen,
        paid_fen=paid_fen,
        channels=legs.channels_of(request, payments),
        channel_label=legs.channels_label(request, payments),
        destination_label=legs.split_label(request)
        or destination_label(
            sale=sale,
            route=request.route,
            account_last4=payee.account_last4 if payee else "",
            went=went(request=request),
        ),
        payout_method=payouts.planned_method(request, at=at),
        coupon=coupons.both_figures_to_staff(request),
        store_name=request.store.name,
        terminal_code=request.terminal.code if request.terminal else "",
        till_label=till_label(request.terminal),
        reason_label=Reason(request.reason).label,
        reject_label=RejectReason(request.reject_reason).label if request.reject_reason else "",
        message_to_customer=request.message_to_customer,
        customer_note=request.description,
        due_at=request.due_at if request.state in UNDECIDED else None,
        target_s=target_s(request),
        paused=request.paused_at is not None and request.state in UNDECIDED,
        alerts=alerts(request, at=at),
        viewers=people.viewers(request_ids=[request.pk], but=scope.staff, at=at).get(request.pk, []),
        goods_summary=goods_summary(sold, returned),
        requester_label=requester_label(request),
        source_label=source_label(request),
        customer=customer(request, payee=payee),
        reveal_url=refund_url(request.number, "reveal") if known and scope.may(Act.REVEAL) else "",
        revealed=revealed,
        verdict=verdicts.shown(request, urls=evidence_urls(request)),
        similar=similar(request, scope=scope, skus=[line.sku for line in sold if line.pk in returned or not returned]),
        second=second(request, rows=approvals, scope=scope, may_approve=bool(actions.approve), at=at),
        beside=beside(request, scope=scope, at=at),
        evidence=pieces(request.number, handed),
        evidence_seen_on=repeats.on_another(
            handed, merchant_id=request.merchant_id, transaction_id=request.transaction_id, but=request.pk
        ),
        lines=goods_of_sale(request, sold, claimed),
        goods_named=bool(claimed),
        goods=goods_of.card(request, at=at),
        sale=sale_of(request, sale, claimed, scope=scope, at=at),
        steps=progress.steps(request, approvals=approvals, payout=last, waited=waited, at=at),
        legs=[_leg(one, request, by=scope.by, at=at) for one in legs.shown(request)],
        executions=shown_payouts,
        trouble=payouts.trouble(request, shown_payouts[0] if shown_payouts else None),
        notifications=[notice(notification) for notification in notifications],
        timeline=timeline(
            events=notes.told(queries.events_of(request.pk)), executions=executions, notifications=notifications
        ),
        is_settled=progress.is_settled(request),
        status_url=f"{refund_url(request.number, 'progress')}?stamp={stamp(request)}",
        ask_every_s=progress.ask_every_s(request),
        actions=actions,
    )


def _leg(shown: legs.ShownLeg, request: RefundRequest, *, by: Principal, at: datetime) -> LegRow:
    one, partly = shown.leg, request.state == State.PARTIALLY_REFUNDED
    is_stuck = one.is_barred or (one.has_failed and partly)
    allowed = is_stuck and conditions.may(Act.RETRY, by=by, request=request, at=at)
    return LegRow(
        sequence=one.leg.sequence,
        channel=one.leg.transaction.channel,
        destination=shown.destination,
        amount_fen=shown.amount_fen,
        state_label=shown.state_label,
        tone="ok" if one.is_paid else "bad" if one.has_failed else "info" if one.is_open else "",
        why=str(WHY[one.leg.why]),
        refund_no=one.attempts[-1].refund_no if one.attempts else "",
        coupon_fen=shown.coupon_fen,
        order_url=reverse("desk:transaction", args=[one.leg.transaction_id]),
        give_up_url=refund_url(request.number, "give-up-leg") if allowed else "",
        move_url=refund_url(request.number, "move-leg") if allowed and partly else "",
        routes=ways.options(merchant_id=request.merchant_id, at=at) if allowed and partly else (),
        way=Way(route=one.leg.route),
        prefix=f"leg-{one.leg.sequence}",
    )


def dialogs(found: RefundRequest, *, at: datetime, opened: str = "", error: str = "") -> Dialogs:
    """What the decisions' dialogs offer for a refund."""
    able = colleagues(request=found, at=at) if found.state in OPEN_FOR_REVIEW else ()
    offered_routes = ways.options(merchant_id=found.merchant_id, at=at) if found.state in _RESUBMITTED else []
    last = payout_words.newest(found) if found.state == State.FAILED else None
    begin = ways.that_can_work(
        route=found.route, failure_remedy=last.failure_remedy if last else "", offered=offered_routes
    )
    return Dialogs(
        ways_back=[Choice(way.value, str(way.label)) for way in ReturnWay],
        goods_due=goods_of.due_typed(found, at=at),
        offers=[Choice(kind.value, str(kind.label)) for kind in OfferKind],
        evidence_kinds=[Choice(kind.value, str(kind.label)) for kind in EvidenceKind],
        open=opened,
        error=error,
        reject_reasons=reject_reasons(language=found.customer_locale),
        info_items=info_items(),
        routes=offered_routes,
        way=Way(route=begin),
        assignees=[Choice(str(staff.pk), people.with_role(staff)) for staff in able],
    )


def pieces(number: str, evidence: Iterable[Evidence]) -> list[Piece]:
    """Pictures of a refund, as its pages show them."""
    return [_piece(number, piece) for piece in evidence]


def _piece(number: str, piece: Evidence) -> Piece:
    url = reverse("desk:evidence", args=[number, piece.pk])
    label = piece.get_kind_display()
    # Never the caption alone: who hears both would hear it twice.
    alt = f"{label}{colon()}{piece.note or number}"
    return Piece(url, f"{url}?size=small", label, alt, piece.content_type.startswith("image/"), piece.note)
