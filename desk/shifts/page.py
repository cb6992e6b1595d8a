"""What the pages of shifts show: the tills with their shifts, and one shift with its figures."""

from collections.abc import Sequence

from django.urls import reverse
from django.utils.translation import gettext, pgettext

from desk.access import Scope
from desk.addresses import refund as refund_url
from desk.filters import Choice, Option
from desk.forms import FormField, text
from desk.settings.layout import Cell, Fact, Facts, Form, Row, SettingsPage, Table, form
from desk.templatetags.desk_format import when_minute, yuan_sign
from merchants import channels
from merchants.rights import Act
from refunds.models import Shift
from refunds.payouts import shifts
from refunds.payouts.shifts import Figure, Standing
from refunds.states import State
from terminals import tills

_SHOWN = 50


def shifts_page(*, scope: Scope) -> SettingsPage:
    """The newest shifts, and a form for a till that has none open."""
    found = list(shifts.shifts_of(by=scope.by)[:_SHOWN])
    free = tills.tills_of(by=scope.by).exclude(shifts__in=Shift.objects.filter(closed_at=None))
    choices = [Choice(str(till.pk), f"{till.store.name} · {till.code}") for till in free.order_by("store_id", "code")]
    # Without a till there is nothing to open: a shop that is being set up begins there.
    registers = scope.may(Act.MANAGE_TILLS) and not choices and not found
    table = Table(
        title=gettext("Shifts"),
        columns=[
            gettext("Till"),
            gettext("State"),
            pgettext("of a shift", "Opened"),
            pgettext("of a shift", "Closed"),
            gettext("Counted"),
        ],
        rows=[_row(shift) for shift in found],
        nothing=gettext("No shifts yet"),
        empty=gettext("Open a shift with the cash that is in the drawer.")
        if choices
        else gettext("A shift is that of a till, and no till is registered in your stores yet."),
        first=Option(label=gettext("Register a till"), url=reverse("desk:terminals")) if registers else None,
        icon="monitor-smartphone",
    )
    begin = form(
        "begin",
        title=gettext("Open a shift"),
        url=reverse("desk:shifts"),
        button=gettext("Open the shift"),
        fields=[
            FormField(name="terminal", label=gettext("Till"), kind="choice", choices=choices, required=True),
            text("float", gettext("Cash in the drawer (¥)"), "0", kind="money", required=True),
        ],
    )
    return SettingsPage(
        title=gettext("Shift close"),
        sub=gettext("What went out of each till, and the cash that should be in its drawer."),
        tables=[table],
        forms=[begin] if choices else [],
    )


def shift_page(*, found: Standing) -> SettingsPage:
    """One shift: its cash, its refunds, and the form that closes it."""
    shift = found.shift
    facts = [
        Fact(pgettext("of a shift", "Opened"), Cell(text=when_minute(shift.opened_at), sub=[shift.opened_by])),
        Fact(gettext("Cash in the drawer at first"), Cell(text=yuan_sign(shift.float_fen))),
        Fact(gettext("Cash sales"), Cell(text=yuan_sign(found.cash_sales_fen))),
        Fact(gettext("Cash refunds"), Cell(text=yuan_sign(found.cash_refunds_fen))),
        Fact(gettext("Should be there"), Cell(text=yuan_sign(found.expected_fen))),
    ]
    if shift.closed_at is not None and shift.counted_fen is not None:
        differs = shift.counted_fen != shift.expected_fen
        facts += [
            Fact(pgettext("of a shift", "Closed"), Cell(text=when_minute(shift.closed_at), sub=[shift.closed_by])),
            Fact(
                gettext("Counted"),
                Cell(
                    text=yuan_sign(shift.counted_fen),
                    tone="warn" if differs else "ok",
                    icon="circle-alert" if differs else "circle-check",
                    sub=[shift.note] if shift.note else (),
                ),
            ),
        ]
    if found.unknown:
        handed = [gettext("handed to %(name)s") % {"name": shift.handed_to}] if shift.handed_to else []
        facts += [
            Fact(gettext("No result yet"), Cell(text=number, sub=handed, url=refund_url(number)))
            for number in found.unknown
        ]
    notes = [
        Cell(
            text=gettext("To be paid in cash first:"),
            sub=[number],
            tone="warn",
            icon="circle-alert",
            url=refund_url(number),
        )
        for number in found.open_cash
    ]
    return SettingsPage(
        title=gettext("Shift at %(till)s") % {"till": shift.terminal.code},
        sub=shift.terminal.store.name,
        crumbs=[Option(label=gettext("Shift close"), url=reverse("desk:shifts"))],
        notes=notes,
        facts=[Facts(title=gettext("Cash"), facts=facts)],
        tables=[
            _figures(gettext("Refunds in the ledger"), found.paid),
            _figures(gettext("Refunds asked for at this till"), found.asked),
        ],
        forms=[_closing(found)] if shift.closed_at is None else [],
    )


def _closing(found: Standing) -> Form:
    fields = [text("counted", gettext("Cash counted (¥)"), kind="money", required=True)]
    if found.unknown:
        fields.append(text("handed_to", gettext("Who looks after those without a result"), required=True))
    fields.append(text("note", gettext("Why the cash differs"), hint=gettext("Only where it does")))
    return form(
        "close",
        title=gettext("Close the shift"),
        url=reverse("desk:shift", args=[found.shift.pk]),
        fields=fields,
    )


def _row(shift: Shift) -> Row:
    is_open = shift.closed_at is None
    return Row(
        cells=[
            Cell(text=shift.terminal.code, sub=[shift.terminal.store.name], url=reverse("desk:shift", args=[shift.pk])),
            Cell(text=pgettext("of a shift", "open"), tone="info")
            if is_open
            else Cell(text=gettext("closed"), tone="ok"),
            Cell(text=when_minute(shift.opened_at), sub=[shift.opened_by]),
            Cell(text=when_minute(shift.closed_at), sub=[] if is_open else [shift.closed_by]),
            Cell(text="" if shift.counted_fen is None else yuan_sign(shift.counted_fen)),
        ]
    )


def _figures(title: str, figures: Sequence[Figure]) -> Table:
    return Table(
        title=title,
        columns=[gettext("Paid by"), gettext("State"), gettext("Number"), gettext("Amount (¥)")],
        rows=[
            Row(
                cells=[
                    Cell(text=channels.label(one.tender)),
                    Cell(text=gettext("Paid") if one.state == "paid" else str(State(one.state).label)),
                    Cell(text=str(one.count)),
                    Cell(text=yuan_sign(one.amount_fen)),
                ]
            )
            for one in figures
        ],
        nothing=gettext("None in this shift"),
        empty=gettext("What is refunded at its till while it is open is added up here, for the count of the drawer."),
        icon="monitor-smartphone",
    )
