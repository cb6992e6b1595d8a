"""Cases without a receipt: the list with its form, and one case with what can be done about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext

from desk import ways
from desk.access import Scope
from desk.addresses import refund as refund_url
from desk.filters import Choice
from desk.templatetags.desk_format import when_minute, yuan_sign
from desk.ways import Way
from merchants import channels, policies
from merchants.rights import Act
from refunds.intake import without_receipt
from refunds.intake.without_receipt import Chronic
from refunds.models import NoReceiptCase, RefundRequest
from refunds.models.no_receipt import CaseKind, CaseState, Cause
from refunds.rules.candidates import WEIGHTS
from refunds.states import BY_HAND, Reason, State
from terminals.models import CONFIRMING, PaymentWord, Terminal, Transaction

_SHOWN = 100
#: How a sale may have been paid, as tills report it.
PAID_BY = ("wechat", "alipay", "unionpay", "cash")


@dataclass(frozen=True, slots=True)
class Row:
    case: NoReceiptCase
    url: str
    terminal: str
    owner: str
    late: bool
    refund: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CasesPage:
    """``typed`` is what the form had, empty at first. Who may not see figures sees nothing ``chronic``."""

    rows: Sequence[Row]
    chronic: Sequence[Chronic]
    kinds: Sequence[Choice]
    stores: Sequence[Choice]
    terminals: Sequence[str]
    channels: Sequence[Choice]
    typed: Mapping[str, str]
    form_error: str


@dataclass(frozen=True, slots=True)
class Fit:
    """A candidate: ``reasons`` in words."""

    sale: Transaction
    terminal: str
    url: str
    points: int
    reasons: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePage:
    """An empty address hides its form. ``refund`` is the one without a sale, ``refunds`` are those of the sale that was found."""

    case: NoReceiptCase
    number: str
    owner: str
    late: bool
    told: Sequence[tuple[str, str]]
    fits: Sequence[Fit]
    confirmed: Sequence[str]
    sale_url: str
    new_url: str
    payment: str
    is_confirmed: bool
    refund: Choice | None
    refunds: Sequence[Choice]
    limit_fen: int
    reasons: Sequence[Choice]
    routes: Sequence[Choice]
    way: Way
    causes: Sequence[Choice]
    confirm_url: str
    ask_url: str
    reprint_url: str
    refund_url: str
    close_url: str
    form_error: str


def cases_page(*, scope: Scope, at: datetime, typed: Mapping[str, str], form_error: str) -> CasesPage:
    rows = without_receipt.cases_of(by=scope.by).select_related("request")[:_SHOWN]
    stores = list(scope.stores())
    tills = Terminal.objects.filter(store__in=stores).order_by("code").values_list("code", flat=True)
    return CasesPage(
        rows=[
            Row(
                case,
                reverse("desk:no-receipt-case", args=[case.pk]),
                case.terminal.code if case.terminal else "",
                _owner(case),
                case.state != CaseState.CLOSED and case.due_at < at,
                case.request.number if case.request else "",
            )
            for case in rows
        ],
        chronic=without_receipt.chronic(by=scope.by, at=at) if scope.may(Act.SEE_ANALYTICS) else [],
        kinds=[Choice(kind.value, str(kind.label)) for kind in CaseKind],
        stores=[Choice(store.code, store.name) for store in stores],
        terminals=sorted(set(tills)),
        channels=[Choice(code, channels.label(code)) for code in PAID_BY],
        typed=typed,
        form_error=form_error,
    )


def case_page(case: NoReceiptCase, *, scope: Scope, at: datetime, form_error: str = "") -> CasePage:
    """``case`` comes from ``without_receipt.find``."""
    late_link = case.state == CaseState.FALLBACK and case.sale_id is None
    settles = scope.may(Act.SETTLE_WITHOUT_RECEIPT)
    looks = case.state == CaseState.OPEN or (late_link and settles)
    rules = policies.rules_in_force(merchant_id=case.merchant_id, at=at)
    sale = case.sale
    refunds = RefundRequest.objects.filter(transaction=sale).order_by("-pk")[:5] if sale else ()
    found = case.state == CaseState.FOUND and sale is not None

    def act(name: str, *, allowed: bool) -> str:
        return reverse(f"desk:no-receipt-{name}", args=[case.pk]) if allowed else ""

    return CasePage(
        case=case,
        number=str(case),
        owner=_owner(case),
        late=case.state != CaseState.CLOSED and case.due_at < at,
        told=_told(case),
        fits=[
            Fit(
                one.sale,
                one.sale.terminal.code if one.sale.terminal else "",
                reverse("desk:transaction", args=[one.sale.pk]),
                one.score.points,
                [str(WEIGHTS[name][1]) for name in one.score.reasons],
            )
            for one in (without_receipt.candidates_of(case, by=scope.by) if looks else ())
        ],
        confirmed=[str(WEIGHTS[name][1]) for name in case.confirmed_facts],
        sale_url=reverse("desk:transaction", args=[sale.pk]) if sale else "",
        new_url=f"{reverse('desk:new')}?sale={sale.pk}" if found and sale and sale.refundable_fen else "",
        payment=str(PaymentWord(sale.payment_word).label) if sale and sale.payment_word else "",
        is_confirmed=sale is not None and (sale.channel_account_id is None or sale.payment_word in CONFIRMING),
        refund=_link(case.request) if case.request else None,
        refunds=[_link(request) for request in refunds if request.pk != case.request_id],
        limit_fen=rules.no_receipt_limit_fen,
        reasons=[Choice(item.value, str(item.label)) for item in Reason if item != Reason.DEPOSIT],
        routes=[one for one in ways.options(merchant_id=case.merchant_id, at=at) if one.value in BY_HAND],
        way=Way(route=""),
        causes=[Choice(one.value, str(one.label)) for one in Cause],
        confirm_url=act("confirm", allowed=looks),
        ask_url=act("ask", allowed=found and sale is not None and sale.channel_account_id is not None),
        reprint_url=act("reprint", allowed=found and case.reprinted_at is None),
        refund_url=act("refund", allowed=case.state == CaseState.OPEN),
        close_url=act("close", allowed=settles and case.state != CaseState.CLOSED),
        form_error=form_error,
    )


def _owner(case: NoReceiptCase) -> str:
    return case.owner.name if case.owner else case.opened_by


def _link(request: RefundRequest) -> Choice:
    return Choice(refund_url(request.number), f"{request.number} · {State(request.state).label}")


def _told(case: NoReceiptCase) -> list[tuple[str, str]]:
    """What was told, in words; of the phone only that its end was."""
    told = without_receipt.told_of(case)
    channel = channels.label(told.channel) if told.channel else ""
    said = [
        (gettext("Amount"), yuan_sign(told.amount_fen) if told.amount_fen else ""),
        (gettext("Paid from"), when_minute(told.since) if told.since else ""),
        (gettext("Paid until"), when_minute(told.until) if told.until else ""),
        (gettext("Card"), f"**** {told.card_last4}" if told.card_last4 else ""),
        (gettext("Phone"), gettext("its end was named") if told.phone_last4 else ""),
        (gettext("Article"), told.sku),
        (gettext("Till"), told.terminal),
        (gettext("Paid with"), channel),
    ]
    return [(label, text) for label, text in said if text]
