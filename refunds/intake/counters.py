"""Counting what is approved without a person, while it is taken in: who is counted, how far they have come, what is added.

The sums of ``refunds.facts.sums`` that only grow: ``RunningSum`` rows, read for the judgement and moved by the statement that
stores the approval, each under a CHECK of its own limit.

Who is counted: a customer by the keyed hash of a phone number, the payer's and the one typed in, or else by the card's end; a
cashier by every name that the refund carries, the sale's, the request's and the login of who asked. Where no cashier is named
the till stands in, and where there is neither till nor customer the API key. Nobody is ever counted together with strangers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, TypeVar

from django.db import IntegrityError, connection, transaction

from core.errors import Conflict
from core.personal_data import phone_hashes
from core.plain_text import name_key
from core.sql import PreparedStatement
from merchants import policies
from merchants.principals import Principal
from refunds.facts import charges, sums
from refunds.facts.sums import customers_of, day_of, key_of
from refunds.intake.claims import Draft
from refunds.intake.facts import Sale
from refunds.models import RefundRequest
from refunds.rules.policy import NEEDS_FINDING
from refunds.rules.standing import Standing

_Stored = TypeVar("_Stored")

#: How often a request is judged where others of the same order were faster. One of them is stored each time, and once the
#: order's limit is used up the rest goes to a person.
_TRIES = 4


class RoomTaken(Conflict):
    """Another submission took the room that this one was judged on. It was not stored, and is to be judged again."""

    code = "busy"


def judged_again(attempt: Callable[[], _Stored]) -> _Stored:
    """Judge and store, and once more where others took the room meanwhile: a person decides then, or a hard limit refuses."""
    for _ in range(_TRIES - 1):
        try:
            return attempt()
        except RoomTaken:
            continue
    return attempt()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Keys of the counters that a request touches."""

    merchant_id: int
    order: str
    order_date: date
    customers: Sequence[str]
    cashiers: Sequence[str]
    api_keys: Sequence[str]
    today: date


def parties_of(sale: Sale, draft: Draft, *, by: Principal, at: datetime) -> Parties:
    """Who is counted for a new request."""
    phone_hash, _ = phone_hashes(draft.customer.phone)
    return _parties(sale, phone_hash, draft.cashier, {by.staff_id}, {by.key_id}, at)


def parties_again(sale: Sale, request: RefundRequest, *, by: Principal, at: datetime) -> Parties:
    """Who is counted for a stored request: who asked first, and who sends it in again."""
    staff_ids, key_ids = {request.staff_id, by.staff_id}, {request.api_key_id, by.key_id}
    return _parties(sale, request.customer_phone_hash, request.cashier, staff_ids, key_ids, at)


def _parties(
    sale: Sale,
    phone_hash: bytes | memoryview | None,
    cashier: str,
    staff_ids: Collection[int | None],
    key_ids: Collection[int | None],
    at: datetime,
) -> Parties:
    today, order_date = day_of(at), day_of(sale.paid_at)
    customers = customers_of(sale, phone_hash)
    keys = {str(key_id) for key_id in key_ids if key_id is not None}
    names = {name for name in (name_key(sale.cashier), name_key(cashier)) if name}
    names |= {f"staff {staff_id}" for staff_id in staff_ids if staff_id is not None}
    if not names and sale.terminal_id is not None:
        names = {f"till {sale.terminal_id}"}
    if not names and not customers:
        names = {f"key {key}" for key in keys}

    def counted(kind: str, who: Iterable[str]) -> list[str]:
        return sorted(key_of(sale.merchant_id, kind, today, one) for one in who)

    return Parties(
        merchant_id=sale.merchant_id,
        # The payments of one store on one day: some tills count from 1 every morning.
        order=key_of(sale.merchant_id, "order", order_date, f"{sale.store_id} {sale.order_no}"),
        order_date=order_date,
        customers=counted("customer", customers),
        cashiers=counted("cashier", names),
        api_keys=counted("key", keys),
        today=today,
    )


_READ = PreparedStatement(
    "running_sums",
    ("text[]",),
    # One key at a time, behind a fence: a plan that was made while the table was empty would read all of it (docs/adr/0027).
    "SELECT s.key, s.count, s.fen, s.asked_fen, s.closed FROM unnest($1) k (key) CROSS JOIN LATERAL "
    "(SELECT * FROM refunds_runningsum r WHERE r.key = k.key OFFSET 0) s",
)


def standing(*, sale: Sale, of: Parties, reason: str, own_fen: int = 0, own_asked_fen: int = 0) -> Standing:
    """The sums before this request. ``own_fen``: what it holds of the sale itself, where it is judged anew;
    ``own_asked_fen``: what of it was counted as asked for today.
    """
    with connection.cursor() as cursor:
        _READ.execute(cursor, [[of.order, *of.customers, *of.cashiers, *of.api_keys]])
        found = {key: (count, fen, asked, closed) for key, count, fen, asked, closed in cursor.fetchall()}
    nothing = (0, 0, 0, False)
    order_count, order_fen, _, closed = found.get(of.order, nothing)
    customers = [found.get(key, nothing) for key in of.customers]
    cashiers = [found.get(key, nothing) for key in of.cashiers]
    used_keys = [found.get(key, nothing) for key in of.api_keys]
    held_fen = sale.order_reserved_fen - own_fen
    return Standing(
        # What was approved by rule and released since still counts; what waits for a person counts as well.
        order_fen=max(held_fen, order_fen),
        order_count=order_count,
        # A sale that was given another number takes along what a person refused.
        order_rejected=closed or (sale.is_corrected and sums.was_rejected(sale.id)),
        customer_day_fen=max((fen for _, fen, _, _ in customers), default=None),
        cashier_day_count=max((count for count, _, _, _ in cashiers), default=None),
        key_day_count=max((count for count, _, _, _ in used_keys), default=None),
        key_day_fen=max((fen for _, fen, _, _ in used_keys), default=None),
        charges=(
            charges.charged(
                transaction_id=sale.id, minutes=policies.rules_of(sale.policy_version_id).charged_twice_minutes
            )
            if reason in NEEDS_FINDING
            else None
        ),
        tier_fen=max([held_fen, *(asked - own_asked_fen for _, _, asked, _ in customers)]),
    )


def asked_today_fen(request: RefundRequest, at: datetime) -> int:
    """What of a stored request stands in its customer's sum of this day."""
    return request.amount_fen if day_of(request.created_at) == day_of(at) else 0


def moves(*, of: Parties, sale: Sale, seen: Standing, amount_fen: int, by_rule: bool, asked_fen: int) -> list[Added]:
    """What a request adds to the counters, in the order in which they are locked.

    ``seen`` is what it was judged on: of one order nothing is approved by rule beside another that was not looked at.
    ``asked_fen`` is what was not counted as asked for yet; ``by_rule``: approved without a person.
    """
    if not by_rule:
        return [_move(of, key, "customer", asked_fen=asked_fen) for key in of.customers] if asked_fen else []
    rules = policies.rules_of(sale.policy_version_id)
    key_limits = rules.auto_key_day_count, rules.auto_key_day_fen
    counted = [
        _move(of, of.order, "order", amount_fen, (seen.order_count + 1, rules.order_limit_fen)),
        *(
            _move(of, key, "customer", amount_fen, (None, rules.customer_day_limit_fen), asked_fen=asked_fen)
            for key in of.customers
        ),
        *(_move(of, key, "cashier", amount_fen, (rules.auto_cashier_day_count, None)) for key in of.cashiers),
        *(_move(of, key, "key", amount_fen, key_limits) for key in of.api_keys if key_limits != (None, None)),
    ]
    if (group := seen.charges) is not None and group.day is not None:
        # Of equal payments one stays, however many are asked for at once.
        count, limit = group.count_of(amount_fen), group.others
        counted.append(Added(group.key, of.merchant_id, "charge", group.day, count, amount_fen, 0, limit, None))
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
    """``RoomTaken`` where a counter's CHECK was in the way, or a correction took a line away meanwhile; any other violation is
    passed on as it is.
    """
    text = str(error)
    if any(
        name in text for name in ("running_sum_within_limit", "transaction_within_refund_count", "refundline_line_id")
    ):
        return RoomTaken("another refund took the room that was left at the same moment; try again")
    return error
