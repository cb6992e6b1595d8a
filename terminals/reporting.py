"""Taking in a sale that a terminal or shop reports."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet, Sum

from core.calendar import SHANGHAI
from core.errors import Conflict, FieldError, Invalid
from core.money import yuan
from core.personal_data import phone_hashes
from core.plain_text import name_key
from core.quantities import Quantity
from merchants.models import Store
from merchants.principals import Principal
from merchants.rights import Act, check_may
from terminals.accounts import account_of
from terminals.models import LineKind, Terminal, Transaction, TransactionLine

#: How far a clock at the till may be ahead of ours.
CLOCKS_DIFFER = timedelta(minutes=5)
_CHINA = timedelta(hours=8)
_DAY = timedelta(days=1)


class PaidInTheFuture(Invalid):
    """A sale that is yet to come. Windows, voids and days of limits would be reckoned from a moment that never was."""

    code = "paid_in_the_future"


class SaleDiffers(Conflict):
    """The channel's number is known with other facts; ``errors`` names them, ``facts["transaction"]`` is that sale."""

    code = "sale_differs"


class LinesDoNotAddUp(Invalid):
    """The lines come to another amount than was paid."""

    code = "lines_do_not_add_up"


@dataclass(frozen=True, slots=True)
class SaleLine:
    """A line of a sale; amounts in fen, of the line with its own discounts taken off. What was taken off the whole order is a
    line of its own, with a minus.
    """

    sku: str
    name: str
    quantity: Quantity
    unit_price_fen: int
    amount_fen: int
    kind: str = LineKind.ARTICLE
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedSale:
    order_no: str
    channel: str
    channel_transaction_no: str
    kind: str
    amount_fen: int
    paid_at: datetime
    store: str
    terminal: str
    cashier: str
    payer_phone: str
    card_last4: str
    funding: str
    lines: Sequence[SaleLine]
    #: What the whole order came to, where this is one of its payments and the lines are the order's.
    order_amount_fen: int | None = None
    remote: bool = False


def check_paid_at(*, paid_at: datetime, at: datetime) -> None:
    """Raise ``PaidInTheFuture`` for a sale later than any clock's error, whichever way it came in; it guesses why."""
    ahead = paid_at - at
    if ahead <= CLOCKS_DIFFER:
        return
    now = f"now it is {at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    if ahead <= _CHINA + CLOCKS_DIFFER:
        hint = "check the offset (a local time in China ends in +08:00, not in Z) and the till's clock"
    else:
        hint = "check the till's clock"
    message = f"the sale would be paid in the future; {now}; {hint}"
    raise PaidInTheFuture(message, errors=[FieldError("paid_at", "in_the_future", message)])


def check_lines(*, amounts_fen: Iterable[int], paid_fen: int, order_fen: Container[int] = ()) -> None:
    """Raise ``LinesDoNotAddUp`` unless lines of these amounts come to what was paid, or to an order of several payments. A sale
    without lines says nothing of them.
    """
    amounts = list(amounts_fen)
    if not amounts or sum(amounts) == paid_fen or sum(amounts) in order_fen:
        return
    over_fen = sum(amounts) - paid_fen
    hint = (
        "a discount of the order is a line of its own with a minus (kind discount), cut-off change too (kind rounding); "
        "of an order with several payments say order_amount_fen"
        if over_fen > 0
        else "a line is missing, or one says too little"
    )
    message = (
        f"the lines come to {yuan(sum(amounts))} and {yuan(paid_fen)} was paid: "
        f"{yuan(abs(over_fen))} too {'much' if over_fen > 0 else 'little'}; {hint}"
    )
    raise LinesDoNotAddUp(
        message,
        errors=[FieldError("lines", LinesDoNotAddUp.code, message)],
        lines_fen=sum(amounts),
        amount_fen=paid_fen,
        difference_fen=over_fen,
    )


def report_sale(*, sale: ReportedSale, by: Principal, at: datetime) -> tuple[Transaction, bool]:
    """The sale and whether it is new; the same channel number is the same sale. Raises ``Invalid`` for an unknown place,
    ``PaidInTheFuture``, ``LinesDoNotAddUp``, and ``SaleDiffers`` where the same number was reported with other facts.

    Sales come from keys: a sale invented in a browser could be refunded. Raises ``Forbidden``, and ``Conflict``
    where the payment was reported by a store that the reporter may not see.
    """
    check_may(Act.REPORT_SALE, by=by)
    check_paid_at(paid_at=sale.paid_at, at=at)
    store = store_named(sale.store, by=by)
    terminal = terminal_named(sale.terminal, store=store)
    known = Transaction.objects.filter(
        merchant_id=by.acting_for, channel=sale.channel, channel_transaction_no=sale.channel_transaction_no
    )
    if (existing := known.first()) is not None:
        return _same(existing, sale, by), False
    told_fen = max(sale.order_amount_fen or 0, sale.amount_fen)
    others_fen = other_payments_fen(order_no=sale.order_no, store=store, paid_at=sale.paid_at)
    check_lines(
        amounts_fen=[line.amount_fen for line in sale.lines],
        paid_fen=sale.amount_fen,
        order_fen=[told_fen, sale.amount_fen + others_fen],
    )
    try:
        with transaction.atomic():
            return _create(sale, store, terminal, by, at), True
    except IntegrityError:
        # Reported twice at once: the other one was faster.
        return _same(known.get(), sale, by), False


def store_named(code: str, *, by: Principal) -> Store:
    """A store of theirs. Raises ``Invalid``."""
    store = Store.objects.filter(merchant_id=by.acting_for, code=code).first()
    if store is None or not by.works_in(store.pk):
        raise Invalid("there is no such store", code="unknown_store")
    return store


def terminal_named(code: str, *, store: Store) -> Terminal | None:
    """A terminal of the store; none for no code. Raises ``Invalid``."""
    if not code:
        return None
    terminal = Terminal.objects.filter(store=store, code=code).first()
    if terminal is None:
        raise Invalid("the store has no such terminal", code="unknown_terminal")
    return terminal


def other_payments_fen(*, order_no: str, store: Store, paid_at: datetime, but: Transaction | None = None) -> int:
    """What the other payments of an order come to: the same number, store and day."""
    start = datetime.combine(paid_at.astimezone(SHANGHAI).date(), time(), SHANGHAI)
    others = Transaction.objects.filter(
        merchant_id=store.merchant_id, order_no=order_no, store=store, paid_at__gte=start, paid_at__lt=start + _DAY
    )
    if but is not None:
        others = others.exclude(pk=but.pk)
    return others.aggregate(sum=Sum("amount_fen"))["sum"] or 0


def _same(existing: Transaction, sale: ReportedSale, by: Principal) -> Transaction:
    """The sale as it is known, where the reporter may see it and says the same of it."""
    if not by.works_in(existing.store_id):
        raise Conflict("another store has reported this payment", code="reported_elsewhere")
    differing = [(name, known) for name, known, told in _compared(existing, sale) if known != told]
    if differing:
        names = ", ".join(name for name, _ in differing)
        raise SaleDiffers(
            f"this payment is known with another {names}; a sale is changed by a correction",
            errors=[FieldError(name, "differs", _known_as(name, known)) for name, known in differing],
            transaction=str(existing.pk),
        )
    return existing


def _known_as(name: str, known: object) -> str:
    """What differs, with what is known where it says nothing of the customer."""
    if name.startswith("payer.") or name == "lines":
        return "this payment is known with another value"
    return f"this payment is known with {known.isoformat() if isinstance(known, datetime) else known or 'none'}"


def _compared(existing: Transaction, sale: ReportedSale) -> Iterator[tuple[str, object, object]]:
    """Field of the report, as known, as reported; in the form in which two spellings of one fact are equal."""
    terminal = existing.terminal.code if existing.terminal else ""
    yield "order_no", existing.order_no, sale.order_no
    yield "kind", existing.kind, sale.kind
    yield "remote", existing.remote, sale.remote
    yield "amount_fen", existing.amount_fen, sale.amount_fen
    yield "paid_at", existing.paid_at, sale.paid_at
    yield "store", existing.store.code, sale.store
    yield "terminal", terminal, sale.terminal
    yield "cashier", name_key(existing.cashier), name_key(sale.cashier)
    yield (
        "payer.phone",
        existing.payer_phone_hash and bytes(existing.payer_phone_hash),
        phone_hashes(sale.payer_phone)[0],
    )
    yield "payer.card_last4", existing.card_last4, sale.card_last4
    yield "payer.funding", existing.funding, sale.funding
    yield "lines", sorted(map(_line_facts, lines_of(existing))), sorted(map(_line_facts, sale.lines))


def _line_facts(line: SaleLine | TransactionLine) -> tuple[object, ...]:
    return (line.sku, line.name, line.group, str(line.kind), line.quantity, line.unit_price_fen, line.amount_fen)


def lines_of(sale: Transaction) -> QuerySet[TransactionLine]:
    return sale.lines.order_by("position")


def _create(sale: ReportedSale, store: Store, terminal: Terminal | None, by: Principal, at: datetime) -> Transaction:
    account = account_of(store=store, channel=sale.channel, paid_at=sale.paid_at)
    phone_hash, last4_hash = phone_hashes(sale.payer_phone)
    created = Transaction.objects.create(
        merchant_id=store.merchant_id,
        store=store,
        terminal=terminal,
        channel_account=account,
        channel=sale.channel,
        order_no=sale.order_no,
        channel_transaction_no=sale.channel_transaction_no,
        kind=sale.kind,
        remote=sale.remote,
        amount_fen=sale.amount_fen,
        paid_at=sale.paid_at,
        cashier=sale.cashier,
        payer_phone=sale.payer_phone,
        payer_phone_hash=phone_hash,
        payer_phone_last4_hash=last4_hash,
        card_last4=sale.card_last4,
        funding=sale.funding,
        reported_by=by.name[:80],
        reported_by_key_id=by.key_id,
        created_at=at,
    )
    TransactionLine.objects.bulk_create(
        TransactionLine(transaction=created, position=position, **asdict(line))
        for position, line in enumerate(sale.lines, start=1)
    )
    return created
