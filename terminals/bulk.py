"""Storing many sales at once, for imports of hundreds of thousands of lines."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from core.personal_data import phone_hashes, seal
from core.sql import insert_rows
from terminals import joining
from terminals.models import Transaction, TransactionKind, TransactionLine, TransactionStatus
from terminals.reporting import SaleLine, check_lines, check_paid_at


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSale:
    """A paid sale that is not stored yet. ``id`` should be a UUID 7 of ``paid_at``: lists are ordered by it."""

    id: UUID
    merchant_id: int
    store_id: int
    terminal_id: int
    channel_account_id: int | None
    channel: str
    order_no: str
    channel_transaction_no: str
    amount_fen: int
    paid_at: datetime
    cashier: str
    payer_phone: str
    card_last4: str
    funding: str
    lines: Sequence[SaleLine]


_SALE_COLUMNS = (
    *("id", "merchant_id", "store_id", "terminal_id", "channel_account_id", "channel", "order_no"),
    *("channel_transaction_no", "kind", "status", "amount_fen", "reserved_fen", "refunded_fen", "paid_at", "cashier"),
    *("payer_phone", "payer_phone_hash", "payer_phone_last4_hash", "card_last4", "funding", "source", "reported_by"),
    "created_at",
)
_LINE_COLUMNS = (
    "transaction_id",
    "position",
    "sku",
    "name",
    "group",
    "kind",
    "quantity",
    "unit_price_fen",
    "amount_fen",
)


@transaction.atomic
def store_sales(sales: Iterable[NewSale], *, source: str, at: datetime) -> int:
    """Store sales with their lines, all or none, and join those that are payments of one order, as if each had been reported in
    the order of time. Returns how many. Raises ``IntegrityError`` for one that is known and
    ``PaidInTheFuture`` for one that is yet to come, ``LinesDoNotAddUp`` for one whose lines are not what was paid.
    """
    lines: list[tuple[object, ...]] = []
    orders = defaultdict[_Number, list[UUID]](list)
    nights = set[_Number]()

    def rows() -> Iterator[tuple[object, ...]]:
        for sale in sales:
            check_paid_at(paid_at=sale.paid_at, at=at)
            check_lines(amounts_fen=[line.amount_fen for line in sale.lines], paid_fen=sale.amount_fen)
            for position, line in enumerate(sale.lines, start=1):
                amounts = (line.quantity, line.unit_price_fen, line.amount_fen)
                lines.append((sale.id, position, line.sku, line.name, line.group, str(line.kind), *amounts))
            number = (sale.merchant_id, sale.store_id, sale.order_no)
            orders[number].append(sale.id)
            if joining.is_night(sale.paid_at):
                nights.add(number)
            yield _sale_row(sale, source, at)

    count = insert_rows(Transaction, _SALE_COLUMNS, rows())
    insert_rows(TransactionLine, _LINE_COLUMNS, lines)
    _join(orders, nights)
    return count


#: Merchant, store and the order's number.
_Number = tuple[int, int, str]

_ON_SEVERAL_DAYS = """
SELECT n.store_id, n.order_no FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) n (merchant_id, store_id, order_no)
  JOIN terminals_transaction t
    ON t.merchant_id = n.merchant_id AND t.order_no = n.order_no AND t.store_id = n.store_id
 GROUP BY n.store_id, n.order_no HAVING count(DISTINCT (t.paid_at AT TIME ZONE 'Asia/Shanghai')::date) > 1
"""


def _join(orders: Mapping[_Number, Sequence[UUID]], nights: Collection[_Number]) -> None:
    """Give payments the day of their order where that is another one: only a number of several days, or of a night, has such."""
    for store_id in sorted({store_id for _, store_id, _ in orders}):
        joining.lock_store(store_id)
    with connection.cursor() as cursor:
        cursor.execute(_ON_SEVERAL_DAYS, [list(column) for column in zip(*orders, strict=True)] or [[], [], []])
        several = set(cursor.fetchall())
    wanted = [number for number in orders if number in nights or number[1:] in several]
    for number in wanted:
        waiting = set(orders[number])
        found = Transaction.objects.filter(pk__in=waiting).select_related("store").prefetch_related("lines")
        for sale in found.order_by("paid_at", "pk"):
            sale.joined_date = joining.order_of(joining.told(sale), but=waiting).joined_date
            waiting.discard(sale.pk)
            if sale.joined_date is not None:
                sale.save(update_fields=["joined_date"])


def _sale_row(sale: NewSale, source: str, at: datetime) -> tuple[object, ...]:
    phone_hash, last4_hash = phone_hashes(sale.payer_phone)
    sealed = seal(sale.payer_phone, purpose="transaction.payer_phone") if sale.payer_phone else b""
    return (
        *(sale.id, sale.merchant_id, sale.store_id, sale.terminal_id, sale.channel_account_id, sale.channel),
        *(sale.order_no, sale.channel_transaction_no, TransactionKind.SALE.value, TransactionStatus.SUCCESS.value),
        *(sale.amount_fen, 0, 0, sale.paid_at, sale.cashier),
        *(sealed, phone_hash, last4_hash, sale.card_last4, sale.funding, source),
        *(f"loader: {source}", at),
    )
