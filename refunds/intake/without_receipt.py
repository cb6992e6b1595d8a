"""A customer without a receipt, or a till that printed no slip: the sale is looked for by what is remembered, a person says which
it is, and where there is none a capped refund goes back without it. Each case has an owner and a time, and ends with its cause
and with what keeps it from happening again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, F, Q, QuerySet

from core.audit.record import record_of
from core.errors import Conflict, Invalid, NotFound
from core.personal_data import search_hash
from core.plain_text import one_line
from merchants import channels, rights
from merchants.principals import Principal
from merchants.rights import Act, Subject
from refunds import lifecycle
from refunds.facts import sums
from refunds.facts.vouching import SALE_FOUND
from refunds.intake import submitting
from refunds.intake.claims import Draft
from refunds.models import Execution, NoReceiptCase, RefundRequest
from refunds.models.hand_accounts import is_by_hand
from refunds.models.no_receipt import CaseKind, CaseState, Cause
from refunds.rules import candidates
from refunds.rules.candidates import NEAR_PERCENT, NEAR_TIME, Known, Score, Told
from refunds.states import PAID, RELEASED
from terminals.finding import check_two_facts, with_article
from terminals.models import CONFIRMING, REPORTED_KINDS, Transaction, TransactionKind
from terminals.reporting import store_named, terminal_named
from terminals.standing_in import stand_in

#: By then a case should be closed.
DUE_AFTER = timedelta(days=3)
#: So many candidates are shown, of so many looked at for each two facts.
SHOWN, _LOOKED_AT = 8, 40
#: A till or a way of payment with so many cases in that time has them again and again.
CHRONIC_COUNT, CHRONIC_DAYS = 3, timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sale that may be the one."""

    sale: Transaction
    score: Score


@dataclass(frozen=True, slots=True)
class Chronic:
    """Where receipts are missing again and again; ``third_party``: what its vendor or provider was asked, the newest first."""

    store: str
    terminal: str
    channel: str
    cases: int
    third_party: Sequence[str]


@transaction.atomic
def open_case(*, kind: str, told: Told, note: str, by: Principal, at: datetime) -> NoReceiptCase:
    """Open a case in ``told.store``. Raises ``Forbidden``, ``NotFound``, or ``Invalid`` for fewer than two facts."""
    rights.check_may(Act.FIND_WITHOUT_RECEIPT, by=by)
    if kind not in CaseKind.values:
        raise Invalid("no such kind of case", code="unknown_case_kind")
    if told.channel and told.channel not in channels.known():
        raise Invalid("no such way of payment", code="unknown_channel")
    check_two_facts(told.strong)
    store = store_named(told.store, by=by)
    case = NoReceiptCase.objects.create(
        merchant_id=by.acting_for,
        store=store,
        terminal=terminal_named(told.terminal, store=store),
        channel=told.channel,
        kind=kind,
        told=_as_json(told),
        note=one_line(note, limit=500),
        owner_id=by.staff_id,
        due_at=at + DUE_AFTER,
        opened_by=by.name[:80],
        opened_at=at,
    )
    _record(case, "open", by=by, at=at, kind=kind, facts=told.strong)
    return case


def find(*, case_id: int, by: Principal, lock: bool = False) -> NoReceiptCase:
    """The case. Raises ``Forbidden``, or ``NotFound``, also for another merchant's or store's."""
    rights.check_may(Act.FIND_WITHOUT_RECEIPT, by=by)
    rows = NoReceiptCase.objects.select_related("store", "terminal", "sale", "request", "owner")
    rows = rows.select_for_update(of=("self",)) if lock else rows
    case = rows.filter(pk=case_id, merchant_id=by.acting_for).first()
    if case is None or not by.works_in(case.store_id):
        raise NotFound("there is no such case")
    return case


def cases_of(*, by: Principal) -> QuerySet[NoReceiptCase]:
    """The cases that this principal may know of, the newest first."""
    rows = NoReceiptCase.objects.filter(merchant_id=by.acting_for).select_related("store", "terminal", "owner")
    return by.in_stores(rows).order_by("-opened_at", "-pk")


def candidates_of(case: NoReceiptCase, *, by: Principal) -> list[Candidate]:
    """The sales that fit best, the best first; each fits at least two of the facts that were told."""
    told = told_of(case)
    paid = Transaction.objects.filter(merchant_id=case.merchant_id, status="success", kind__in=REPORTED_KINDS)
    sales = by.in_stores(paid)
    conditions = _conditions(told)
    found: set[UUID] = set()
    # Two facts at a time: each pair has an index of its own, all of them together have none.
    for one, other in combinations(conditions.values(), 2):
        found.update(sales.filter(one, other).order_by("-paid_at").values_list("pk", flat=True)[:_LOOKED_AT])
    rows = Transaction.objects.filter(pk__in=found).select_related("store", "terminal").prefetch_related("lines")
    scored = [Candidate(sale, candidates.score(told, _known(sale, case))) for sale in rows.order_by("pk")]
    fitting = [one for one in scored if one.score.is_candidate]
    return sorted(fitting, key=lambda one: (-one.score.points, -one.sale.paid_at.timestamp()))[:SHOWN]


@transaction.atomic
def confirm(*, case_id: int, transaction_id: UUID, by: Principal, at: datetime) -> NoReceiptCase:
    """Say which of the candidates it is; the facts that fit are kept with who said so. Where a refund went out without the sale,
    it counts against it from now on. Raises ``Forbidden``, ``WrongState``, ``Invalid`` or ``OverRefund``.
    """
    case = find(case_id=case_id, by=by, lock=True)
    is_late = case.state == CaseState.FALLBACK
    _check(case, Act.SETTLE_WITHOUT_RECEIPT if is_late else Act.FIND_WITHOUT_RECEIPT, by)
    if case.state not in (CaseState.OPEN, CaseState.FALLBACK) or case.sale_id is not None:
        raise _over(case)
    chosen = next((one for one in candidates_of(case, by=by) if one.sale.pk == transaction_id), None)
    if chosen is None:
        raise Invalid("this sale does not fit two of the facts", code="no_candidate")
    if is_late:
        _count_against(case, chosen.sale, by=by, at=at)
    case.sale = chosen.sale
    case.state = case.state if is_late else CaseState.FOUND
    case.confirmed_by, case.confirmed_at, case.confirmed_facts = by.name[:80], at, list(chosen.score.reasons)
    case.save(update_fields=["sale", "state", "confirmed_by", "confirmed_at", "confirmed_facts"])
    _record(case, "confirm", by=by, at=at, sale=str(transaction_id), facts=chosen.score.reasons)
    return case


@transaction.atomic
def note_reprint(*, case_id: int, by: Principal, at: datetime) -> NoReceiptCase:
    """The slip was printed again: only of a payment that its channel has confirmed, or that needs no channel."""
    case = find(case_id=case_id, by=by, lock=True)
    _check(case, Act.FIND_WITHOUT_RECEIPT, by)
    if case.state != CaseState.FOUND or case.sale is None:
        raise _over(case)
    if case.sale.channel_account_id is not None and case.sale.payment_word not in CONFIRMING:
        raise Conflict("the channel has not confirmed the payment", code="reconcile_first")
    case.reprinted_by, case.reprinted_at = by.name[:80], at
    case.save(update_fields=["reprinted_by", "reprinted_at"])
    _record(case, "reprint", by=by, at=at, sale=str(case.sale_id))
    return case


@transaction.atomic
def refund_without_sale(*, case_id: int, draft: Draft, by: Principal, at: datetime) -> RefundRequest:
    """Ask for a refund though nobody found the sale: at most what the policy says, paid by hand, decided by a person. ``draft``
    says all but the sale. Raises ``WrongState``, ``Invalid``, or what ``submit`` raises.
    """
    case = find(case_id=case_id, by=by, lock=True)
    _check(case, Act.FIND_WITHOUT_RECEIPT, by)
    if case.state != CaseState.OPEN:
        raise _over(case)
    if not is_by_hand(draft.route):
        raise Conflict("without its sale nothing goes back the way it came", code="original_route_impossible")
    told = told_of(case)
    paid_at = min(at, told.since or (told.until - NEAR_TIME if told.until else at))
    sale = stand_in(
        kind=TransactionKind.NO_RECEIPT,
        number=str(case),
        store_id=case.store_id,
        terminal=case.terminal,
        channel=case.channel or "cash",
        amount_fen=draft.amount_fen,
        paid_at=paid_at,
        by=by,
        at=at,
    )
    draft = replace(draft, transaction_id=sale.pk, order_no="", store="", lines=(), stands_in=True)
    case.request = submitting.submit(draft=draft, by=by, at=at).request
    case.state = CaseState.FALLBACK
    case.save(update_fields=["request", "state"])
    _record(case, "fallback", by=by, at=at, amount_fen=draft.amount_fen, refund=case.request.number)
    return case.request


@transaction.atomic
def close(
    *, case_id: int, cause: str, prevention: str, third_party: str = "", by: Principal, at: datetime
) -> NoReceiptCase:
    """End it, with why it happened and what keeps it from happening again. What was asked for without a sale ends first."""
    case = find(case_id=case_id, by=by, lock=True)
    _check(case, Act.SETTLE_WITHOUT_RECEIPT, by)
    if case.state == CaseState.CLOSED:
        raise _over(case)
    if cause not in Cause.values or not prevention.strip():
        raise Invalid("a case closes with its cause and what prevents it", code="cause_required")
    if case.request is not None and case.request.state not in (*PAID, *RELEASED):
        raise Conflict("its refund is not at its end", code="refund_open", number=case.request.number)
    case.state, case.cause, case.prevention = CaseState.CLOSED, cause, one_line(prevention, limit=500)
    case.third_party, case.closed_by, case.closed_at = one_line(third_party, limit=500), by.name[:80], at
    case.save(update_fields=["state", "cause", "prevention", "third_party", "closed_by", "closed_at"])
    _record(case, "close", by=by, at=at, cause=cause)
    return case


def chronic(*, by: Principal, at: datetime) -> list[Chronic]:
    """Tills and ways of payment whose receipts are missing again and again, the worst first."""
    rights.check_may(Act.SEE_ANALYTICS, by=by)
    since = cases_of(by=by).filter(opened_at__gte=at - CHRONIC_DAYS).order_by()
    found = []
    for names in (("store__name", "terminal__code"), ("channel",)):
        last = since.filter(**{f"{names[-1]}__isnull": False}).exclude(**{names[-1]: ""})
        many = last.values(*names).annotate(cases=Count("pk")).filter(cases__gte=CHRONIC_COUNT)
        for group in many.order_by("-cases", *names):
            cases = group.pop("cases")
            said = last.filter(**group).exclude(third_party="").order_by("-opened_at")
            place = (group.get("store__name", ""), group.get("terminal__code", ""), group.get("channel", ""))
            found.append(Chronic(*place, cases, list(said.values_list("third_party", flat=True)[:3])))
    return found


def told_of(case: NoReceiptCase) -> Told:
    """What was told; of the phone only that its end was."""
    said: dict[str, Any] = dict(case.told)
    for name in ("since", "until"):
        if said.get(name):
            said[name] = datetime.fromisoformat(said[name])
    return Told(**said)


def _as_json(told: Told) -> Mapping[str, Any]:
    said = {name: value for name, value in asdict(told).items() if value}
    for name in ("since", "until"):
        if name in said:
            said[name] = said[name].isoformat()
    if told.phone_last4:
        said["phone_last4"] = search_hash("phone_last4", told.phone_last4).hex()
    return said


def _conditions(told: Told) -> dict[str, Q]:
    """How sales are looked for by each fact, the near ones as well."""
    found: dict[str, Q] = {}
    if told.amount_fen:
        off = told.amount_fen * NEAR_PERCENT // 100
        found["amount"] = Q(amount_fen__gte=told.amount_fen - off, amount_fen__lte=told.amount_fen + off)
    if told.since or told.until:
        found["time"] = Q(paid_at__gte=told.since - NEAR_TIME) if told.since else Q()
        found["time"] &= Q(paid_at__lt=told.until + NEAR_TIME) if told.until else Q()
    if told.card_last4:
        found["card"] = Q(card_last4=told.card_last4)
    if told.phone_last4:
        found["phone"] = Q(payer_phone_last4_hash=bytes.fromhex(told.phone_last4))
    if told.sku:
        found["article"] = Q(with_article(told.sku))
    return found


def _known(sale: Transaction, case: NoReceiptCase) -> Known:
    phone = sale.payer_phone_last4_hash
    return Known(
        amount_fen=sale.amount_fen,
        paid_at=sale.paid_at,
        card_last4=sale.card_last4,
        phone_fits=phone is not None and bytes(phone).hex() == case.told.get("phone_last4"),
        skus={line.sku for line in sale.lines.all()},
        store=sale.store.code,
        terminal=sale.terminal.code if sale.terminal else "",
        channel=sale.channel,
    )


def _count_against(case: NoReceiptCase, sale: Transaction, *, by: Principal, at: datetime) -> None:
    """Carry the refund that went out without its sale over to the sale that was found, under its CHECK."""
    assert case.request_id is not None
    request = lifecycle.lock_requests([case.request_id])[case.request_id]
    if sale.store_id != request.store_id:
        raise Conflict("the sale is another store's", code="other_stores_sale")
    held = (request.reserved_fen, request.refunded_fen, int(request.reserved_fen > 0))
    with connection.cursor() as cursor:
        lifecycle.lock_sales(cursor, [request.transaction_id, sale.pk])
    if held[2]:
        sums.make_room(transaction_id=sale.pk, limit=None)
    try:
        with transaction.atomic():
            for pk, sign in ((request.transaction_id, -1), (sale.pk, 1)):
                Transaction.objects.filter(pk=pk).update(
                    reserved_fen=F("reserved_fen") + sign * held[0],
                    refunded_fen=F("refunded_fen") + sign * held[1],
                    live_refunds=F("live_refunds") + sign * held[2],
                )
    except IntegrityError as error:
        raise lifecycle.over_refund(error) from error
    # What was approved for the stand-in is paid for the sale.
    lifecycle.record_act(request, SALE_FOUND, by=by.actor, at=at, data={"sale": str(sale.pk)})
    Execution.objects.filter(request_id=request.pk).update(transaction_id=sale.pk)
    RefundRequest.objects.filter(pk=request.pk).update(
        transaction_id=sale.pk, terminal_id=sale.terminal_id, channel=sale.channel
    )


def _check(case: NoReceiptCase, act: Act, by: Principal) -> None:
    rights.check_may(act, by=by, subject=Subject(merchant_id=case.merchant_id, store_id=case.store_id))


def _over(case: NoReceiptCase) -> Conflict:
    return Conflict(f"the case is {case.state}", code="case_state")


def _record(case: NoReceiptCase, action: str, *, by: Principal, at: datetime, **data: object) -> None:
    record_of(case, by=by.actor, action=f"no_receipt.{action}", at=at, data=data)
