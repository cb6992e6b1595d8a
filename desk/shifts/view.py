"""Shifts at the desk: opened, looked at and closed by who works at the till."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import existing, wrong
from core.money import NotAnAmount, fen_typed
from desk.access import Scope, staff_page
from desk.settings.layout import take, whole_number
from desk.shifts.page import shift_page, shifts_page
from merchants.rights import Act
from refunds.payouts import shifts as room
from terminals import tills


@staff_page(Act.RUN_SHIFT)
def shifts(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The list; a POST opens one."""

    def begin() -> str:
        theirs = tills.tills_of(by=scope.by)
        till = existing(theirs.filter(pk=whole_number(request.POST, "terminal")).first(), "terminal")
        room.begin(
            terminal=till.code,
            store=till.store.code,
            float_fen=_fen(request, "float"),
            by=scope.by,
            at=timezone.now(),
        )
        return gettext("The shift at %(till)s is open.") % {"till": till.code}

    return take(request, form="begin", act=begin, page=lambda: shifts_page(scope=scope), back=reverse("desk:shifts"))


@staff_page(Act.RUN_SHIFT)
def shift(request: HttpRequest, scope: Scope, shift_id: int) -> HttpResponse:
    """One of them; a POST closes it."""

    def close() -> str:
        closed = room.close(
            shift_id=shift_id,
            counted_fen=_fen(request, "counted"),
            handed_to=request.POST.get("handed_to", ""),
            note=request.POST.get("note", ""),
            by=scope.by,
            at=timezone.now(),
        )
        return gettext("The shift at %(till)s is closed.") % {"till": closed.shift.terminal.code}

    return take(
        request,
        form="close",
        act=close,
        page=lambda: shift_page(found=room.standing(shift_id=shift_id, by=scope.by)),
        back=reverse("desk:shift", args=[shift_id]),
    )


def _fen(request: HttpRequest, name: str) -> int:
    """What was typed as money, 0 included. Raises ``Invalid``."""
    try:
        fen = fen_typed(request.POST.get(name, ""))
    except NotAnAmount as error:
        raise wrong(name, code=error.code) from error
    if fen < 0:
        raise wrong(name, code="amount_invalid")
    return fen
