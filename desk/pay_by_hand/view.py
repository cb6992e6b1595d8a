"""Paying by hand: the form in which a person says what came of a payout, and the page that shows it before it is recorded."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.utils import timezone
from django.utils.translation import gettext

from core import codes
from core.dry_run import taken_back
from core.errors import DomainError, Forbidden, Invalid, NotFound
from desk import forms, words
from desk.access import Scope, staff_page, staff_posts
from desk.forms import pictures_of
from desk.refund.page import find
from desk.rendering import done, render_page
from merchants.principals import Principal
from merchants.rights import Act
from refunds.evidence.files import Picture
from refunds.facts import conditions, payees
from refunds.facts.payees import MaskedPayee
from refunds.models import PaymentFileRow, RefundRequest
from refunds.models.approval import Decision
from refunds.models.hand_accounts import is_by_hand
from refunds.payouts import by_hand
from refunds.payouts import by_hand as payouts
from refunds.review.revealing import Contact, reveal
from refunds.states import HandTrouble, Route

#: A page older than this is looked at once more.
_LASTS_S = 30 * 60
_SALT = "desk.hand_confirmation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """``paid`` with number, time and drawer as they were typed, or not paid with trouble and note."""

    paid: bool
    version: int
    reference_no: str = ""
    paid_at: str = ""
    drawer: str = ""
    trouble: str = ""
    note: str = ""


def read(data: QueryDict) -> Said:
    """The first step's form. Raises ``Invalid`` without a version."""
    version = forms.version(data)
    if data.get("paid") == "no":
        return Said(paid=False, version=version, trouble=data.get("trouble", ""), note=data.get("note", ""))
    return Said(
        paid=True,
        version=version,
        reference_no=data.get("reference_no", ""),
        paid_at=data.get("paid_at", ""),
        drawer=data.get("drawer", ""),
    )


def seal(said: Said, *, request: RefundRequest, by: Principal) -> str:
    """For this person and this refund only."""
    return signing.dumps({**asdict(said), "for": _who(request, by)}, salt=_SALT)


def unseal(text: str, *, request: RefundRequest, by: Principal) -> Said:
    """What ``seal`` was given. Raises ``Invalid`` for anything else, for another refund or person, and when it is too old."""
    try:
        values = signing.loads(text, salt=_SALT, max_age=_LASTS_S)
    except signing.BadSignature as error:
        raise Invalid("the confirmation cannot be read", code="confirmation_stale") from error
    if values.pop("for") != _who(request, by):
        raise Invalid("the confirmation is of another refund", code="confirmation_stale")
    return Said(**values)


def _who(request: RefundRequest, by: Principal) -> list[str]:
    return [str(request.pk), str(by.person_id)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PayByHandPage:
    """``blocked`` says why this person may not pay it, ``held`` why nobody should now; ``typed`` is what the form holds; ``file``
    is the payment file that has this transfer already, and ``approvers`` who approved it.
    """

    refund: RefundRequest
    route: str
    route_label: str
    amount_fen: int
    approvers: str
    file: str
    payee: MaskedPayee | None
    revealed: Contact | None
    can_reveal: bool
    waits: bool
    blocked: str
    held: str
    drawers: Sequence[str]
    troubles: Sequence[HandTrouble]
    error: str
    typed: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPage:
    """``paid_at`` and ``trouble_label`` are of what was said; ``confirmation`` is that, sealed."""

    refund: RefundRequest
    route: str
    route_label: str
    amount_fen: int
    payee: MaskedPayee | None
    said: Said
    paid_at: datetime | None
    trouble_label: str
    confirmation: str
    error: str


def pay_by_hand_page(
    *, refund: RefundRequest, scope: Scope, typed: Said | None, error: str, revealed: Contact | None
) -> PayByHandPage:
    typed = typed or Said(paid=True, version=refund.version)
    route, amount_fen = by_hand.waiting_part(refund)
    may_pay = conditions.may(conditions.pay_act(route), by=scope.by, request=refund)
    payee = _payee(refund, route)
    taken = (
        PaymentFileRow.objects.filter(execution__request=refund, execution__ended_at=None)
        .select_related("file")
        .first()
    )
    approved = refund.approvals.filter(decision=Decision.APPROVE).order_by("pk")
    return PayByHandPage(
        refund=refund,
        route=route,
        route_label=str(Route(route).label),
        amount_fen=amount_fen,
        approvers=gettext(", ").join(approved.values_list("staff__name", flat=True)),
        file=str(taken.file) if taken else "",
        payee=payee,
        revealed=revealed,
        can_reveal=payee is not None and revealed is None and scope.may(Act.REVEAL),
        waits=by_hand.waiting_route(refund) != "",
        blocked="" if may_pay else codes.words("two_persons_needed"),
        held=codes.words("sale_held") if refund.transaction.held_at else "",
        drawers=list(refund.store.terminals.order_by("code").values_list("code", flat=True)),
        troubles=list(HandTrouble),
        error=error,
        typed=replace(
            typed,
            paid_at=typed.paid_at or timezone.localtime().strftime("%Y-%m-%d %H:%M"),
            drawer=typed.drawer or (refund.terminal.code if refund.terminal else ""),
        ),
    )


def confirm_page(*, refund: RefundRequest, scope: Scope, said: Said, error: DomainError | None) -> ConfirmPage:
    route, amount_fen = by_hand.waiting_part(refund)
    return ConfirmPage(
        refund=refund,
        route=route,
        route_label=str(Route(route).label),
        amount_fen=amount_fen,
        payee=_payee(refund, route),
        said=said,
        paid_at=forms.moment(said.paid_at) if said.paid else None,
        trouble_label="" if said.paid else str(HandTrouble(said.trouble).label),
        confirmation=seal(said, request=refund, by=scope.by),
        error=words.short(error) if error else "",
    )


def _payee(refund: RefundRequest, route: str) -> MaskedPayee | None:
    payee = payees.of(refund, route=route)
    return payees.masked(payee) if payee else None


@staff_page(Act.PAY_CASH, Act.PAY_BY_HAND)
def pay_by_hand(request: HttpRequest, scope: Scope, number: str) -> HttpResponseBase:
    """In two steps: the form, and a page that shows what is about to be recorded. Only that page's POST records it."""
    found = find(scope, number)
    route, _ = payouts.waiting_part(found)
    if not is_by_hand(route):
        raise NotFound("the channel pays this refund")
    if not scope.may(conditions.pay_act(route)):
        raise Forbidden("your role does not pay on this route", code="role_required")
    if request.method != "POST":
        return _form(request, scope, found)
    sealed = request.POST.get("confirmation", "")
    said: Said | None = None
    try:
        said = unseal(sealed, request=found, by=scope.by) if sealed else read(request.POST)
        if sealed and request.POST.get("edit"):
            return _form(request, scope, found, typed=said)
        if not sealed:
            # Made and taken back, so that the second step shows nothing that would be refused.
            with taken_back():
                _record(scope, found, said)
            return _second_step(request, scope, found, said)
        noted = _record(scope, found, said, tuple(pictures_of(request)))
    except DomainError as error:
        fresh = find(scope, number)
        if sealed and said is not None and isinstance(error, Invalid):
            return _second_step(request, scope, fresh, said, error=error)
        return _form(request, scope, fresh, typed=said, error=error)
    return done(request, noted, "desk:by-hand")


def _record(scope: Scope, found: RefundRequest, said: Said, pictures: tuple[Picture, ...] = ()) -> str:
    """One domain call; its outcome as a sentence."""
    if not said.paid:
        payouts.give_up(
            request_id=found.pk,
            trouble=said.trouble,
            note=said.note,
            by=scope.by,
            at=timezone.now(),
            version=said.version,
        )
        not_paid = gettext("%(number)s was not paid; the refund can be corrected or sent out again.")
        return not_paid % {"number": found.number}
    payouts.confirm(
        request_id=found.pk,
        payment=payouts.Payment(
            reference_no=said.reference_no,
            paid_at=forms.moment(said.paid_at),
            drawer=said.drawer if payouts.waiting_part(found)[0] == Route.CASH else "",
        ),
        by=scope.by,
        at=timezone.now(),
        version=said.version,
        pictures=pictures,
    )
    return gettext("%(number)s is paid; the customer is told.") % {"number": found.number}


@staff_posts(Act.PAY_CASH, Act.PAY_BY_HAND)
def reveal_payee(request: HttpRequest, scope: Scope, number: str) -> HttpResponse:
    """The account in full, to make the transfer; the look is recorded like every other."""
    found = find(scope, number)
    if payouts.waiting_part(found)[0] != Route.BANK_TRANSFER:
        raise NotFound("this refund goes to no account")
    return _form(request, scope, found, revealed=reveal(request=found, by=scope.by, at=timezone.now()))


def _form(
    request: HttpRequest,
    scope: Scope,
    found: RefundRequest,
    *,
    typed: Said | None = None,
    error: DomainError | None = None,
    revealed: Contact | None = None,
) -> HttpResponse:
    text = words.short(error) if error else ""
    page = pay_by_hand_page(refund=found, scope=scope, typed=typed, error=text, revealed=revealed)
    return render_page(request, "desk/pay_by_hand.html", page, status=words.status(error) if error else 200)


def _second_step(
    request: HttpRequest, scope: Scope, found: RefundRequest, said: Said, *, error: DomainError | None = None
) -> HttpResponse:
    page = confirm_page(refund=found, scope=scope, said=said, error=error)
    return render_page(request, "desk/pay_by_hand_confirm.html", page, status=words.status(error) if error else 200)
