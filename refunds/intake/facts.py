"""What is gathered about a sale, or an order of several payments, to judge a refund: one statement that reads, no models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from core.errors import NotFound
from core.numbers import spellings
from core.quantities import Quantity
from core.sql import PreparedStatement
from core.values import value
from merchants import channels
from merchants.models import Store
from payment_channels.profile import Profile
from refunds.rules.plan import Payable
from refunds.rules.worth import line_worths
from refunds.states import Route
from terminals import orders
from terminals.models import Transaction, TransactionLine


@value()
class SaleLine:
    """``returned`` pieces and ``given_fen`` of its worth are what other refunds have of it."""

    id: int
    sku: str
    name: str
    group: str
    kind: str
    quantity: Quantity
    returned: Quantity
    unit_price_fen: int
    amount_fen: int
    given_fen: int

    @classmethod
    def read(cls, row: Sequence[Any]) -> SaleLine:
        """From the database's JSON, where quantities are texts: a number there would be a float here."""
        line_id, sku, name, group, kind, quantity, returned, *amounts = row
        return cls(line_id, sku, name, group, kind, Decimal(quantity), Decimal(returned), *amounts)

    @classmethod
    def of(cls, line: TransactionLine) -> SaleLine:
        """A stored line."""
        return cls(
            *(line.pk, line.sku, line.name, line.group, line.kind, line.quantity, line.reserved_quantity),
            *(line.unit_price_fen, line.amount_fen, line.reserved_fen),
        )

    @property
    def returnable(self) -> Quantity:
        return self.quantity - self.returned


@value()
class Sale:
    """Everything about a payment that policy and payout look at.

    ``refunds`` counts the refunds of this sale that were not released: channels limit how many there may be.
    ``order_reserved_fen`` is what is reserved of all payments of its order: same number, store and day; ``order_payments``:
    how many there are. ``payments`` are those by which a refund of the whole order may go back; then the amounts are theirs
    together, and the rest is said of the first of them. ``worths``: what was paid for each line, where
    they are those of an order of several payments. ``hours`` are its store's (``merchants.hours``), ``calendar_days`` what the
    merchant says otherwise than the calendar, ``graces`` from, to (seconds since the epoch) and hours of disasters since the
    payment.
    """

    id: UUID
    merchant_id: int
    store_id: int
    store_code: str
    terminal_id: int | None
    terminal_code: str
    refunds_enabled: bool
    channel: str
    channel_account_id: int | None
    profile: Profile
    order_no: str
    status: str
    funding: str
    amount_fen: int
    payer_paid_fen: int | None
    refundable_fen: int
    paid_at: datetime
    order_date: date
    cashier: str
    remote: bool
    kind: str
    held: bool
    payment_word: str
    is_corrected: bool
    refunds: int
    order_reserved_fen: int
    order_payments: int
    payer_phone_hash: bytes | None
    card_last4: str
    policy_version_id: int
    policy_number: int
    hours: str
    calendar_days: Mapping[str, str] | None
    graces: Sequence[tuple[float, float, int]] | None
    lines: tuple[SaleLine, ...]
    payments: tuple[Sale, ...] = ()
    worths: tuple[int, ...] = ()

    @property
    def capacity(self) -> Payable:
        """What a refund of the order may send back by this payment."""
        return Payable(
            transaction_id=self.id,
            paid_at=self.paid_at,
            balance_fen=self.refundable_fen,
            refunds_left=1 if self.channel_account_id is None else self.profile.max_partials - self.refunds,
            route=Route.ORIGINAL if self.channel_account_id is not None else Route.CASH,
            is_stored_value=self.funding == "balance",
        )

    def is_open(self, at: datetime) -> bool:
        """Whether anything may go back by this payment on the way it came: paid, within its channel's window and count."""
        if self.status != "success" or not self.capacity.capacity_fen:
            return False
        in_time = at - self.paid_at <= timedelta(days=self.profile.window_days)
        return in_time if self.channel_account_id is not None else self.channel == Route.CASH


_NAMES = [column.name for column in fields(Sale)]
_CHANNEL, _PROFILE, _ORDER = (_NAMES.index(name) for name in ("channel", "profile", "order_reserved_fen"))

_SELECT = """
SELECT t.id, t.merchant_id, t.store_id, s.code, t.terminal_id, coalesce(k.code, ''), coalesce(k.refunds_enabled, true),
       t.channel, t.channel_account_id, coalesce(a.profile_overrides || a.measured, '{}')::text, t.order_no, t.status,
       t.funding, t.amount_fen, t.payer_paid_fen, t.amount_fen - t.reserved_fen, t.paid_at, {t_date}, t.cashier, t.remote,
       t.kind, t.held_at IS NOT NULL, t.payment_word, t.corrected_at IS NOT NULL, t.live_refunds,
       (SELECT ARRAY[sum(o.reserved_fen)::bigint, count(*) FILTER (WHERE o.status = 'success')]
          FROM ({of_number}) o
         WHERE o.store_id = t.store_id
           AND {o_date} = {t_date}),
       t.payer_phone_hash, t.card_last4, p.id, p.number, s.hours::text,
       CASE WHEN s.hours <> '{}' THEN (SELECT json_object_agg(d.date, d.kind) FROM merchants_calendarday d
                                        WHERE d.merchant_id = t.merchant_id) END,
       (SELECT json_agg(json_build_array(extract(epoch FROM g.starts_at)::float8, extract(epoch FROM g.ends_at)::float8, g.hours)
                        ORDER BY g.id)
          FROM merchants_grace g
         WHERE g.merchant_id = t.merchant_id AND g.ends_at >= t.paid_at AND g.starts_at <= $4
           AND (g.store_ids IS NULL OR t.store_id = ANY(g.store_ids))),
       (SELECT json_agg(json_build_array(l.id, l.sku, l.name, l."group", l.kind, l.quantity::text, l.reserved_quantity::text,
                                         l.unit_price_fen, l.amount_fen, l.reserved_fen) ORDER BY l.position)
          FROM terminals_transactionline l WHERE l.transaction_id = t.id)
  FROM ({found}) t
  JOIN merchants_store s ON s.id = t.store_id
  LEFT JOIN terminals_terminal k ON k.id = t.terminal_id
  LEFT JOIN merchants_channelaccount a ON a.id = t.channel_account_id
  JOIN LATERAL (SELECT v.id, v.number FROM merchants_policyversion v
                 WHERE v.merchant_id = t.merchant_id AND v.effective_from <= $4
                 ORDER BY v.effective_from DESC, v.number DESC LIMIT 1) p ON true
 WHERE t.merchant_id = $2 AND ($3 IS NULL OR t.store_id = ANY($3))
 LIMIT 50
""".replace("{t_date}", orders.ORDER_DATE.format("t")).replace("{o_date}", orders.ORDER_DATE.format("o"))
#: What is read of a payment: a subquery makes room for each column that it names.
_OF_PAYMENT = (
    "id, merchant_id, store_id, terminal_id, channel, channel_account_id, order_no, status, funding, amount_fen, "
    "payer_paid_fen, reserved_fen, paid_at, cashier, remote, kind, held_at, payment_word, corrected_at, live_refunds, "
    "payer_phone_hash, card_last4, joined_date"
)
#: The ``{columns}`` of a number's payments, ``{merchant}`` and ``{number}``. A range in an order, which only the index of
#: numbers has: with ``=`` any index that begins with the merchant costs a young table's plan no more, and the one that was
#: kept for a thousand runs read all of the merchant's payments.
_OF_NUMBER = (
    "SELECT {columns} FROM terminals_transaction x WHERE x.merchant_id = {merchant} "
    "AND x.order_no BETWEEN {number} AND {number} ORDER BY x.order_no OFFSET 0"
)


def _selecting(found: str, *, merchant: str = "", number: str = "") -> str:
    """The statement for the payments ``found``; ``{of_number}`` in it are those of this merchant's number.

    OFFSET 0 keeps the conditions outside from suggesting another index than that of the id or the order number: a plan that is
    kept must be right whatever the table's statistics said when it was made.
    """
    of_number = _OF_NUMBER.format(
        columns="store_id, paid_at, joined_date, status, reserved_fen", merchant="t.merchant_id", number="t.order_no"
    )
    found = found.replace("{of_number}", _OF_NUMBER.format(columns=_OF_PAYMENT, merchant=merchant, number=number))
    return _SELECT.replace("{of_number}", of_number).replace("{found}", found).replace("{of_payment}", _OF_PAYMENT)


_PARAMETERS = ("uuid", "bigint", "bigint[]", "timestamptz")
_BY_ID = PreparedStatement(
    "sale_by_id",
    _PARAMETERS,
    _selecting("SELECT {of_payment} FROM terminals_transaction WHERE id = $1 OFFSET 0"),
)
_OF_ORDER = PreparedStatement(
    "sales_of_order",
    _PARAMETERS,
    _selecting(
        "SELECT x.* FROM (SELECT * FROM terminals_transaction WHERE id = $1 OFFSET 0) y "  # noqa: S608 - our own text
        "CROSS JOIN LATERAL ({of_number}) x "
        "WHERE x.store_id = y.store_id AND x.status = 'success' "
        f"AND {orders.ORDER_DATE.format('x')} = {orders.ORDER_DATE.format('y')} OFFSET 0",
        merchant="y.merchant_id",
        number="y.order_no",
    ),
)
_BY_ORDER_NO = PreparedStatement(
    "sale_by_order_no",
    ("text[]", *_PARAMETERS[1:]),
    _selecting(
        "SELECT x.* FROM unnest($1) n (spelling) CROSS JOIN LATERAL ({of_number}) x OFFSET 0",
        merchant="$2",
        number="n.spelling",
    ),
)


def find_sale(
    *,
    merchant_id: int,
    at: datetime,
    transaction_id: UUID | None = None,
    order_no: str = "",
    store: str = "",
    store_ids: frozenset[int] | None = None,
    by_hand_fen: int | None = None,
    whole: bool = False,
) -> Sale:
    """The sale by its id, or the order by its number or by one of its payments (``whole``: numbers repeat by the day), with the
    payments by which a refund of it may go back.

    ``by_hand_fen``: what a person is to pay; that is taken of one payment, the largest that has as much left.
    Raises ``NotFound``, or ``Invalid`` when a number names several orders: ``facts["candidates"]`` are their payments.
    """
    stores = None if store_ids is None else sorted(store_ids)
    if store:
        stores_named = Store.objects.filter(merchant_id=merchant_id, code__in=spellings(store))
        named = set(stores_named.values_list("pk", flat=True))
        stores = sorted(named if store_ids is None else named & store_ids)
    with connection.cursor() as cursor:
        if transaction_id:
            _BY_ID.execute(cursor, [transaction_id, merchant_id, stores, at])
        else:
            _BY_ORDER_NO.execute(cursor, [list(spellings(order_no)), merchant_id, stores, at])
        found = [_sale(row) for row in cursor.fetchall()]
    if not found and order_no:
        found = _by_slip(order_no, merchant_id=merchant_id, stores=stores, at=at)
    if not found:
        raise NotFound("there is no such transaction", code="transaction_not_found")
    if transaction_id:
        (sale,) = found
        if whole and sale.order_payments > 1:
            return whole_order(sale=sale, at=at, own_fen={}, by_hand_fen=by_hand_fen)
        return sale if sale.order_payments < 2 else replace(sale, **_lines(_order_of(sale, at)))
    found = orders.as_asked(found, order_no)
    orders.check_one(found)
    # A payment that was declined is followed by another attempt: the one that is paid is meant.
    paid = [sale for sale in found if sale.status == "success"] or found
    if len(paid) == 1:
        return paid[0]
    return _whole(paid, at) if by_hand_fen is None else _largest(paid, by_hand_fen)


def _by_slip(number: str, *, merchant_id: int, stores: Sequence[int] | None, at: datetime) -> list[Sale]:
    """The payments of the order that a number on the payer's slip belongs to. Raises ``NotFound``, or ``Invalid`` where it may be
    several.
    """
    sales = Transaction.objects.filter(merchant_id=merchant_id)
    named = orders.by_slip(sales=sales if stores is None else sales.filter(store_id__in=stores), number=number)
    with connection.cursor() as cursor:
        _BY_ORDER_NO.execute(cursor, [[named.order_no], merchant_id, [named.store_id], at])
        return [sale for row in cursor.fetchall() if (sale := _sale(row)).order_date == named.order_date]


def whole_order(
    *, sale: Sale, at: datetime, own_fen: Mapping[UUID, tuple[int, int]], by_hand_fen: int | None = None
) -> Sale:
    """All payments of the sale's order as one, as ``find_sale`` has them; ``own_fen`` is what a stored request holds of each,
    which stands not against itself: amount and refunds.
    """
    payments = []
    for one in _order_of(sale, at):
        amount_fen, refunds = own_fen.get(one.id, (0, 0))
        payments.append(replace(one, refundable_fen=one.refundable_fen + amount_fen, refunds=one.refunds - refunds))
    return _whole(payments, at) if by_hand_fen is None else _largest(payments, by_hand_fen)


def _largest(payments: Sequence[Sale], by_hand_fen: int) -> Sale:
    largest = max(payments, key=lambda one: (one.refundable_fen, one.id))
    if largest.refundable_fen < by_hand_fen:
        raise orders.ambiguous(payments)
    return replace(largest, **_lines(payments))


def _lines(payments: Sequence[Sale]) -> dict[str, Any]:
    """The order's articles, and what was paid for each."""
    shares = orders.shares_of((one.id, one.amount_fen, one.lines) for one in payments)
    return {
        "lines": tuple(line for _, lines in shares for line in lines),
        "worths": tuple(fen for paid_fen, lines in shares for fen in line_worths(lines, paid_fen=paid_fen)),
    }


def _order_of(sale: Sale, at: datetime) -> list[Sale]:
    """All paid payments of the sale's order."""
    with connection.cursor() as cursor:
        _OF_ORDER.execute(cursor, [sale.id, sale.merchant_id, None, at])
        return [_sale(row) for row in cursor.fetchall()]


def _whole(payments: Sequence[Sale], at: datetime) -> Sale:
    """An order's payments as one sale. One that nothing can go back by is left out of what may be refunded."""
    in_order = sorted(payments, key=lambda one: (one.paid_at, one.id))
    usable = [one for one in in_order if one.is_open(at)]
    lines = _lines(in_order)
    if len(usable) < 2:
        return replace(usable[0] if usable else in_order[0], **lines)
    first = next((one for one in usable if one.channel_account_id is not None), usable[0])
    return replace(
        first,
        amount_fen=sum(one.amount_fen for one in in_order),
        refundable_fen=sum(one.refundable_fen for one in usable),
        # The plan keeps to each payment's own count.
        refunds=0,
        payer_phone_hash=next((one.payer_phone_hash for one in usable if one.payer_phone_hash), None),
        payments=tuple(usable),
        **lines,
    )


def _sale(row: Sequence[Any]) -> Sale:
    *columns, lines = row
    columns[_PROFILE] = channels.usable_profile_of_text(columns[_CHANNEL], columns[_PROFILE])
    columns[_ORDER : _ORDER + 1] = columns[_ORDER]
    columns.append(tuple(map(SaleLine.read, lines or ())))
    return Sale(*columns)
