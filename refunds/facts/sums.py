"""What refunds come to together: of an order, a customer, a cashier, an API key and a day (docs/adr/0028).

Two kinds of sums. What was **approved without a person** is counted in ``RunningSum`` rows, moved by the statement that
stores the approval; they only grow. What a sale **holds at this moment** (its reserved amount, its number of refunds, what goes
back on a route where a person pays) is read under the sale's lock.

Who is counted: a customer by the keyed hash of a phone number, the payer's and the one typed in, or else by the card's end; a
cashier by every name that the refund carries, the sale's, the request's and the login of who asked. Where no cashier is named
the till stands in, and where there is neither till nor customer the API key. Nobody is ever counted together with strangers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from core.calendar import SHANGHAI
from core.errors import Conflict
from core.personal_data import phone_hashes
from core.plain_text import name_key
from core.sql import Prepared
from merchants import policies
from merchants.policy_rules import Rules
from refunds.facts.sales import Sale
from refunds.models import Approval, RefundRequest, RunningSum
from refunds.models.approval import Decision
from refunds.models.hand_accounts import is_by_hand
from refunds.rules.standing import Standing
from refunds.states import Route


class RoomTaken(Conflict):
    """Another submission took the room that this one was judged on. It was not stored, and is to be judged anew."""

    code = "busy"


class CapReached(Conflict):
    """A limit on the sale, in force at this moment, stands against it; ``code`` is the rule's."""

    code = "route_limit"


class NeedsReview(Conflict):
    """With this refund its order comes to more than was decided on: a person looks at it again."""

    code = "sum_needs_review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Keys of the counters that a request touches."""

    merchant_id: int
    order: str
    order_date: date
    customers: tuple[str, ...]
    cashiers: tuple[str, ...]
    api_keys: tuple[str, ...]
    today: date

    def keys(self) -> list[str]:
        return [self.order, *self.customers, *self.cashiers, *self.api_keys]


def parties(
    *, sale: Sale, at: datetime, phone: str, cashier: str, staff_ids: Collection[int], key_ids: Collection[int]
) -> Parties:
    """Who is counted for a request about this sale, made at ``at`` by these logins and keys."""
    today = day_of(at)
    phone_hash, _ = phone_hashes(phone)
    customers = {value.hex() for value in (sale.payer_phone_hash, phone_hash) if value}
    if not sale.payer_phone_hash and sale.card_last4:
        customers.add(f"{sale.channel} {sale.card_last4}")
    names = {name for name in (name_key(sale.cashier), name_key(cashier)) if name}
    names |= {f"staff {staff_id}" for staff_id in staff_ids}
    if not names and sale.terminal_id is not None:
        names.add(f"till {sale.terminal_id}")
    if not names and not customers:
        names |= {f"key {key_id}" for key_id in key_ids}
    return Parties(
        merchant_id=sale.merchant_id,
        order=order_key(sale),
        order_date=day_of(sale.paid_at),
        customers=tuple(sorted(_key(sale.merchant_id, "customer", today, who) for who in customers)),
        cashiers=tuple(sorted(_key(sale.merchant_id, "cashier", today, who) for who in names)),
        api_keys=tuple(sorted(_key(sale.merchant_id, "key", today, str(key_id)) for key_id in key_ids)),
        today=today,
    )


def order_key(sale: Sale) -> str:
    """The counter of the sale's order: its payments in one store on one day. Some tills count from 1 every morning."""
    return _key(sale.merchant_id, "order", day_of(sale.paid_at), f"{sale.store_id} {sale.order_no}")


def day_of(at: datetime) -> date:
    """The calendar day in China, on which limits of a day begin anew."""
    return at.astimezone(SHANGHAI).date()


def _key(merchant_id: int, kind: str, day: date, who: str) -> str:
    return f"{merchant_id} {kind} {day.isoformat()} {who}"


# --- reading ----------------------------------------------------------------------------------------------------------

_READ = Prepared(
    "running_sums",
    ("text[]",),
    # One key at a time, behind a fence: a plan that was made while the table was empty would read all of it (docs/adr/0027).
    "SELECT s.key, s.count, s.fen, s.asked_fen, s.closed FROM unnest($1) k (key) CROSS JOIN LATERAL "
    "(SELECT * FROM refunds_runningsum r WHERE r.key = k.key OFFSET 0) s",
)


def standing(*, sale: Sale, of: Parties, own_fen: int = 0, own_asked_fen: int = 0) -> Standing:
    """The sums before this request. ``own_fen``: what it holds of the sale itself, where it is judged anew;
    ``own_asked_fen``: what of it was counted as asked for today.
    """
    with connection.cursor() as cursor:
        _READ.execute(cursor, [of.keys()])
        found = {key: (count, fen, asked, closed) for key, count, fen, asked, closed in cursor.fetchall()}
    nothing = (0, 0, 0, False)
    _, order_fen, _, closed = found.get(of.order, nothing)
    customers = [found.get(key, nothing) for key in of.customers]
    cashiers = [found.get(key, nothing) for key in of.cashiers]
    used_keys = [found.get(key, nothing) for key in of.api_keys]
    held_fen = sale.order_reserved_fen - own_fen
    return Standing(
        # What was approved by rule and released since still counts; what waits for a person counts as well.
        order_fen=max(held_fen, order_fen),
        order_rejected=closed,
        customer_day_fen=max((fen for _, fen, _, _ in customers), default=None),
        cashier_day_count=max((count for count, _, _, _ in cashiers), default=None),
        key_day_count=max((count for count, _, _, _ in used_keys), default=None),
        key_day_fen=max((fen for _, fen, _, _ in used_keys), default=None),
        tier_fen=max([held_fen, *(asked - own_asked_fen for _, _, asked, _ in customers)]),
    )


# --- moving -----------------------------------------------------------------------------------------------------------


def moves(*, of: Parties, rules: Rules, amount_fen: int, by_rule: bool, asked_fen: int) -> list[Added]:
    """What a request adds to the counters, in the order in which they are locked.

    ``asked_fen`` is what was not counted as asked for yet; ``by_rule``: approved without a person.
    """
    if not by_rule:
        return [_move(of, key, "customer", asked_fen=asked_fen) for key in of.customers] if asked_fen else []
    key_limits = rules.auto_key_day_count, rules.auto_key_day_fen
    counted = [
        _move(of, of.order, "order", amount_fen, (None, rules.order_limit_fen)),
        *(
            _move(of, key, "customer", amount_fen, (None, rules.customer_day_limit_fen), asked_fen=asked_fen)
            for key in of.customers
        ),
        *(_move(of, key, "cashier", amount_fen, (rules.auto_cashier_day_count, None)) for key in of.cashiers),
        *(_move(of, key, "key", amount_fen, key_limits) for key in of.api_keys if key_limits != (None, None)),
    ]
    return sorted(counted, key=lambda row: row.key)


class Added(NamedTuple):
    """A row to add to a counter; its fields are the columns."""

    key: str
    merchant_id: int
    kind: str
    day: date
    count: int  # type: ignore[assignment]  # a tuple has a method of this name, which nobody calls here
    fen: int
    asked_fen: int
    count_limit: int | None
    fen_limit: int | None
    closed: bool = False


def _move(
    of: Parties,
    key: str,
    kind: str,
    by_rule_fen: int | None = None,
    limits: tuple[int | None, int | None] = (None, None),
    *,
    asked_fen: int = 0,
) -> Added:
    day = of.order_date if kind == "order" else of.today
    count = 0 if by_rule_fen is None else 1
    return Added(key, of.merchant_id, kind, day, count, by_rule_fen or 0, asked_fen, *limits)


#: Rows ``v`` added to the counters. What is not approved by rule leaves the limits alone; a closed order takes no approval by
#: rule. ``{rows}`` is where the rows come from.
UPSERT = """
INSERT INTO refunds_runningsum AS s
       (key, merchant_id, kind, day, count, fen, asked_fen, count_limit, fen_limit, closed)
SELECT v.key, v.merchant_id, v.kind, v.day, v.count, v.fen, v.asked_fen, v.count_limit, v.fen_limit, v.closed
  FROM {rows} ORDER BY v.key
    ON CONFLICT (key) DO UPDATE
   SET count = s.count + excluded.count, fen = s.fen + excluded.fen, asked_fen = s.asked_fen + excluded.asked_fen,
       count_limit = CASE WHEN excluded.count = 0 THEN s.count_limit WHEN s.closed THEN s.count
                          ELSE excluded.count_limit END,
       fen_limit = CASE WHEN excluded.count = 0 THEN s.fen_limit ELSE excluded.fen_limit END
"""

#: ``order_key`` in SQL.
_CLOSE = """
INSERT INTO refunds_runningsum AS s (key, merchant_id, kind, day, count, fen, asked_fen, closed)
SELECT DISTINCT t.merchant_id || ' order ' || to_char(t.paid_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD') || ' '
                || t.store_id || ' ' || t.order_no AS key,
       t.merchant_id, 'order', (t.paid_at AT TIME ZONE 'Asia/Shanghai')::date, 0, 0, 0, true
  FROM terminals_transaction t JOIN refunds_refundrequest r ON r.transaction_id = t.id
 WHERE r.id = ANY(%s::uuid[]) ORDER BY key
    ON CONFLICT (key) DO UPDATE SET closed = true
"""


def add(rows: Sequence[Added]) -> None:
    """Move counters in a transaction of the caller's, who holds the sale. Raises ``RoomTaken``."""
    if not rows:
        return
    row = (
        "(%s::text, %s::bigint, %s::text, %s::date, %s::int, %s::bigint, %s::bigint, %s::bigint, %s::bigint, %s::bool)"
    )
    source = f"(VALUES {', '.join([row] * len(rows))}) v ({', '.join(Added._fields)})"
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(UPSERT.format(rows=source), [value for one in rows for value in one])
    except IntegrityError as error:
        raise room_taken(error) from error


def room_taken(error: IntegrityError) -> Exception:
    """``RoomTaken`` where a counter's CHECK was in the way; any other violation is passed on as it is."""
    text = str(error)
    if "running_sum_within_limit" in text or "transaction_within_refund_count" in text:
        return RoomTaken("another refund took the room that was left at the same moment; try again")
    return error


def close_orders(request_ids: Collection[UUID]) -> None:
    """After a rejection nothing of the order is approved by rule any more. The caller holds the sales."""
    if not request_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, [list(request_ids)])


# --- what a sale holds at this moment -----------------------------------------------------------------------------------

_LOCK_ORDER = """
SELECT o.id, o.reserved_fen, o.live_refunds FROM terminals_transaction o JOIN terminals_transaction t
    ON t.id = %s AND o.merchant_id = t.merchant_id AND o.order_no = t.order_no AND o.store_id = t.store_id
   AND (o.paid_at AT TIME ZONE 'Asia/Shanghai')::date = (t.paid_at AT TIME ZONE 'Asia/Shanghai')::date
 ORDER BY o.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the request's sale and its whole order hold of refunds that were not released, the request itself included."""

    order_fen: int
    live_refunds: int


def held(*, transaction_id: UUID, lock: bool = False) -> Held:
    """With ``lock`` nothing of the order changes until the caller's transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_ORDER + ("FOR UPDATE OF o" if lock else ""), [transaction_id])
        rows = cursor.fetchall()
    return Held(
        order_fen=sum(reserved for _, reserved, _ in rows),
        live_refunds=next(live for pk, _, live in rows if pk == transaction_id),
    )


def on_route_fen(*, transaction_id: UUID, route: str, but: UUID | None = None) -> int:
    """What other refunds of the sale take on a route where a person pays; asked for nowhere else."""
    if not is_by_hand(route):
        return 0
    others = RefundRequest.objects.filter(transaction_id=transaction_id, route=route)
    if but is not None:
        others = others.exclude(pk=but)
    return others.aggregate(fen=Sum("reserved_fen"))["fen"] or 0


def deciding_fen(*, request: RefundRequest, amount_fen: int, lock: bool = False) -> int:
    """The amount whose tier decides: the order's with this one, or all that its customer asked for on that day.

    With ``lock`` the order's sales are held until the transaction ends, so that two approvals do not pass each other by.
    """
    found = held(transaction_id=request.transaction_id, lock=lock)
    asked_fen = _asked_by_customer(request)
    return _deciding(request, amount_fen, order_fen=found.order_fen, asked_fen=asked_fen)


_ORDER_SUMS = """
SELECT t.id, sum(o.reserved_fen)::bigint FROM terminals_transaction t JOIN terminals_transaction o
    ON o.merchant_id = t.merchant_id AND o.order_no = t.order_no AND o.store_id = t.store_id
   AND (o.paid_at AT TIME ZONE 'Asia/Shanghai')::date = (t.paid_at AT TIME ZONE 'Asia/Shanghai')::date
 WHERE t.id = ANY(%s::uuid[]) GROUP BY t.id
"""


def deciding_sums(requests: Sequence[RefundRequest]) -> dict[UUID, int]:
    """``deciding_fen`` of all that each of them asks for, in two statements. They come with their sales."""
    keys = {request.pk: _customer_keys(request) for request in requests}
    with connection.cursor() as cursor:
        cursor.execute(_ORDER_SUMS, [[request.transaction_id for request in requests]])
        of_order = dict(cursor.fetchall())
    asked = dict(
        RunningSum.objects.filter(key__in={key for some in keys.values() for key in some}).values_list(
            "key", "asked_fen"
        )
    )
    return {
        request.pk: _deciding(
            request,
            request.amount_fen,
            order_fen=of_order[request.transaction_id],
            asked_fen=max((asked.get(key, 0) for key in keys[request.pk]), default=0),
        )
        for request in requests
    }


def _deciding(request: RefundRequest, amount_fen: int, *, order_fen: int, asked_fen: int) -> int:
    return amount_fen + max(0, order_fen - request.reserved_fen, asked_fen - request.amount_fen)


def _asked_by_customer(request: RefundRequest) -> int:
    keys = _customer_keys(request)
    rows = RunningSum.objects.filter(key__in=keys).values_list("asked_fen", flat=True) if keys else []
    return max(rows, default=0)


def _customer_keys(request: RefundRequest) -> list[str]:
    """The counters of its customer, of the day on which it was asked for."""
    sale = request.transaction
    hashes = {bytes(value).hex() for value in (sale.payer_phone_hash, request.customer_phone_hash) if value}
    if not sale.payer_phone_hash and sale.card_last4:
        hashes.add(f"{sale.channel} {sale.card_last4}")
    day = day_of(request.created_at)
    return [_key(request.merchant_id, "customer", day, who) for who in hashes]


def check_caps(*, request: RefundRequest, amount_fen: int, at: datetime) -> None:
    """The sale's caps once more, with the limits in force now: of its route, and of the channel's number of refunds.

    The caller holds the sale. Raises ``CapReached``.
    """
    version = policies.in_force(merchant_id=request.merchant_id, at=at)
    limit = policies.rules_of(version.pk).route_rule(request.route).limit_fen if is_by_hand(request.route) else None
    others = on_route_fen(transaction_id=request.transaction_id, route=request.route, but=request.pk)
    if limit is not None and others + amount_fen > limit:
        raise CapReached("this is above what the route takes of one sale", code="route_limit")
    if request.route != Route.ORIGINAL:
        return
    most = request.transaction.profile.max_partials
    live = held(transaction_id=request.transaction_id).live_refunds + (0 if request.reserved_fen else 1)
    if live > most:
        raise CapReached("the channel takes no further refund of this sale", code="channel_refund_count")


def make_room(*, transaction_id: UUID, limit: int | None) -> None:
    """Set how many refunds the sale may hold, before one that was released is reserved again; None: one more than now.

    The caller holds the sale and has judged.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE terminals_transaction SET live_refunds_limit = coalesce(%s, greatest(live_refunds_limit, live_refunds + 1)) "
            "WHERE id = %s",
            [limit, transaction_id],
        )


def check_may_go_out_again(*, request: RefundRequest, amount_fen: int, at: datetime) -> None:
    """A failed payout is sent again without a new decision: only while the old one covers what the order comes to by now.

    Locks the order. Raises ``CapReached`` or ``NeedsReview``.
    """
    sum_fen = amount_fen + held(transaction_id=request.transaction_id, lock=True).order_fen - request.reserved_fen
    check_caps(request=request, amount_fen=amount_fen, at=at)
    rules = policies.rules_of(policies.in_force(merchant_id=request.merchant_id, at=at).pk)
    if any(sum_fen <= covered for covered in _covered(request, rules)):
        return
    raise NeedsReview("together with the order's other refunds this one needs a new decision")


def _covered(request: RefundRequest, rules: Rules) -> Iterator[int]:
    """Up to which sum the standing decision reaches."""
    yield request.approved_fen or request.amount_fen
    if request.by_rule:
        yield rules.order_limit_fen
        return
    approvals = Approval.objects.filter(request_id=request.pk, decision=Decision.APPROVE).order_by("-version")
    name = approvals.values_list("tier", flat=True).first()
    for tier in rules.tiers:
        if tier.name == name:
            yield tier.limit_fen if tier.limit_fen is not None else 10**18
