"""Invoices as sales of the retail chain. Channel, till, cashier and phone are synthetic, and labelled so.

``source`` of every such sale is ``online-retail``; tills are called ``SYN-xx`` and cashiers ``SYN...``; the phone is the
customer's number with 138 before it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from django.db import transaction
from uuid_utils.compat import uuid7

from core.calendar import SHANGHAI
from core.errors import NotFound
from merchants.models import Merchant, Store
from samples.retail.lines import Kind, Line, opened
from samples.retail.tally import Tally
from terminals.bulk import NewSale, store_sales
from terminals.models import Funding, Terminal, Transaction
from terminals.reporting import SaleLine

SOURCE = "online-retail"
CHANNEL = "wechat"
_CHUNK = 1000
#: Lines of an invoice stand together but for rare stragglers: so many invoices are kept open for them.
_OPEN_INVOICES = 64


@dataclass(slots=True)
class Invoice:
    """A sale as the file has it."""

    number: str
    at: datetime
    customer: str
    lines: list[Line] = field(default_factory=list)

    @property
    def order_no(self) -> str:
        return order_no_of(self.number)

    @property
    def channel_transaction_no(self) -> str:
        return f"42000099{self.number:0>20}"

    @property
    def amount_fen(self) -> int:
        return sum(line.quantity * line.price_fen for line in self.lines)


@dataclass(slots=True)
class Outcome:
    """What became of a file."""

    tally: Tally = field(default_factory=Tally)
    stored: int = 0
    stored_lines: int = 0
    known: int = 0
    shift: timedelta = timedelta()


def order_no_of(invoice: str) -> str:
    """The order number of an invoice's sale."""
    return f"OR-{invoice}"


def load(*, file: Path, merchant: Merchant, now: datetime, shift_to_recent: bool) -> Outcome:
    """Store the file's invoices as sales, all or none; those that are known already stay as they are.

    With ``shift_to_recent`` all dates move by the same number of days, so that the last invoice is yesterday's. Raises
    ``FormatError``, ``OSError``, or ``NotFound`` where the merchant has no account at the channel.
    """
    outcome = Outcome(shift=shift_of(file, now=now) if shift_to_recent else timedelta())
    with opened(file) as lines:
        store(invoices(outcome.tally.watch(lines)), merchant=merchant, now=now, outcome=outcome)
    return outcome


def shift_of(file: Path, *, now: datetime) -> timedelta:
    """Whole days from the file's last line to yesterday."""
    with opened(file) as lines:
        last = max((line.at for line in lines if line.kind is not Kind.BAD), default=None)
    return timedelta() if last is None else days_to_yesterday(last, now=now)


def days_to_yesterday(last: datetime, *, now: datetime) -> timedelta:
    """The whole days by which ``last`` must move to fall on the day before ``now``."""
    yesterday = now.astimezone(SHANGHAI).date() - timedelta(days=1)
    return timedelta(days=(yesterday - last.astimezone(SHANGHAI).date()).days)


def invoices(lines: Iterable[Line]) -> Iterator[Invoice]:
    """Group sales lines by invoice, in order of appearance."""
    still_open: OrderedDict[str, Invoice] = OrderedDict()
    for line in lines:
        if line.kind is not Kind.SALE:
            continue
        invoice = still_open.get(line.invoice)
        if invoice is None:
            invoice = still_open[line.invoice] = Invoice(line.invoice, line.at, line.customer)
            if len(still_open) > _OPEN_INVOICES:
                yield still_open.popitem(last=False)[1]
        invoice.lines.append(line)
    yield from still_open.values()


@transaction.atomic
def store(sales: Iterable[Invoice], *, merchant: Merchant, now: datetime, outcome: Outcome) -> None:
    """Store invoices that are not known yet, counting into ``outcome``."""
    # A second loader of this merchant waits here and then finds everything known.
    Merchant.objects.select_for_update().get(pk=merchant.pk)
    account = merchant.channel_accounts.filter(channel=CHANNEL, is_active=True).first()
    if account is None:
        raise NotFound(f"{merchant.code} has no account at {CHANNEL}")
    tills = _tills(merchant)
    known = set(Transaction.objects.filter(merchant=merchant, source=SOURCE).values_list("order_no", flat=True))
    remaining = iter(sales)
    while chunk := list(islice(remaining, _CHUNK)):
        new = [invoice for invoice in chunk if invoice.order_no not in known]
        known.update(invoice.order_no for invoice in new)
        outcome.known += len(chunk) - len(new)
        outcome.stored_lines += sum(len(invoice.lines) for invoice in new)
        outcome.stored += store_sales(
            (_new_sale(invoice, merchant, tills, account.pk, outcome.shift) for invoice in new), source=SOURCE, at=now
        )


def _tills(merchant: Merchant) -> list[tuple[Store, Terminal]]:
    """A synthetic till in every store."""
    tills = []
    for number, store_row in enumerate(merchant.stores.order_by("code"), start=1):
        till, _ = Terminal.objects.get_or_create(
            store=store_row, code=f"SYN-{number:02d}", defaults={"software_version": "synthetic"}
        )
        tills.append((store_row, till))
    return tills


def _new_sale(
    invoice: Invoice,
    merchant: Merchant,
    tills: list[tuple[Store, Terminal]],
    account_id: int,
    shift: timedelta,
) -> NewSale:
    paid_at = invoice.at + shift
    number = int(invoice.number)
    store_row, till = tills[number % len(tills)]
    return NewSale(
        id=uuid7(nanoseconds=int(paid_at.timestamp()) * 1_000_000_000),
        merchant_id=merchant.pk,
        store_id=store_row.pk,
        terminal_id=till.pk,
        channel_account_id=account_id,
        channel=CHANNEL,
        order_no=invoice.order_no,
        channel_transaction_no=invoice.channel_transaction_no,
        amount_fen=invoice.amount_fen,
        paid_at=paid_at,
        cashier=f"SYN{number % 12 + 1:02d}",
        payer_phone=f"138{int(invoice.customer):08d}" if invoice.customer.isdecimal() else "",
        card_last4="",
        funding=Funding.BALANCE,
        lines=[
            SaleLine(line.sku, line.name or line.sku, line.quantity, line.price_fen, line.quantity * line.price_fen)
            for line in invoice.lines
        ],
    )


def payment(invoice: Invoice, *, shift: timedelta) -> Mapping[str, object]:
    """The invoice's payment as a stand-in channel is told of it."""
    return {
        "order_no": invoice.order_no,
        "transaction_no": invoice.channel_transaction_no,
        "amount_fen": invoice.amount_fen,
        "paid_at": (invoice.at + shift).isoformat(timespec="seconds"),
    }
