"""Goods that come back for a request: what is known of them, and the row that every stage opens in the same way."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from core.calendar import DayKind
from core.errors import Conflict
from core.quantities import Quantity
from merchants import hours, policies
from merchants.models import CalendarDay, Store
from refunds.models import ExchangeOffer, GoodsReturn, GoodsReturnLine, RefundRequest
from refunds.models.goods_return import HERE, OPEN, ReturnState
from refunds.rules import clocks, facts, goods, policy
from refunds.rules.goods import Condition, Disposition
from terminals.models import TransactionLine

#: Pieces of a line (None: of all that the request is about).
Pieces = tuple[int | None, Quantity]


class TooManyPieces(Conflict):
    """With these, more pieces of an article would have come back than were bought."""

    code = "exceeds_quantity"


def latest(request: RefundRequest) -> GoodsReturn | None:
    """The newest return of a request, of the rows that were fetched with it."""
    return max(request.goods_returns.all(), key=lambda row: row.pk, default=None)


def open_return(request: RefundRequest) -> GoodsReturn | None:
    """The return that is still awaited or uninspected."""
    return next((row for row in request.goods_returns.all() if row.state in OPEN), None)


def open_offer(request: RefundRequest) -> ExchangeOffer | None:
    """The exchange or second delivery that the customer has not answered."""
    return next((row for row in request.offers.all() if not row.answer), None)


def known(request: RefundRequest) -> dict[str, Any]:
    """What of the facts is about goods: nothing before somebody has seen them, or given them up."""
    last = latest(request)
    if last is None:
        return {}
    if last.state == ReturnState.INSPECTED:
        conditions = last.lines.order_by().values_list("condition", flat=True)
        found = goods.found(conditions, is_less=last.proposed_fen is not None, by_policy=last.by_policy)
        return {"goods_received": True, "goods_found": found}
    given_up = {ReturnState.NOT_COME: goods.NOT_COME, ReturnState.CALLED_OFF: goods.NOT_NEEDED}
    return {"goods_found": given_up[ReturnState(last.state)]} if last.state in given_up else {}


def expect(
    request: RefundRequest,
    *,
    at: datetime,
    due_at: datetime | None = None,
    pieces: Sequence[Pieces] = (),
    **fields: Any,
) -> GoodsReturn:
    """Open a return of these pieces, by default of all that the request names, until ``due_at``, by default as long as the policy
    gives. The caller holds the request. Raises ``TooManyPieces``.
    """
    wanted = list(pieces) or [*request.lines.order_by("pk").values_list("line_id", "quantity")]
    check_pieces(request, wanted)
    if due_at is None:
        due_at = at + timedelta(days=policies.rules_of(request.policy_version_id).goods_days)
    row = GoodsReturn.objects.create(
        **{"request": request, "store_id": request.store_id, "asked_at": at, "due_at": due_at, **fields}
    )
    GoodsReturnLine.objects.bulk_create(
        GoodsReturnLine(goods_return=row, line_id=line_id, quantity=quantity)
        for line_id, quantity in wanted or [(None, Decimal(1))]
    )
    return row


def check_pieces(request: RefundRequest, wanted: Iterable[Pieces]) -> None:
    """Raise ``TooManyPieces`` where more would have come back of a line than was bought. The line is locked by its sale."""
    for line_id, quantity in wanted:
        if line_id is None:
            continue
        line = TransactionLine.objects.select_for_update(of=("self",)).get(pk=line_id)
        others = GoodsReturnLine.objects.filter(line_id=line_id, goods_return__state__in=(*OPEN, *HERE))
        others = others.exclude(condition=Condition.MISSING).exclude(disposition=Disposition.HAND_BACK)
        before = others.aggregate(all=Sum("quantity"))["all"] or 0
        if before + quantity > line.quantity:
            raise TooManyPieces("more pieces of an article would come back than were bought")


def clock_again(request: RefundRequest, *, at: datetime) -> datetime:
    """When an answer is owed once the clock of a request goes on that stood while goods were awaited."""
    if request.paused_at is None:
        return request.due_at
    store = Store.objects.get(pk=request.store_id)
    opening_hours = None if _is_simple(request) else hours.read_hours(store.hours)
    days = CalendarDay.objects.filter(merchant_id=request.merchant_id).values_list("date", "kind")
    kinds = {date: DayKind(kind) for date, kind in days}

    def opening(since: datetime, lasting: timedelta) -> tuple[int, ...]:
        return opening_hours.opening(since=since, lasting=lasting, kinds=kinds) if opening_hours else ()

    return clocks.resumed(paused_at=request.paused_at, due_at=request.due_at, at=at, opening=opening)


def _is_simple(request: RefundRequest) -> bool:
    last = request.judgements.order_by("-sequence").first()
    kept = facts.from_text(last.facts) if last else None
    return bool(last and kept and policy.is_simple(facts=kept, rules=policies.rules_of(last.policy_version_id)))
