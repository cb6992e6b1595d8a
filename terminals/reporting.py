"""Taking in a sale that a terminal or shop reports."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from core.audit.record import record_of
from core.calendar import SHANGHAI
from core.errors import Conflict, FieldError, Invalid
from core.errors import existing as existing_row
from core.money import yuan
from core.personal_data import phone_hashes
from core.plain_text import name_key
from core.quantities import Quantity
from merchants.models import Store
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may
from terminals import joining, versions
from terminals.accounts import account_of
from terminals.models import Funding, LineKind, Terminal, Transaction, TransactionLine, TransactionStatus
from terminals.versions import CORRECTED

#: The reason of the correction that completes a pending sale, as the audit trail has it.
TILL_SAYS = "till_says"
#: The same of one that says what its first report had left out, such as what it called the payment.
TILL_NAMES = "till_names"

#: How far a clock at the till may be ahead of ours.
CLOCKS_DIFFER = timedelta(minutes=5)
_CHINA = timedelta(hours=8)


class PaidInTheFuture(Invalid, code="paid_in_the_future"):
    """A sale that is yet to come. Windows, voids and days of limits would be reckoned from a moment that never was."""


class SaleDiffers(Conflict, code="sale_differs"):
    """The channel's number is known with other facts; ``errors`` names them, ``facts["transaction"]`` is that sale."""


class PayerPaidTooMuch(Invalid, code="payer_paid_too_much"):
    """The payer would have paid more than the sale's amount."""


class LinesDoNotAddUp(Invalid, code="lines_do_not_add_up"):
    """The lines come to another amount than was paid."""


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
    """``status``: whether the payment is through, as far as the till knows."""

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
    status: str = TransactionStatus.SUCCESS
    remote: bool = False
    #: The shop's own number of this payment at its channel, all that is known of one that had no answer.
    payment_no: str = ""
    #: What the payer paid where a coupon paid the rest.
    payer_paid_fen: int | None = None


def payer_paid(*, paid_fen: int | None, amount_fen: int) -> int | None:
    """What a sale keeps of it: None where the payer paid all. Raises ``PayerPaidTooMuch``."""
    if paid_fen is not None and not 0 <= paid_fen <= amount_fen:
        message = f"the payer paid {yuan(paid_fen)} of a sale of {yuan(amount_fen)}: it is from 0 to that"
        raise PayerPaidTooMuch(message, errors=[FieldError("payer.paid_fen", PayerPaidTooMuch.code)])
    return None if paid_fen == amount_fen else paid_fen


def check_paid_at(*, paid_at: datetime, at: datetime) -> None:
    """Raise ``PaidInTheFuture`` for a sale later than any clock's error, whichever way it came in; it guesses why."""
    ahead = paid_at - at
    if ahead <= CLOCKS_DIFFER:
        return
    hint = (
        _(
            "It is in the future: check the offset (a local time in China ends in +08:00, not in Z) and the till's clock."
        )
        if ahead <= _CHINA + CLOCKS_DIFFER
        else _("It is in the future: check the till's clock.")
    )
    raise PaidInTheFuture(
        f"the sale would be paid in the future; now it is {at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        errors=[FieldError("paid_at", "in_the_future", hint)],
    )


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
        else "a line is missing, or one says too little; tax, service and delivery on top are lines of their own too"
    )
    message = (
        f"the lines come to {yuan(sum(amounts))} and {yuan(paid_fen)} was paid: "
        f"{yuan(abs(over_fen))} too {'much' if over_fen > 0 else 'little'}; {hint}"
    )
    words = (
        (_("The lines and what was paid differ by just a hundred times: one is in yuan and the other in fen."),)
        if paid_fen == sum(amounts) * 100 or paid_fen * 100 == sum(amounts)
        else ()
        if over_fen > 0
        else (_("The lines come to less than was paid: one is missing. Tax, service and delivery are lines, too."),)
    )
    raise LinesDoNotAddUp(
        message,
        errors=[FieldError("lines", LinesDoNotAddUp.code, *words)],
        lines_fen=sum(amounts),
        amount_fen=paid_fen,
        difference_fen=over_fen,
    )


def report_sale(
    *, sale: ReportedSale, by: Principal, at: datetime, act: Act = Act.REPORT_SALE
) -> tuple[Transaction, bool]:
    """The sale and whether it is new; the same channel number is the same sale. Raises ``Invalid`` for an unknown place,
    ``PaidInTheFuture``, ``PayerPaidTooMuch``, ``LinesDoNotAddUp``, and ``SaleDiffers`` where the same number was reported with
    other facts.

    Sales come from keys, or from a file that a second person has confirmed (``act``): one invented in a browser could be
    refunded. Raises ``Forbidden``, and ``Conflict`` where the payment was reported by a store that the reporter may not see.
    """
    check_may(act, by=by)
    check_paid_at(paid_at=sale.paid_at, at=at)
    sale = replace(sale, payer_paid_fen=payer_paid(paid_fen=sale.payer_paid_fen, amount_fen=sale.amount_fen))
    if sale.channel == "cash" and sale.status != TransactionStatus.SUCCESS:
        raise Invalid("cash was paid, or there is no sale: nobody could be asked about it", code="nobody_to_ask")
    _check_numbers(sale)
    store = store_named(sale.store, by=by)
    # A key's right to what it filed itself: the file is its own.
    check_may(act, by=by, subject=Subject(merchant_id=store.merchant_id, store_id=store.pk, is_own=True))
    terminal = terminal_named(sale.terminal, store=store)
    sale = replace(sale, store=store.code, terminal=terminal.code if terminal else "")
    if (existing := _known(sale, by)) is not None:
        return _same(existing, sale, by, at), False
    if store.closed_at is not None and sale.paid_at > store.closed_at:
        raise Invalid("the store was closed when this was paid", code="store_closed")
    told_fen = max(sale.order_amount_fen or 0, sale.amount_fen)
    paid = joining.Paid(
        order_no=sale.order_no,
        store=store,
        paid_at=sale.paid_at,
        amount_fen=sale.amount_fen,
        lines=sale.lines,
        order_fen=told_fen,
    )
    try:
        with transaction.atomic():
            joining.lock_order(store_id=store.pk, order_no=sale.order_no)
            order = joining.order_of(paid)
            check_lines(
                amounts_fen=[line.amount_fen for line in sale.lines],
                paid_fen=sale.amount_fen,
                order_fen=[told_fen, sale.amount_fen + order.others_fen],
            )
            return _create(sale, store, terminal, order.joined_date, by, at), True
    except IntegrityError:
        # Reported twice at once: the other one was faster.
        return _same(existing_row(_known(sale, by), "sale"), sale, by, at), False


def _known(sale: ReportedSale, by: Principal) -> Transaction | None:
    """The sale as it was reported before: by the channel's number, or else by the shop's own."""
    of = Transaction.objects.filter(merchant_id=by.acting_for, channel=sale.channel)
    found = of.filter(channel_transaction_no=sale.channel_transaction_no) if sale.channel_transaction_no else of.none()
    return found.first() or (of.filter(payment_no=sale.payment_no).first() if sale.payment_no else None)


def _check_numbers(sale: ReportedSale) -> None:
    """Raise ``Invalid`` where nothing names the payment, or one that is through has no number of the channel's."""
    if sale.channel_transaction_no or (sale.payment_no and sale.status != TransactionStatus.SUCCESS):
        return
    raise Invalid("the channel's number is missing", code="channel_number_missing")


def store_named(code: str, *, by: Principal) -> Store:
    """A store of theirs. Raises ``Invalid``."""
    stores = Store.objects.filter(merchant_id=by.acting_for)
    store = stores.filter(code=code).first() or stores.filter(code__iexact=code).first()
    if store is None or not by.works_in(store.pk):
        raise Invalid("there is no such store", code="unknown_store")
    return store


def terminal_named(code: str, *, store: Store) -> Terminal | None:
    """A terminal of the store; none for no code. Raises ``Invalid``."""
    if not code:
        return None
    terminals = Terminal.objects.filter(store=store)
    terminal = terminals.filter(code=code).first() or terminals.filter(code__iexact=code).first()
    if terminal is None:
        raise Invalid("the store has no such terminal", code="unknown_terminal")
    return terminal


def join(sale: Transaction) -> joining.Order:
    """Where a stored payment belongs as it is said from now on; the sale has it, the caller saves in the same transaction."""
    joining.lock_order(store_id=sale.store_id, order_no=sale.order_no)
    order = joining.order_of(joining.told(sale), but=[sale.pk])
    sale.joined_date = order.joined_date
    return order


def _same(existing: Transaction, sale: ReportedSale, by: Principal, at: datetime) -> Transaction:
    """The sale as it is known, where the reporter may see it and says the same of it, or what was said before a correction: who
    only repeats their report contradicts nothing, and reads what has become of it.
    """
    if not by.works_in(existing.store_id):
        raise Conflict("another store has reported this payment", code="reported_elsewhere")
    # What a correction took away stays away; a payment's numbers are no part of one.
    names = _FILLED if existing.corrected_at is None else _NUMBERS
    # What was reported as pending may be through by now, and a late repeat of that report says nothing else.
    has_ended = sale.status == TransactionStatus.PENDING != existing.status
    known_better = _LEARNED_LATE if has_ended else frozenset()
    differing = [
        (name, known) for name, known, told in _compared(existing, sale) if known != told and name not in known_better
    ]
    differing_names = {name for name, _ in differing}
    if differing and _is_through(existing, sale, differing_names):
        existing, differing = _complete(existing.pk, sale, by, at), []
    was_told = differing and not differing_names & _NEVER_CORRECTED and versions.was_told(existing, _as_told(sale))
    if differing and not was_told:
        listed = ", ".join(name for name, _ in differing)
        raise SaleDiffers(
            f"this payment is known with another {listed}; a sale is changed by a correction",
            errors=[FieldError(name, "differs", _known_as(name, known)) for name, known in differing],
            transaction=str(existing.pk),
        )
    told = {name: value for name in names if (value := _said(sale, name)) and not _said(existing, name)}
    return _filled(existing, sale, told, by, at) if told else existing


#: What a repeat may say of a sale that was reported without it: where and by whom it was taken, and the payment's numbers. None
#: of it says how much was paid, or who may ask for it back: the payer and the articles are told by a correction.
_NUMBERS = ("payment_no", "channel_transaction_no")
_FILLED = (*_NUMBERS, "terminal", "cashier", "funding")


def _said(sale: Transaction | ReportedSale, name: str) -> str:
    """What is said of it, "" where it is left out."""
    said = getattr(sale, name)
    return "" if said in (None, Funding.UNKNOWN) else said.code if isinstance(said, Terminal) else str(said)


@transaction.atomic
def _filled(
    existing: Transaction, sale: ReportedSale, told: Mapping[str, str], by: Principal, at: datetime
) -> Transaction:
    """The same payment told once more, now with what the first report had left out, such as the shop's own number of it: the
    number on the payer's slip. It says nothing of money and contradicts nothing, so that it is no correction of the sale. Raises
    ``SaleDiffers`` where a number is another payment's.
    """
    known = Transaction.objects.select_for_update().get(pk=existing.pk)
    if any(_said(known, name) for name in told):
        return _same(known, sale, by, at)  # another report was faster, and may say something else
    of = Transaction.objects.filter(merchant_id=known.merchant_id, channel=known.channel).exclude(pk=known.pk)
    for name in _NUMBERS:
        if name in told and of.filter(**{name: told[name]}).exists():
            raise SaleDiffers(
                f"this {name} is another payment's",
                errors=[FieldError(name, "differs", _known_as(name, ""))],
                transaction=str(known.pk),
            )
    for name, value in told.items():
        setattr(known, name, terminal_named(value, store=known.store) if name == "terminal" else value)
    known.save(update_fields=list(told))
    data = {"reason": TILL_NAMES, "before": dict.fromkeys(told, ""), "after": dict(told)}
    record_of(known, by=by.actor, action=CORRECTED, at=at, data=data)
    return known


#: What a till learns only when a payment goes through, or does not.
_LEARNED_LATE = frozenset({"status", "paid_at", "channel_transaction_no", "payer.funding", "payer.paid_fen"})
_ENDED = (TransactionStatus.SUCCESS, TransactionStatus.DECLINED)
#: What no correction changes: a report that says otherwise was never a version of the sale.
_NEVER_CORRECTED = frozenset({"channel_transaction_no", "payment_no", "remote"})


def _is_through(existing: Transaction, sale: ReportedSale, differing: Set[str]) -> bool:
    """Whether a payment that was reported as pending is told to have ended, and its channel has said nothing else of it."""
    was_pending = existing.status == TransactionStatus.PENDING and not existing.payment_word
    return was_pending and "status" in differing and differing <= _LEARNED_LATE and sale.status in _ENDED


@transaction.atomic
def _complete(pk: UUID, sale: ReportedSale, by: Principal, at: datetime) -> Transaction:
    """The pending sale as it ended. Raises ``SaleDiffers`` where it has ended in another way meanwhile."""
    known = Transaction.objects.select_for_update().get(pk=pk)
    if known.status != TransactionStatus.PENDING:
        return _same(known, sale, by, at)
    names = ("status", "paid_at", "funding", "payer_paid_fen", "channel_transaction_no")
    before = {name: _shown(known, name) for name in names}
    known.status, known.paid_at, known.funding, known.corrected_at = sale.status, sale.paid_at, sale.funding, at
    known.payer_paid_fen = sale.payer_paid_fen
    known.channel_transaction_no = known.channel_transaction_no or sale.channel_transaction_no
    known.channel_account = account_of(store=known.store, channel=known.channel, paid_at=sale.paid_at)
    join(known)
    known.save(update_fields=[*names, "corrected_at", "channel_account", "joined_date"])
    after = {name: value for name in names if (value := _shown(known, name)) != before[name]}
    record_of(
        known,
        by=by.actor,
        action=CORRECTED,
        at=at,
        data={"reason": TILL_SAYS, "before": {name: before[name] for name in after}, "after": after},
    )
    return known


def _shown(sale: Transaction, name: str) -> str:
    value = getattr(sale, name)
    return value.astimezone(SHANGHAI).isoformat() if isinstance(value, datetime) else str(value)


def _known_as(name: str, known: object) -> str | Promise:
    """What differs, with what is known where it says nothing of the customer."""
    if name == "status":
        more = _("This payment is known as {known}; its channel says whether it was paid: POST …/trade-queries.")
        return format_lazy(more, known=known)
    if name.startswith("payer.") or name == "lines":
        return ""
    shown = known.isoformat() if isinstance(known, datetime) else "null" if known in ("", None) else known
    shown = str(shown).lower() if isinstance(shown, bool) else shown
    return format_lazy(_("This payment is known with {known}."), known=shown)


def _compared(existing: Transaction, sale: ReportedSale) -> Iterator[tuple[str, object, object]]:
    """Field of the report, as known, as reported; in the form in which two spellings of one fact are equal."""
    terminal = existing.terminal.code if existing.terminal else ""
    # A report that leaves one out says nothing else of it, and one that tells what was not known contradicts nothing.
    for number, known_no, told_no in (
        ("channel_transaction_no", existing.channel_transaction_no, sale.channel_transaction_no),
        ("payment_no", existing.payment_no, sale.payment_no),
    ):
        yield number, known_no or told_no, told_no or known_no
    yield "order_no", existing.order_no, sale.order_no
    yield "kind", existing.kind, sale.kind
    yield "status", existing.status, sale.status
    yield "remote", existing.remote, sale.remote
    yield "amount_fen", existing.amount_fen, sale.amount_fen
    # To the second: what a till keeps of it is cut off, what it sends at once is not.
    second = sale.paid_at.replace(microsecond=existing.paid_at.microsecond)
    yield "paid_at", existing.paid_at, second
    yield "store", existing.store.code, sale.store
    yield "terminal", terminal or sale.terminal, sale.terminal or terminal
    same_cashier = not existing.cashier or not sale.cashier or name_key(existing.cashier) == name_key(sale.cashier)
    yield "cashier", existing.cashier, existing.cashier if same_cashier else sale.cashier
    yield (
        "payer.phone",
        existing.payer_phone_hash and bytes(existing.payer_phone_hash),
        phone_hashes(sale.payer_phone)[0],
    )
    yield "payer.card_last4", existing.card_last4, sale.card_last4
    told_funding = existing.funding if Funding.UNKNOWN in (existing.funding, sale.funding) else sale.funding
    yield "payer.funding", existing.funding, told_funding
    yield "payer.paid_fen", existing.payer_paid_fen, sale.payer_paid_fen
    yield "lines", sorted(map(_line_facts, lines_of(existing))), sorted(map(_line_facts, sale.lines))


def _as_told(sale: ReportedSale) -> dict[str, Any]:
    """A report as the audit trail would have it."""
    return {
        "order_no": sale.order_no,
        "kind": sale.kind,
        "status": sale.status,
        "amount_fen": sale.amount_fen,
        "paid_at": sale.paid_at.isoformat(),
        "store": sale.store,
        "terminal": sale.terminal,
        "cashier": sale.cashier,
        "payer": versions.payer_as_told(sale.payer_phone, sale.card_last4),
        "funding": sale.funding,
        "payer_paid_fen": sale.payer_paid_fen,
        "lines": [versions.line_as_told(line) for line in sale.lines],
    }


def _line_facts(line: SaleLine | TransactionLine) -> tuple[object, ...]:
    """In the form in which two spellings of an article are one."""
    article = versions.article_facts(line.sku, line.name, line.group)
    return (*article, str(line.kind), line.quantity, line.unit_price_fen, line.amount_fen)


def lines_of(sale: Transaction) -> QuerySet[TransactionLine]:
    return sale.lines.order_by("position")


def _create(
    sale: ReportedSale, store: Store, terminal: Terminal | None, joined_date: date | None, by: Principal, at: datetime
) -> Transaction:
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
        payment_no=sale.payment_no,
        kind=sale.kind,
        status=sale.status,
        remote=sale.remote,
        amount_fen=sale.amount_fen,
        payer_paid_fen=sale.payer_paid_fen,
        paid_at=sale.paid_at,
        joined_date=joined_date,
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
    record_of(created, by=by.actor, action="transaction.report", at=at)
    return created
