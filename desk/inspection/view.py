"""Looking at goods that came back: piece by piece, with photos, and less money proposed where they are not as they should be."""

from collections.abc import Mapping

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import DomainError, Invalid
from core.quantities import NotAQuantity, quantity_typed
from desk import forms, words
from desk.access import Scope, staff_page
from desk.addresses import refund as refund_url
from desk.inspection.page import ROWS, inspection_page
from desk.refund.page import find
from desk.rendering import done, render_page
from merchants.rights import Act
from refunds.facts import conditions, goods
from refunds.goods import inspection
from refunds.goods.inspection import Found
from refunds.goods.returns import NoReturn
from refunds.models import GoodsReturn
from refunds.models.evidence import EvidenceKind
from refunds.models.goods_return import ReturnState
from refunds.rules.goods import Condition
from terminals.orders import article


@staff_page()
def inspect(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """The form; a POST says what was found. Where nothing waits to be looked at, back to the refund."""
    found, error, now = find(scope, number), "", timezone.now()
    # Whoever may not is told so before anything is typed.
    conditions.check(Act.INSPECT_GOODS, by=scope.by, request=found, at=now)
    row = goods.open_return(found)
    if row is None or row.state != ReturnState.RECEIVED:
        messages.info(request, words.explain(NoReturn("nothing to look at")))
        return redirect(refund_url(number))
    if request.method == "POST":
        try:
            proposed = request.POST.get("proposed", "").strip()
            inspection.inspect(
                request_id=found.pk,
                found=_found(row, request.POST),
                proposed_fen=forms.amount_fen(proposed) if proposed else None,
                finding=request.POST.get("finding", ""),
                pictures=forms.uploads_of(request, kind=EvidenceKind.INSPECTION),
                by=scope.by,
                at=now,
            )
        except DomainError as refused:
            error = words.explain(refused)
        else:
            return done(
                request, gettext("%(number)s: what was found is noted.") % {"number": number}, refund_url(number)
            )
    typed = {name: str(value) for name, value in request.POST.items()}
    page = inspection_page(found, row, typed=typed, error=error)
    return render_page(request, "desk/inspection.html", page, status=422 if error else 200)


def _found(row: GoodsReturn, form: Mapping[str, str]) -> list[Found]:
    """What the form says of each line's pieces. Raises ``Invalid``."""
    found = []
    for line in row.lines.select_related("line").order_by("pk"):
        for name in (f"{line.pk}-{number}" for number in range(ROWS)):
            typed, condition = form.get(f"quantity-{name}", "").strip(), form.get(f"condition-{name}", "")
            if not typed:
                continue
            try:
                count = quantity_typed(typed)
            except NotAQuantity as error:
                raise Invalid("not a number of pieces", code=error.code) from error
            goes = "" if condition == Condition.MISSING else form.get(f"disposition-{name}", "")
            sku = article(line.line) if line.line else ""
            found.append(Found(sku=sku, quantity=count, condition=condition, disposition=goes))
    return found
