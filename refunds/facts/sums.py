"""What refunds come to together: of an order, a customer, a cashier, an API key and a day (docs/adr/0028).

Two kinds of sums. What was **approved without a person** is counted in ``RunningSum`` rows, which only grow
(``refunds.intake.counters``). What a sale **holds at this moment** (its reserved amount, its number of refunds, what goes back
on a route where a person pays) is read here, under the sale's lock.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from django.db import connection
from django.db.models import Q

from core.calendar import SHANGHAI
from core.errors import Conflict
from merchants import policies
from merchants.policies.rules import Tier
from refunds.models import Approval, RefundRequest, RunningSum
from refunds.models.approval import Decision
from refunds.models.hand_accounts import is_by_hand
from refunds.states import Route
from terminals.models import Transaction
from terminals.orders import ORDER_DATE


class CapReached(Conflict, code="route_limit"):
    """A limit on the sale, in force at this moment, stands against it; ``code`` is the rule's."""


# --- names of counters ------------------------------------------------------------------------------------------------


class Paid(Protocol):
    """What a sale says of who paid it, however it was read."""

    @property
    def channel(self) -> str: ...
    @property
    def card_last4(self) -> str: ...
    @property
    def payer_phone_hash(self) -> bytes | memoryview | None: ...


def day_of(at: datetime) -> date:
    """The calendar day in China, on which limits of a day begin anew."""
    return at.astimezone(SHANGHAI).date()


def key_of(merchant_id: int, kind: str, day: date, who: str) -> str:
    """The key of a ``RunningSum``; the days of one are neighbours."""
    return f"{merchant_id} {kind} {who} {day.isoformat()}"


def customers_of(sale: Paid, phone_hash: bytes | memoryview | None) -> set[str]:
    """A refund's customers: the payer's phone and the one typed in, or else the card's end. Strangers never count together."""
    found = {bytes(value).hex() for value in (sale.payer_phone_hash, phone_hash) if value}
    if not sale.payer_phone_hash and sale.card_last4:
        found.add(f"{sale.channel} {sale.card_last4}")
    return found


#: ``refunds.intake.counters.parties_of`` says the key of an order; this is it in SQL.
_CLOSE = f"""
INSERT INTO refunds_runningsum AS s (key, merchant_id, kind, day, count, fen, asked_fen, closed)
SELECT DISTINCT t.merchant_id || ' order ' || t.store_id || ' ' || t.order_no || ' '
                || to_char({ORDER_DATE.format("t")}, 'YYYY-MM-DD') AS key,
       t.merchant_id, 'order', {ORDER_DATE.format("t")}, 0, 0, 0, true
  FROM terminals_transaction t JOIN refunds_refundrequest r ON r.transaction_id = t.id
 WHERE r.id = ANY(%s::uuid[]) ORDER BY key
    ON CONFLICT (key) DO UPDATE SET closed = true
"""  # noqa: S608 - our own text


def close_orders(request_ids: Collection[UUID]) -> None:
    """After a rejection nothing of the order is approved by rule any more. The caller holds the sales."""
    if not request_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, [list(request_ids)])


_EXCHANGED = f"""
INSERT INTO refunds_runningsum AS s (key, merchant_id, kind, day, count, fen, asked_fen, closed)
SELECT t.merchant_id || ' order ' || t.store_id || ' ' || t.order_no || ' '
       || to_char({ORDER_DATE.format("t")}, 'YYYY-MM-DD'),
       t.merchant_id, 'order', {ORDER_DATE.format("t")}, 0, 0, r.amount_fen, false
  FROM terminals_transaction t JOIN refunds_refundrequest r ON r.transaction_id = t.id
 WHERE r.id = %s
    ON CONFLICT (key) DO UPDATE SET asked_fen = s.asked_fen + excluded.asked_fen
"""  # noqa: S608 - our own text


def note_exchange(request_id: UUID) -> None:
    """Keep with its order that the customer has something else for what they asked: who asks for its money again is looked at,
    though the refund holds nothing of the sale any more. The caller holds the request.
    """
    with connection.cursor() as cursor:
        cursor.execute(_EXCHANGED, [request_id])


def was_rejected(transaction_id: UUID) -> bool:
    """Whether a person ever rejected a refund of this sale, under whatever number it had then."""
    of_sale = Q(request__transaction_id=transaction_id) | Q(request__legs__transaction_id=transaction_id)
    return Approval.objects.filter(of_sale, decision=Decision.REJECT).exists()


# --- what a sale holds at this moment -----------------------------------------------------------------------------------

#: The payments ``o`` of the order of sale ``t``: same number, store and day.
ORDER = f"""
  FROM terminals_transaction t JOIN terminals_transaction o
    ON o.merchant_id = t.merchant_id AND o.order_no = t.order_no AND o.store_id = t.store_id
   AND {ORDER_DATE.format("o")} = {ORDER_DATE.format("t")}
"""
_HELD = f"SELECT o.id, o.reserved_fen, o.live_refunds {ORDER} WHERE t.id = %s ORDER BY o.id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the request's sale and its whole order hold of refunds that were not released, the request itself included."""

    order_fen: int
    live_refunds: int


def held(*, transaction_id: UUID, lock: bool = False) -> Held:
    """With ``lock`` nothing of the order changes until the caller's transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_HELD} FOR UPDATE OF o" if lock else _HELD, [transaction_id])
        rows = cursor.fetchall()
    return Held(
        order_fen=sum(reserved for _, reserved, _ in rows),
        live_refunds=next(live for pk, _, live in rows if pk == transaction_id),
    )


_ON_ROUTE = f"""
SELECT coalesce(sum(x.reserved_fen), 0)::bigint
  FROM (SELECT o.id {ORDER} WHERE t.id = %(sale)s) o
  JOIN (SELECT transaction_id, id AS request_id, route, reserved_fen FROM refunds_refundrequest WHERE leg_count = 0
        UNION ALL SELECT transaction_id, request_id, route, reserved_fen FROM refunds_leg) x ON x.transaction_id = o.id
 WHERE x.route = %(route)s AND x.request_id IS DISTINCT FROM %(but)s
"""  # noqa: S608 - our own text


def on_route_fen(*, transaction_id: UUID, route: str, but: UUID | None = None) -> int:
    """What other refunds of the sale's order take on a route where a person pays; asked for nowhere else."""
    if not is_by_hand(route):
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_ON_ROUTE, {"sale": transaction_id, "route": route, "but": but})
        (fen,) = cursor.fetchone()
        return int(fen)


def check_route_cap(
    *, transaction_id: UUID, route: str, amount_fen: int, limit_fen: int | None, but: UUID | None = None
) -> None:
    """Raise ``CapReached`` where a route on which a person pays would give more of an order than ``limit_fen``. The caller holds
    the order.
    """
    if limit_fen is None or amount_fen <= 0:
        return
    if on_route_fen(transaction_id=transaction_id, route=route, but=but) + amount_fen > limit_fen:
        raise CapReached("this is above what the route takes of one sale", code="route_limit")


def deciding_fen(*, request: RefundRequest, amount_fen: int, lock: bool = False) -> int:
    """The amount whose tier decides: the order's with this one, or all that its customer asked for on that day.

    With ``lock`` the order's sales are held until the transaction ends, so that two approvals do not pass each other by.
    """
    order_fen = held(transaction_id=request.transaction_id, lock=lock).order_fen
    return amount_fen + _others_fen([request], {request.transaction_id: order_fen})[request.pk]


def tiers_for(*, request: RefundRequest, sum_fen: int, at: datetime) -> tuple[Tier, ...]:
    """The tiers of its store that decide over ``deciding_fen``, by the limits in force now: one, and the next as well where its
    time ran out.
    """
    return tiers_in_force(merchant_id=request.merchant_id, at=at)(request, sum_fen)


def tiers_in_force(*, merchant_id: int, at: datetime) -> Callable[[RefundRequest, int], tuple[Tier, ...]]:
    """The same for any of a merchant's requests."""
    rules = policies.rules_in_force(merchant_id=merchant_id, at=at)
    codes = policies.store_codes(rules, merchant_id=merchant_id)

    def tiers(request: RefundRequest, sum_fen: int) -> tuple[Tier, ...]:
        return rules.deciding_tiers(
            sum_fen, store=codes.get(request.store_id, ""), escalated=request.escalated_at is not None
        )

    return tiers


_ORDER_SUMS = f"""
SELECT t.id, sum(o.reserved_fen)::bigint {ORDER} WHERE t.id = ANY(%s::uuid[]) GROUP BY t.id
"""


def deciding_sums(requests: Sequence[RefundRequest]) -> dict[UUID, int]:
    """``deciding_fen`` of all that each of them asks for, in two statements. They come with their sales."""
    with connection.cursor() as cursor:
        cursor.execute(_ORDER_SUMS, [[request.transaction_id for request in requests]])
        others_fen = _others_fen(requests, dict(cursor.fetchall()))
    return {request.pk: request.amount_fen + others_fen[request.pk] for request in requests}


def _others_fen(requests: Sequence[RefundRequest], order_fen: Mapping[UUID, int]) -> dict[UUID, int]:
    """What comes on top of each for its order or its customer's day, whichever is more."""
    keys = {request.pk: _customer_keys(request) for request in requests}
    wanted = set().union(*keys.values())
    rows = RunningSum.objects.filter(key__in=wanted).values_list("key", "asked_fen") if wanted else ()
    asked_fen = dict(rows)
    return {
        request.pk: max(
            0,
            order_fen[request.transaction_id] - request.reserved_fen,
            *(asked_fen.get(key, 0) - request.amount_fen for key in keys[request.pk]),
        )
        for request in requests
    }


def _customer_keys(request: RefundRequest) -> list[str]:
    """The counters of its customer, of the day on which it was asked for."""
    customers = customers_of(request.transaction, request.customer_phone_hash)
    return [key_of(request.merchant_id, "customer", day_of(request.created_at), who) for who in customers]


def check_caps(*, request: RefundRequest, amount_fen: int, at: datetime) -> None:
    """The sale's caps once more, with the limits in force now: of its route, and of the channel's number of refunds.

    The caller holds the sale. Raises ``CapReached``.
    """
    rules = policies.rules_in_force(merchant_id=request.merchant_id, at=at)
    legs = list(request.legs.all()) if request.leg_count else []
    # What the channels do not take comes from a drawer, and is the last of it.
    by_hand_fen = amount_fen - sum(leg.amount_fen for leg in legs if not is_by_hand(leg.route))
    for route in {request.route, *(leg.route for leg in legs)}:
        if is_by_hand(route):
            check_route_cap(
                transaction_id=request.transaction_id,
                route=route,
                amount_fen=by_hand_fen,
                limit_fen=rules.route_rule(route).limit_fen,
                but=request.pk,
            )
    if request.route != Route.ORIGINAL:
        return
    for sale, own in _refunds_by_sale(request):
        live = sale.live_refunds + (0 if request.reserved_fen else own)
        if live > sale.profile.max_partials:
            raise CapReached("the channel takes no further refund of this sale", code="channel_refund_count")


def _refunds_by_sale(request: RefundRequest) -> Iterable[tuple[Transaction, int]]:
    """The sales that a request goes back through, and in how many refunds each."""
    if not request.leg_count:
        request.transaction.live_refunds = held(transaction_id=request.transaction_id).live_refunds
        return [(request.transaction, 1)]
    legs = Counter(leg.transaction_id for leg in request.legs.all() if not is_by_hand(leg.route))
    sales = Transaction.objects.select_related("channel_account").filter(pk__in=legs)
    return [(sale, legs[sale.pk]) for sale in sales.defer("channel_account__sealed_credentials")]


def make_room(*, transaction_id: UUID, limit: int | None, more: int = 1) -> None:
    """Set how many refunds the sale may hold, before some that were released are reserved again; None: ``more`` than now.

    The caller holds the sale and has judged.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE terminals_transaction SET live_refunds_limit = coalesce(%s, greatest(live_refunds_limit, live_refunds + %s)) "
            "WHERE id = %s",
            [limit, more, transaction_id],
        )
