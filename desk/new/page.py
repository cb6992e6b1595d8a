"""What the page of a new refund shows: the sale, the form as typed, the policy's answer to it."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language, gettext

from core.quantities import Quantity
from desk import progress, rows, verdicts, ways
from desk.access import Scope
from desk.filters import Choice
from desk.new.finding import Wanted, wanted
from desk.new.form import Typed
from desk.rows import EqualSale, SaleRow
from desk.verdicts import Rule
from merchants import channels, policies
from merchants.policies import guides
from refunds.facts import shares, sums
from refunds.intake.claims import Draft
from refunds.models.evidence import EvidenceKind
from refunds.rules import in_words, worth
from refunds.rules.arrival import expected_arrival
from refunds.rules.deposits import Cause
from refunds.rules.plan import WHY, PlannedLeg
from refunds.rules.policy import KIND_OF_REASON, Verdict
from refunds.states import Reason
from refunds.telling import coupons
from refunds.telling.destinations import destination_label
from terminals import orders
from terminals.models import Deposit, Transaction, TransactionLine, TransactionStatus


@dataclass(frozen=True, slots=True)
class LineRow:
    """``typed`` is the quantity in the form; ``step`` what it may change by. Discounts and rounding cannot come back."""

    line: TransactionLine
    comes_back: bool
    refundable_quantity: Quantity
    typed: str
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleCard:
    row: SaleRow
    channel_label: str
    window_label: str
    lines: Sequence[LineRow]
    order_has_refunds: bool
    equal: Sequence[EqualSale]
    deposit: Deposit | None
    others: Sequence[SaleRow]


@dataclass(frozen=True, slots=True)
class QuotedLeg:
    """A part of a refund that goes back by several payments."""

    channel: str
    destination: str
    amount_fen: int
    coupon_fen: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The policy's answer; ``why``: what speaks most against it ("": nothing)."""

    decision_label: str
    why: str
    tone: str
    amount_fen: int
    coupon: str
    route_label: str
    arrival_label: str
    tier_label: str
    legs: Sequence[QuotedLeg]
    rules: Sequence[Rule]
    ask_url: str
    evidence: str = ""

    @property
    def not_passed(self) -> int:
        return sum(rule.outcome in ("fail", "flag") for rule in self.rules)


@dataclass(frozen=True, slots=True)
class QuotePart:
    """The policy's answer, or why there is none; neither while nothing was chosen. ``guide``: what to do for such a reason."""

    quote: Quote | None = None
    quote_error: str = ""
    guide: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPage:
    """Without a ``sale`` it is still to be found among the ``candidates``. ``papers`` are the kinds of evidence beside photos."""

    wanted: Wanted
    searched: bool
    find_error: str
    candidates: Sequence[SaleRow]
    sale: SaleCard | None
    form: Typed
    error: str
    reasons: Sequence[Choice]
    routes: Sequence[Choice]
    papers: Sequence[Choice]
    causes: Sequence[Choice]
    quote: Quote | None
    quote_error: str = ""
    guide: str
    guide_without_receipt: str
    idempotency_key: str


def new_page(
    *,
    request: HttpRequest,
    scope: Scope,
    sale: Transaction | None,
    at: datetime,
    candidates: Sequence[Transaction] = (),
    find_error: str = "",
    form: Typed,
    quote: Quote | None = None,
    error: str = "",
) -> NewPage:
    typed = wanted(request.GET)
    return NewPage(
        wanted=typed,
        searched=typed.anything,
        find_error=find_error,
        candidates=rows.sales(candidates),
        sale=_card(sale, form, at, scope) if sale else None,
        form=form,
        error=error,
        reasons=[Choice(item.value, str(item.label)) for item in Reason],
        routes=ways.options(merchant_id=scope.staff.merchant_id, at=at),
        papers=[Choice(kind.value, str(kind.label)) for kind in EvidenceKind if kind != EvidenceKind.PHOTO],
        causes=[Choice(cause.value, str(cause.label)) for cause in Cause],
        quote=quote,
        guide=guide_for(KIND_OF_REASON.get(form.reason, ""), scope=scope, at=at),
        guide_without_receipt="" if sale else guide_for("no_receipt", scope=scope, at=at),
        idempotency_key=request.POST.get("idempotency_key", "")[:64] or secrets.token_urlsafe(24),
    )


def guide_for(kind: str, *, scope: Scope, at: datetime) -> str:
    """What staff do step by step for a kind of refund, by the policy in force; "" where it says nothing."""
    if not kind:
        return ""
    version = policies.in_force(merchant_id=scope.staff.merchant_id, at=at)
    return guides.text_of(version.guides, kind, language=get_language() or "")


def quote_of(draft: Draft, verdict: Verdict, sale: Transaction, at: datetime, legs: Sequence[PlannedLeg] = ()) -> Quote:
    decision = verdict.decision.value
    arrival = expected_arrival(funding=sale.funding, profile=sale.profile, at=at, route=draft.route)
    sales = Transaction.objects.in_bulk({leg.transaction_id for leg in legs} - {sale.pk}) | {sale.pk: sale}
    payer_fen = shares.payer_shares([(leg, sales[leg.transaction_id]) for leg in legs])
    judged = verdict.as_json()
    return Quote(
        decision_label={
            "approve": gettext("Paid at once, without a person"),
            "review": gettext("A reviewer decides"),
            "refuse": gettext("Cannot be refunded like this"),
        }[decision],
        why=verdicts.gravest(judged["rules"]),
        tone=verdicts.tone(decision),
        amount_fen=draft.amount_fen,
        coupon=coupons.to_staff((leg.route, leg.amount_fen, payer_fen[leg.sequence]) for leg in legs),
        route_label=destination_label(sale=sale, route=draft.route),
        arrival_label=progress.arrival_label(arrival),
        tier_label=in_words.tier_label(verdict.tier) if decision == "review" else "",
        legs=_quoted(legs, sales, payer_fen) if len(legs) > 1 else (),
        rules=verdicts.lines(judged["rules"]),
        ask_url=(
            reverse("desk:transaction", args=[sale.pk]) + "#payment-check"
            if sale.status != TransactionStatus.SUCCESS and sale.channel_account_id is not None
            else ""
        ),
        evidence=gettext(", ").join(str(EvidenceKind(kind).label) for kind in verdict.evidence),
    )


def _quoted(
    legs: Sequence[PlannedLeg], sales: Mapping[UUID, Transaction], payer_fen: Mapping[int, int]
) -> list[QuotedLeg]:
    return [
        QuotedLeg(
            channel=sales[leg.transaction_id].channel,
            destination=destination_label(sale=sales[leg.transaction_id], route=leg.route),
            amount_fen=leg.amount_fen,
            coupon_fen=leg.amount_fen - payer_fen[leg.sequence],
            why=str(WHY[leg.why]),
        )
        for leg in legs
    ]


def _card(sale: Transaction, form: Typed, at: datetime, scope: Scope) -> SaleCard:
    payments = orders.siblings(sale)
    window = sale.profile.window_days if sale.channel_account else None
    text = gettext("day %(day)s of %(window)s") if window else gettext("day %(day)s")
    return SaleCard(
        row=rows.sale(sale),
        channel_label=channels.label(sale.channel),
        window_label=text % {"day": max(0, (at - sale.paid_at).days), "window": window},
        lines=[
            LineRow(
                line,
                worth.can_come_back(line),
                line.quantity - line.reserved_quantity,
                form.pieces.get(line.pk, "0"),
                "1" if line.quantity == int(line.quantity) else "0.001",
            )
            for line in worth.with_worth_of(payments)
        ],
        equal=rows.equal_sales(sale, scope=scope, at=at),
        deposit=Deposit.objects.filter(pk=sale.pk).first(),
        order_has_refunds=sums.held(transaction_id=sale.pk).order_fen > 0,
        others=rows.sales([one for one in payments if one.pk != sale.pk]),
    )
