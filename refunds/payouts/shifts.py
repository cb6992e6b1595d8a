"""Shifts at a till (交班): which refunds went out of it, what cash should be there, who looks after what has no result yet.

A shift is closed over the ledger: each posting of a payout, and each cash sale, belongs to exactly one shift of its till,
whenever it was committed. What a closing did not see yet is the next one's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Case, CharField, Count, F, Q, QuerySet, Sum, Value, When

from core.audit.record import record
from core.errors import Conflict, Invalid, existing
from core.plain_text import one_line, person_name
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may
from payment_channels.manual import drawer_in
from refunds.models import Execution, LedgerEntry, RefundRequest, Shift, ShiftLine
from refunds.models.ledger import LedgerAccount, PostingKind
from refunds.states import BY_HAND, EXECUTION_ENDED, ExecutionState, Route
from terminals import tills
from terminals.models import REPORTED_KINDS, Terminal, Transaction, TransactionStatus

#: A till that had no line reports sales this late.
_LATE = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Figure:
    """Refunds of one means of payment in one state: how many, and what they come to."""

    tender: str
    state: str
    count: int
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A shift as it stands: what was asked for at this till meanwhile, and its lines, to be or as they were closed."""

    shift: Shift
    asked: list[Figure]
    paid: list[Figure]
    cash_sales_fen: int
    cash_refunds_fen: int
    open_cash: list[str]
    unknown: list[str]

    @property
    def expected_fen(self) -> int:
        """What should be in the drawer."""
        return self.shift.float_fen + self.cash_sales_fen - self.cash_refunds_fen


def shifts_of(*, by: Principal) -> QuerySet[Shift]:
    """The shifts that somebody may know of, the newest first."""
    found = Shift.objects.filter(terminal__store__merchant_id=by.acting_for).select_related("terminal__store")
    return by.in_stores(found, field="terminal__store_id").order_by("-opened_at", "-pk")


@transaction.atomic
def begin(*, terminal: str, store: str = "", float_fen: int, by: Principal, at: datetime) -> Shift:
    """Open a shift with what cash is in the drawer. Raises ``Forbidden``, ``NotFound``, ``Invalid`` or ``Conflict``."""
    check_may(Act.RUN_SHIFT, by=by)
    till = tills.find(code=terminal, store=store, by=by)
    _check(till, by)
    try:
        with transaction.atomic():
            shift = Shift.objects.create(terminal=till, opened_at=at, opened_by=by.name[:80], float_fen=float_fen)
    except IntegrityError as error:
        # Named, for a till that has forgotten which: it could not close it.
        found = Shift.objects.filter(terminal=till, closed_at=None).values_list("pk", flat=True).first()
        raise Conflict("a shift is open at this till", code="shift_is_open", shift=found) from error
    _record(shift, "shift.open", by, at, float_fen=float_fen)
    return shift


def standing(*, shift_id: int, by: Principal) -> Standing:
    """A shift and its figures. Raises ``Forbidden`` or ``NotFound``."""
    check_may(Act.RUN_SHIFT, by=by)
    shift = existing(shifts_of(by=by).filter(pk=shift_id).first(), "shift")
    _check(shift.terminal, by)
    return _standing(shift)


@transaction.atomic
def close(
    *, shift_id: int, counted_fen: int, by: Principal, at: datetime, handed_to: str = "", note: str = ""
) -> Standing:
    """Close it over what the ledger has. Open cash refunds block it, payouts without a result are handed to somebody by name,
    cash that is not what it should be is explained. Raises ``Conflict`` or ``Invalid``, and then nothing changed.
    """
    check_may(Act.RUN_SHIFT, by=by)
    found = existing(shifts_of(by=by).select_for_update(of=("self",)).filter(pk=shift_id).first(), "shift")
    _check(found.terminal, by)
    if found.closed_at is not None:
        raise Conflict("the shift is closed", code="shift_not_open")
    # Asked before the ledger is read: what is paid in between is in the ledger by then.
    if numbers := _open_cash(found):
        raise Conflict("cash refunds are open", code="cash_refunds_open", numbers=numbers)
    unknown, handed_to, note = _unknown(found), person_name(handed_to)[:60], one_line(note, limit=200)
    if unknown and not handed_to:
        raise Invalid("name who looks after them", code="unknown_not_handed_over", numbers=unknown)
    lines = _lines_to_be(found)
    expected_fen = found.float_fen + sum(line.amount_fen for line in lines if line.tender == Route.CASH)
    if counted_fen != expected_fen and not note:
        raise Invalid("the cash differs", code="count_differs", expected_fen=expected_fen)
    ShiftLine.objects.bulk_create(lines)
    found.closed_at, found.closed_by, found.note = at, by.name[:80], note
    found.expected_fen, found.counted_fen = expected_fen, counted_fen
    found.unknown, found.handed_to = unknown, handed_to if unknown else ""
    found.save()
    _record(found, "shift.close", by, at, expected_fen=expected_fen, counted_fen=counted_fen, handed_to=found.handed_to)
    return _standing(found)


def _check(till: Terminal, by: Principal) -> None:
    check_may(Act.RUN_SHIFT, by=by, subject=Subject(merchant_id=till.store.merchant_id, store_id=till.store_id))


def _standing(shift: Shift) -> Standing:
    is_open = shift.closed_at is None
    lines = _lines_to_be(shift) if is_open else list(shift.lines.all())
    cash = [line.amount_fen for line in lines if line.tender == Route.CASH]
    return Standing(
        shift=shift,
        asked=_asked(shift),
        paid=_paid(lines),
        cash_sales_fen=sum(fen for fen in cash if fen > 0),
        cash_refunds_fen=-sum(fen for fen in cash if fen < 0),
        open_cash=_open_cash(shift) if is_open else [],
        unknown=_unknown(shift) if is_open else list(shift.unknown),
    )


def _asked(shift: Shift) -> list[Figure]:
    asked = RefundRequest.objects.filter(terminal_id=shift.terminal_id, created_at__gte=shift.opened_at)
    if shift.closed_at is not None:
        asked = asked.filter(created_at__lt=shift.closed_at)
    tender = Case(When(route__in=BY_HAND, then=F("route")), default=F("channel"), output_field=CharField())
    rows = asked.annotate(tender=tender).values("tender", "state").order_by("tender", "state")
    return [
        Figure(row["tender"], row["state"], row["n"], row["fen"])
        for row in rows.annotate(n=Count("pk"), fen=Sum("amount_fen"))
    ]


def _paid(lines: Iterable[ShiftLine]) -> list[Figure]:
    sums: dict[str, list[int]] = {}
    for line in lines:
        if line.execution_id is not None:
            sums.setdefault(line.tender, []).append(-line.amount_fen)
    return [Figure(tender, "paid", len(each), sum(each)) for tender, each in sorted(sums.items())]


def _lines_to_be(shift: Shift) -> list[ShiftLine]:
    """What has reached this till's books since its last closing began to look, and is in no shift yet."""
    before = Shift.objects.filter(terminal_id=shift.terminal_id, opened_at__lt=shift.opened_at)
    # A day before it: what was committed while an earlier one was being closed has a time within that one.
    first = before.order_by("opened_at").values_list("opened_at", flat=True).first()
    since = shift.opened_at if first is None else max(first, shift.opened_at - timedelta(days=1))
    till = shift.terminal
    sales = Transaction.objects.filter(
        terminal_id=till.pk,
        channel=Route.CASH,
        kind__in=REPORTED_KINDS,
        status=TransactionStatus.SUCCESS,
        paid_at__gte=since - _LATE,
        created_at__gte=since,
    ).exclude(pk__in=ShiftLine.objects.filter(sale__isnull=False).values("sale_id"))
    postings = (
        LedgerEntry.objects.filter(
            kind=PostingKind.PAYOUT,
            account=LedgerAccount.CHANNEL_CLEARING,
            booked_at__gte=since,
            execution__request__store_id=till.store_id,
        )
        .exclude(execution_id__in=ShiftLine.objects.filter(execution__isnull=False).values("execution_id"))
        .values_list(
            "execution_id",
            "channel_account__channel",
            "amount_fen",
            "execution__request__terminal_id",
            Case(
                When(channel_account__channel=Route.CASH, then=F("execution__proof")),
                default=Value(""),
                output_field=CharField(),
            ),
        )
        .order_by("pk")
    )
    return [
        *(
            ShiftLine(shift=shift, sale_id=pk, tender=Route.CASH, amount_fen=fen)
            for pk, fen in sales.order_by("pk").values_list("pk", "amount_fen")
        ),
        *(
            ShiftLine(shift=shift, execution_id=pk, tender=channel, amount_fen=fen)
            for pk, channel, fen, terminal_id, proof in postings
            # Cash left the drawer that whoever paid it named.
            if (drawer == till.code if (drawer := drawer_in(proof)) else terminal_id == till.pk)
        ),
    ]


def _unended(shift: Shift) -> QuerySet[Execution]:
    unended = ~Q(state__in=EXECUTION_ENDED) & Q(due_at__isnull=False)
    return Execution.objects.filter(unended, request__terminal_id=shift.terminal_id).order_by("pk")


def _open_cash(shift: Shift) -> list[str]:
    """Numbers of refunds of this till that are to be paid in cash, and are not."""
    found = _unended(shift).filter(channel_account__channel=Route.CASH)
    return list(found.values_list("request__number", flat=True))


def _unknown(shift: Shift) -> list[str]:
    """Numbers of refunds of this till of which the channel has not said what became of them."""
    found = _unended(shift).filter(state=ExecutionState.UNKNOWN).exclude(channel_account__channel__in=BY_HAND)
    return list(found.values_list("request__number", flat=True))


def _record(shift: Shift, action: str, by: Principal, at: datetime, **data: object) -> None:
    till = shift.terminal
    record(
        merchant_id=till.store.merchant_id,
        by=by.actor,
        action=action,
        object_type="shift",
        object_id=shift.pk,
        at=at,
        data={"store": till.store.code, "terminal": till.code, **data},
    )
