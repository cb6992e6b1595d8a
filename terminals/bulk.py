"""Storing many sales at once: COPY instead of INSERT, for imports of hundreds of thousands of lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from core.personal_data import phone_hashes, seal
from terminals.models import TransactionKind, TransactionStatus
from terminals.reporting import check_paid_at


@dataclass(frozen=True, slots=True)
class NewLine:
    """An article of a sale; amounts in fen."""

    sku: str
    name: str
    quantity: int
    unit_price_fen: int
    amount_fen: int


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
    lines: Sequence[NewLine]


_SALE_COLUMNS = (
    *("id", "merchant_id", "store_id", "terminal_id", "channel_account_id", "channel", "order_no"),
    *("channel_transaction_no", "kind", "status", "amount_fen", "reserved_fen", "refunded_fen", "paid_at", "cashier"),
    *("payer_phone", "payer_phone_hash", "payer_phone_last4_hash", "card_last4", "funding", "source", "created_at"),
)
_LINE_COLUMNS = (
    *("transaction_id", "position", "sku", "name", "quantity", "unit_price_fen", "amount_fen", "reserved_quantity"),
)
#: No text that came from a till or a file is just this.
_NULL = "\x1fnull"


@transaction.atomic
def store_sales(sales: Iterable[NewSale], *, source: str, at: datetime) -> int:
    """Store sales with their lines, all or none. Returns how many. Raises ``IntegrityError`` for one that is known and
    ``PaidInTheFuture`` for one that is yet to come.
    """
    sale_rows, line_rows = io.StringIO(), io.StringIO()
    write_sale, write_line = csv.writer(sale_rows).writerow, csv.writer(line_rows).writerow
    count = 0
    for sale in sales:
        count += 1
        check_paid_at(paid_at=sale.paid_at, at=at)
        write_sale(_sale_row(sale, source, at))
        for position, line in enumerate(sale.lines, start=1):
            write_line(
                (
                    *(sale.id, position, line.sku, line.name, line.quantity, line.unit_price_fen, line.amount_fen),
                    0,
                )
            )
    _copy("terminals_transaction", _SALE_COLUMNS, sale_rows)
    _copy("terminals_transactionline", _LINE_COLUMNS, line_rows)
    return count


def _sale_row(sale: NewSale, source: str, at: datetime) -> tuple[object, ...]:
    phone_hash, last4_hash = phone_hashes(sale.payer_phone)
    sealed = seal(sale.payer_phone, purpose="transaction.payer_phone") if sale.payer_phone else b""
    account = _NULL if sale.channel_account_id is None else sale.channel_account_id
    return (
        *(sale.id, sale.merchant_id, sale.store_id, sale.terminal_id, account, sale.channel),
        *(sale.order_no, sale.channel_transaction_no, TransactionKind.SALE.value, TransactionStatus.SUCCESS.value),
        *(sale.amount_fen, 0, 0, sale.paid_at.isoformat(), sale.cashier),
        *(_bytes(sealed), _bytes(phone_hash), _bytes(last4_hash), sale.card_last4, sale.funding, source),
        at.isoformat(),
    )


def _bytes(value: bytes | None) -> str:
    return _NULL if value is None else "\\x" + value.hex()


def _copy(table: str, columns: Sequence[str], rows: io.StringIO) -> None:
    rows.seek(0)
    names = ", ".join(columns)
    with connection.cursor() as cursor, connection.wrap_database_errors:
        raw: Any = cursor.cursor  # Django's wrapper knows no COPY
        raw.copy_expert(f"COPY {table} ({names}) FROM STDIN WITH (FORMAT csv, NULL '{_NULL}')", rows)
