"""Counting what is approved without a person, while it is taken in: who is counted, how far they have come, what is added.

The sums of ``refunds.facts.sums`` that only grow: ``RunningSum`` rows, read for the judgement and moved by the statement that
stores the approval, each under a CHECK of its own limit.

Who is counted: a customer by the keyed hash of a phone number, the payer's and the one typed in, or else by the card's end; a
cashier by every name that the refund carries, the sale's, the request's, and the login of who asked with all codes of theirs.
Where no cashier is named the till stands in, and where there is neither till nor customer the API key. Nobody is ever counted
together with strangers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from django.db import IntegrityError, connection, transaction

from core.errors import Conflict
from core.personal_data import phone_hashes, search_hash
from core.sql import PreparedStatement
from core.values import value
from merchants import mandates, policies
from merchants.mandates import Mandate
from merchants.policies.rules import Rules
from merchants.principals import Principal, folded_codes
from refunds.facts import charges, sums
from refunds.facts.sums import customers_of, day_of, key_of
from refunds.intake.claims import Draft
from refunds.intake.facts import Sale
from refunds.models import RefundRequest
from refunds.rules import risk
from refunds.rules.policy import NEEDS_FINDING
from refunds.rules.standing import Standing

_Stored = TypeVar("_Stored")

#: How often a request is judged where others of the same order were faster. One of them is stored each time, and once the
#: order's limit is used up the rest goes to a person.
_TRIES = 4


class RoomTaken(Conflict, code="busy"):
    """Another submission took the room that this one was judged on. It was not stored, and is to be judged again."""


def judged_again(attempt: Callable[[], _Stored]) -> _Stored:
    """Judge and store, and once more where others took the room meanwhile: a person decides then, or a hard limit refuses."""
    for _ in range(_TRIES - 1):
        try:
            return attempt()
        except RoomTaken:
            continue
    return attempt()


@value(kw_only=True)
class Parties:
    """Keys of the counters that a request touches."""

    merchant_id: int
    order: str
    order_date: date
    customers: Sequence[str]
    cashiers: Sequence[str]
    store: str
    api_keys: Sequence[str]
    today: date
    mandate: Mandate | None = None
    #: Of the key that asks, where its mandate has such a limit: its day, and each customer's 30 days.
    mandate_day: str = ""
    mandate_customers: Sequence[str] = ()

    def hashed(self) -> dict[str, Any]:
        """Under which names it was counted, for whoever counts once more: nobody can be read back from them."""
        return {
            "order": _name_hash(self.order),
            **{
                kind: [_name_hash(key[:-_DATE]) for key in keys]
                for kind, keys in (("customers", self.customers), ("cashiers", self.cashiers), ("keys", self.api_keys))
            },
        }


#: A day at the end of a key.
_DATE = len("2026-01-31")


@lru_cache(maxsize=4096)
def _name_hash(name: str) -> str:
    return search_hash("counted", name).hex()


def parties_of(sale: Sale, draft: Draft, *, by: Principal, at: datetime) -> Parties:
    """Who is counted for a new request."""
    phone_hash, _ = phone_hashes(draft.customer.phone)
    return _parties(sale, phone_hash, draft.cashier, {by.staff_id}, _own_codes(by), by, {by.key_id}, at)


def parties_again(sale: Sale, request: RefundRequest, *, by: Principal, at: datetime) -> Parties:
    """Who is counted for a stored request: who asked first, and who sends it in again."""
    staff_ids, key_ids = {request.staff_id, by.staff_id}, {request.api_key_id, by.key_id}
    codes = _own_codes(by)
    if request.staff is not None and request.staff_id != by.staff_id:
        codes |= folded_codes((request.staff.username, *request.staff.till_codes))
    return _parties(sale, request.customer_phone_hash, request.cashier, staff_ids, codes, by, key_ids, at)


def _own_codes(by: Principal) -> frozenset[str]:
    """The codes of a person in their session. A key has its maker's, who need not be the one at the till."""
    return frozenset() if by.staff_id is None else by.till_codes


def _parties(
    sale: Sale,
    phone_hash: bytes | memoryview | None,
    cashier: str,
    staff_ids: Collection[int | None],
    codes: frozenset[str],
    by: Principal,
    key_ids: Collection[int | None],
    at: datetime,
) -> Parties:
    today = day_of(at)
    paid = sale.payments or (sale,)
    customers = set[str]().union(*(customers_of(one, phone_hash) for one in paid))
    keys = {str(key_id) for key_id in key_ids if key_id is not None}
    names = {*codes} | folded_codes((cashier, *(one.cashier for one in paid)))
    names |= {f"staff {staff_id}" for staff_id in staff_ids if staff_id is not None}
    if not names and sale.terminal_id is not None:
        names = {f"till {sale.terminal_id}"}
    if not names and not customers:
        names = {f"key {key}" for key in keys}

    def counted(kind: str, who: Iterable[str]) -> list[str]:
        return sorted(key_of(sale.merchant_id, kind, today, one) for one in who)

    limited: dict[str, Any] = {}
    if (mandate := by.mandate) is not None:
        itself = str(mandate.counted_as or by.key_id)
        limited["mandate"] = mandate
        if mandate.max_fen_day is not None:
            (limited["mandate_day"],) = counted("mandate", [itself])
        if mandate.max_fen_customer_30d is not None:
            limited["mandate_customers"] = counted("mandate30", [f"{itself} {customer}" for customer in customers])
    return Parties(
        merchant_id=sale.merchant_id,
        order=key_of(sale.merchant_id, "order", sale.order_date, f"{sale.store_id} {sale.order_no}"),
        order_date=sale.order_date,
        customers=counted("customer", customers),
        cashiers=counted("cashier", names),
        store=key_of(sale.merchant_id, "store", today, str(sale.store_id)),
        api_keys=counted("key", keys),
        today=today,
        **limited,
    )


_READ = PreparedStatement(
    "running_sums",
    ("text[]", "text[]", "bool"),
    # The new request's number comes along, if asked for: it would be a round trip by itself.
    "SELECT '', nextval('refunds_number'), 0, 0, false, 0, 0 WHERE $3 UNION ALL "
    # One name at a time, behind a fence: a plan that was made while the table was empty would read all of it (docs/adr/0027).
    "SELECT s.key, s.count, s.fen, s.asked_fen, s.closed, s.asked_orders, s.near_count FROM unnest($1, $2) k (first, last) "
    "CROSS JOIN LATERAL (SELECT * FROM refunds_runningsum r WHERE r.key BETWEEN k.first AND k.last OFFSET 0) s",
)


class _Row(NamedTuple):
    count: int = 0  # type: ignore[assignment]  # a tuple has a method of this name, which nobody calls here
    fen: int = 0
    asked_fen: int = 0
    closed: bool = False
    asked_orders: int = 0
    near_count: int = 0


_NOTHING = _Row()


def standing(*, sale: Sale, of: Parties, reason: str, stored: RefundRequest | None = None) -> Standing:
    """The sums before this request; ``stored`` is the one that is judged again, whose own stands not against itself."""
    return _standing(_found(of), sale=sale, of=of, reason=reason, stored=stored)


def standing_and_number(*, sale: Sale, of: Parties, reason: str) -> tuple[Standing, int]:
    """The sums before a new request, and the number that it will have."""
    found = _found(of, draws_number=True)
    number = found.pop("").count
    return _standing(found, sale=sale, of=of, reason=reason), number


def _found(of: Parties, *, draws_number: bool = False) -> dict[str, _Row]:
    """The rows of the counters and of their earlier days, by key."""
    since = {**dict.fromkeys(of.customers, risk.CUSTOMER_DAYS), **dict.fromkeys(of.cashiers, risk.NEAR_DAYS)}
    since |= dict.fromkeys(of.mandate_customers, risk.CUSTOMER_DAYS)
    keys = [of.order, of.store, *since, *of.api_keys, *([of.mandate_day] if of.mandate_day else ())]
    first = [_earlier(key, of.today, since.get(key, 1) - 1) for key in keys]
    with connection.cursor() as cursor:
        _READ.execute(cursor, [first, keys, draws_number])
        return {key: _Row(*row) for key, *row in cursor.fetchall()}


def _standing(
    found: dict[str, _Row], *, sale: Sale, of: Parties, reason: str, stored: RefundRequest | None = None
) -> Standing:
    order = found.get(of.order, _NOTHING)
    own_fen, own_asked = (stored.reserved_fen, stored.amount_fen) if stored else (0, 0)
    asked_date = day_of(stored.created_at) if stored else None
    held_fen = sale.order_reserved_fen - own_fen
    past, customer_fen, customer_count, orders, asked_today, asked_lately = {}, [], [], [], [], []
    for key in of.customers:
        days = [(day, found[day]) for day in found if day[:-_DATE] == key[:-_DATE]]
        today, yesterday = found.get(key, _NOTHING), found.get(_earlier(key, of.today, 1), _NOTHING)
        count, fen = sum(row.count for _, row in days), sum(row.fen for _, row in days)
        past[key] = count - today.count, fen - today.fen
        customer_count.append(count)
        customer_fen.append(fen)
        was_counted = (
            stored is not None and not held_fen and (of.today - day_of(stored.created_at)).days < risk.CUSTOMER_DAYS
        )
        orders.append(max(0, sum(row.asked_orders for _, row in days) - was_counted))
        asked_today.append(today.asked_fen - (own_asked if asked_date == of.today else 0))
        is_late = asked_date is not None and (of.today - asked_date).days > 1
        asked_lately.append(today.asked_fen + yesterday.asked_fen - (0 if is_late else own_asked))
    cashiers = [found.get(key, _NOTHING) for key in of.cashiers]
    past |= {key: (row.count, 0) for key, row in zip(of.cashiers, cashiers, strict=True)}
    near = [sum(found[day].near_count for day in found if day[:-_DATE] == key[:-_DATE]) for key in of.cashiers]
    used_keys = [found.get(key, _NOTHING) for key in of.api_keys]
    return Standing(
        # What was approved by rule and released since still counts; what waits for a person counts as well.
        order_fen=max(held_fen, order.fen),
        order_count=order.count,
        # A sale that was given another number takes along what a person refused.
        order_rejected=order.closed or (sale.is_corrected and sums.was_rejected(sale.id)),
        customer_day_fen=max((found.get(key, _NOTHING).fen for key in of.customers), default=None),
        customer_30_days_fen=max(customer_fen, default=None),
        customer_30_days_count=max(customer_count, default=None),
        customer_orders=max(orders, default=None),
        cashier_day_count=max((row.count for row in cashiers), default=None),
        cashier_day_fen=max((row.fen for row in cashiers), default=None),
        near_limit_count=max(near, default=None),
        store_day_fen=found.get(of.store, _NOTHING).fen,
        key_day_count=max((row.count for row in used_keys), default=None),
        key_day_fen=max((row.fen for row in used_keys), default=None),
        charges=(
            charges.charged(
                transaction_id=sale.id, minutes=policies.rules_of(sale.policy_version_id).charged_twice_minutes
            )
            if reason in NEEDS_FINDING
            else None
        ),
        tier_fen=max([held_fen, *asked_today]),
        together_fen=max([held_fen, *asked_lately]),
        past=past,
        exchanged_fen=order.asked_fen,
        budgets={
            key: (
                found.get(key, _NOTHING).fen,
                sum(row.fen for day, row in found.items() if day[:-_DATE] == key[:-_DATE] and day != key),
            )
            for key in (of.mandate_day, *of.mandate_customers)
            if key
        },
    )


def check_mandate(*, of: Parties, seen: Standing, draft: Draft, at: datetime, more_fen: int | None = None) -> None:
    """Raise ``MandateExceeded`` where the mandate of the key that asks does not go so far; ``more_fen`` is what was not counted
    before, by default all. Where the limit is a customer's, somebody must say which.
    """
    mandate = of.mandate
    if mandate is None:
        return
    mandate.check(
        amount_fen=draft.amount_fen,
        reason=draft.reason,
        route=draft.route,
        on_behalf_of=draft.on_behalf_of,
        at=at,
    )
    errors = []
    if mandate.max_fen_customer_30d is not None and not of.mandate_customers:
        errors.append(mandates.over("customer.phone", "max_fen_customer_30d needs a known customer"))
    for key, name, limit in _budgets(of):
        spent = sum(seen.budgets[key])
        if spent + (draft.amount_fen if more_fen is None else more_fen) > limit:
            errors.append(mandates.over("amount_fen", f"{name} is {limit}, {max(0, limit - spent)} of it are left"))
    if errors:
        raise mandates.exceeded(*errors)


def _budgets(of: Parties) -> Iterable[tuple[str, str, int]]:
    """The sums that the mandate limits: key, name, limit in fen."""
    if of.mandate is not None and of.mandate.max_fen_day is not None:
        yield of.mandate_day, "max_fen_day", of.mandate.max_fen_day
    if of.mandate is not None and of.mandate.max_fen_customer_30d is not None:
        for key in of.mandate_customers:
            yield key, "max_fen_customer_30d", of.mandate.max_fen_customer_30d


def _earlier(key: str, today: date, days: int) -> str:
    return f"{key[:-_DATE]}{today - timedelta(days=days)}" if days else key


def asked_today_fen(request: RefundRequest, at: datetime) -> int:
    """What of a stored request stands in its customer's sum of this day."""
    return request.amount_fen if day_of(request.created_at) == day_of(at) else 0


def moves(
    *,
    of: Parties,
    sale: Sale,
    seen: Standing,
    amount_fen: int,
    by_rule: bool,
    asked_fen: int,
    is_new: bool = False,
    is_near: bool = False,
    of_mandate_fen: int | None = None,
) -> list[Added]:
    """What a request adds to the counters, in the order in which they are locked.

    ``seen`` is what it was judged on: of one order nothing is approved by rule beside another that was not looked at.
    ``asked_fen`` is what was not counted as asked for yet; ``by_rule``: approved without a person; ``is_new``: no
    stored one that is sent in again; ``is_near``: close to the limit. ``of_mandate_fen``: what the mandate of the key that asks
    has not counted yet, by default all of it.
    """
    budgeted = [
        _move(
            *(of, key, "mandate", amount_fen if of_mandate_fen is None else of_mandate_fen),
            (None, limit - seen.budgets[key][1]),
        )
        for key, _, limit in _budgets(of)
    ]
    orders, near = int(is_new and not seen.order_fen), int(is_near)
    if not by_rule:
        asked = of.customers if asked_fen else ()
        touched = [_move(of, key, "customer", asked_fen=asked_fen, asked_orders=orders) for key in asked]
        touched += [_move(of, key, "cashier", near_count=near) for key in of.cashiers if near]
        return sorted([*touched, *budgeted], key=lambda row: row.key)
    rules = policies.rules_of(sale.policy_version_id)
    key_limits = rules.auto_key_day_count, rules.auto_key_day_fen
    store_limit = rules.auto_store_day_fen
    counted = [
        _move(of, of.order, "order", amount_fen, (seen.order_count + 1, rules.order_limit_fen)),
        *(
            _move(
                *(of, key, "customer", amount_fen, _of_30_days(rules, *seen.past.get(key, (0, 0)))),
                asked_fen=asked_fen,
                asked_orders=orders,
            )
            for key in of.customers
        ),
        *(
            _move(
                *(of, key, "cashier", amount_fen, _of_cashier(rules, seen.past.get(key, (0, 0))[0], is_near=is_near)),
                near_count=near,
            )
            for key in of.cashiers
        ),
        *(_move(of, key, "key", amount_fen, key_limits) for key in of.api_keys if key_limits != (None, None)),
        *budgeted,
    ]
    if store_limit is not None:
        # All of a store's approvals wait for this row: nobody who has no limit does.
        counted.append(_move(of, of.store, "store", amount_fen, (None, store_limit)))
    if (group := seen.charges) is not None and group.day is not None:
        # Of equal payments one stays, however many are asked for at once.
        count, limit = group.count_of(amount_fen), group.others
        counted.append(Added(group.key, of.merchant_id, "charge", group.day, count, amount_fen, 0, limit, None))
    return sorted(counted, key=lambda row: row.key)


def _of_30_days(rules: Rules, past_count: int, past_fen: int) -> tuple[int | None, int]:
    """What today's counter of a customer may come to: its days before are over and stay as they are."""
    count, fen = rules.auto_customer_30_days_count, rules.auto_customer_30_days_fen
    day_fen = rules.customer_day_limit_fen
    return None if count is None else count - past_count, day_fen if fen is None else min(day_fen, fen - past_fen)


def _of_cashier(rules: Rules, count: int, *, is_near: bool) -> tuple[int, int | None]:
    """What a cashier's counter may come to. Close to the limit nothing is approved beside another that was not looked at."""
    most = rules.auto_cashier_day_count
    watched = is_near and rules.near_limit_count is not None
    return min(most, count + 1) if watched else most, rules.auto_cashier_day_fen


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
    asked_orders: int = 0
    near_count: int = 0


def _move(
    of: Parties,
    key: str,
    kind: str,
    by_rule_fen: int | None = None,
    limits: tuple[int | None, int | None] = (None, None),
    *,
    asked_fen: int = 0,
    asked_orders: int = 0,
    near_count: int = 0,
) -> Added:
    day = of.order_date if kind == "order" else of.today
    count = 0 if by_rule_fen is None else 1
    fen = by_rule_fen or 0
    return Added(
        *(key, of.merchant_id, kind, day, count, fen, asked_fen, *limits),
        asked_orders=asked_orders,
        near_count=near_count,
    )


#: Rows ``v`` added to the counters. What is not approved by rule leaves the limits alone; a closed order takes no approval by
#: rule. ``{rows}`` is where the rows come from, in the order of their keys: so they are locked.
UPSERT = """
INSERT INTO refunds_runningsum AS s
       (key, merchant_id, kind, day, count, fen, asked_fen, count_limit, fen_limit, closed, asked_orders, near_count)
SELECT v.key, v.merchant_id, v.kind, v.day, v.count, v.fen, v.asked_fen, v.count_limit, v.fen_limit, v.closed,
       v.asked_orders, v.near_count
  FROM {rows}
    ON CONFLICT (key) DO UPDATE
   SET count = s.count + excluded.count, fen = s.fen + excluded.fen, asked_fen = s.asked_fen + excluded.asked_fen,
       asked_orders = s.asked_orders + excluded.asked_orders, near_count = s.near_count + excluded.near_count,
       count_limit = CASE WHEN excluded.count = 0 THEN s.count_limit WHEN s.closed THEN s.count
                          ELSE excluded.count_limit END,
       fen_limit = CASE WHEN excluded.count = 0 THEN s.fen_limit ELSE excluded.fen_limit END
"""


def add(rows: Sequence[Added]) -> None:
    """Move counters, as ``moves`` orders them, in a transaction of the caller's, who holds the sale. Raises ``RoomTaken``."""
    if not rows:
        return
    row = (
        "(%s::text, %s::bigint, %s::text, %s::date, %s::int, %s::bigint, %s::bigint, %s::bigint, %s::bigint, %s::bool, "
        "%s::int, %s::int)"
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
