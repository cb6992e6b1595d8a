"""What customers report through their link, and the cases that come of it: each with an owner and a time, until it is closed."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from core.errors import Conflict, Invalid, existing
from core.plain_text import one_line, plain_text
from merchants import rights
from merchants.models import Role, Staff
from merchants.principals import Principal
from merchants.rights import Act
from refunds import lifecycle
from refunds.facts import conditions
from refunds.models import CustomerReport, RefundRequest
from refunds.models.customer_report import NOTED_BY_STAFF, ReportKind
from refunds.states import PAID

#: By then a customer who reports something hears from a person.
DUE_AFTER = timedelta(days=2)
#: What is said again within this time is the same word: a second tap, a page sent twice.
SAME_WORD = timedelta(minutes=1)
MAX_WORDS = 500


class NotPaidYet(Conflict, code="not_paid_yet"):
    """Nothing can have arrived: the refund is not paid."""


class ReportClosed(Conflict, code="report_closed"):
    """Somebody has closed this case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A payout that the channel says is paid. ``reference`` is the channel's own number, never ours or a person's; ``seen`` says
    where it stands: ``channel`` (asked just now), ``statement``, ``fund_flow``. ``there_by``: when it arrives at the latest.
    Times are ISO 8601. ``is_balance``: it went to a balance with the channel, of which no bank knows.
    """

    refund_no: str
    channel: str
    reference: str
    amount_fen: int
    paid_at: str
    there_by: str
    seen: Sequence[str]
    is_balance: bool = False


def check_may_report(*, request_id: UUID, by: Principal) -> RefundRequest:
    """The request, paid. Raises ``NotFound``, ``Forbidden`` or ``NotPaidYet``."""
    request = existing(RefundRequest.objects.filter(pk=request_id).first(), "refund request")
    conditions.check(Act.RATE, by=by, request=request)
    if request.state not in PAID:
        raise NotPaidYet("nothing can have arrived yet", state=request.state)
    return request


def newest(*, request_id: UUID, kind: str) -> CustomerReport | None:
    """The customer's last word of this kind."""
    return CustomerReport.objects.filter(request_id=request_id, kind=kind).order_by("-said_at", "-pk").first()


@transaction.atomic
def keep(
    *,
    request_id: UUID,
    kind: str,
    words: str = "",
    proofs: Sequence[Proof] = (),
    is_case: bool,
    by: Principal,
    at: datetime,
) -> CustomerReport:
    """Keep what the customer says; ``is_case``: a person sees to it. What is said twice at once, or again while its case is open,
    is kept once: the earlier one is returned. Raises what ``conditions.check`` raises.
    """
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.RATE, by=by, request=request)
    last = newest(request_id=request_id, kind=kind)
    if last is not None and (last.is_open or (kind != ReportKind.HELP and at - last.said_at < SAME_WORD)):
        return last
    report = CustomerReport.objects.create(
        merchant_id=request.merchant_id,
        request=request,
        kind=kind,
        words=plain_text(words, limit=MAX_WORDS),
        said_at=at,
        proofs=[asdict(one) for one in proofs],
        owner=_owner(request) if is_case else None,
        due_at=at + DUE_AFTER if is_case else None,
    )
    lifecycle.record_act(request, f"refund.{kind}", by=by.actor, at=at, data={"proofs": len(proofs), "case": is_case})
    return report


def arrived(*, request_id: UUID, by: Principal, at: datetime) -> CustomerReport:
    """The customer has the money; an open case that it is missing ends with that."""
    with transaction.atomic():
        check_may_report(request_id=request_id, by=by)
        report = keep(request_id=request_id, kind=ReportKind.ARRIVED, is_case=False, by=by, at=at)
        missing = CustomerReport.objects.filter(
            request_id=request_id, kind=ReportKind.NOT_ARRIVED, due_at__isnull=False, closed_at=None
        )
        missing.update(closed_at=at, closed_by=by.name[:80], outcome=ReportKind.ARRIVED)
    return report


def help_wanted(*, request_id: UUID, words: str, by: Principal, at: datetime) -> CustomerReport:
    """The customer wants a person; says in ``words`` what for. Raises ``Invalid`` without any."""
    if not plain_text(words):
        raise Invalid("say what you need", code="empty_answer")
    return keep(request_id=request_id, kind=ReportKind.HELP, words=words, is_case=True, by=by, at=at)


def _owner(request: RefundRequest) -> Staff | None:
    """Whoever decided it last keeps the case; otherwise a manager of the store, else an owner of the merchant."""
    decided = request.approvals.order_by("-at", "-pk").select_related("staff").first()
    if decided is not None and decided.staff.is_active:
        return decided.staff
    staff = Staff.objects.filter(merchant_id=request.merchant_id, is_active=True).order_by("pk")
    here = staff.filter(Q(all_stores=True) | Q(stores=request.store_id))
    return here.filter(role=Role.MANAGER).first() or here.filter(role=Role.OWNER).first()


@transaction.atomic
def note_task(
    *, request_id: UUID, kind: str, words: str, due_at: datetime | None = None, by: Principal, at: datetime
) -> CustomerReport:
    """Staff note a complaint, or that the customer is to be called back, with what about and by when. One of a kind is open at a
    time: then its words and time are those. Raises ``Forbidden``, ``NotFound`` or ``Invalid``.
    """
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.ANSWER_REPORT, by=by, request=request)
    said = plain_text(words, limit=MAX_WORDS)
    if kind not in NOTED_BY_STAFF or not said:
        raise Invalid("say what it is about", code="message_required")
    due_at = due_at or at + DUE_AFTER
    if due_at <= at:
        raise Invalid("it is due in the future", code="span_invalid")
    last = newest(request_id=request_id, kind=kind)
    if last is not None and last.is_open:
        last.words, last.due_at = said, due_at
        last.save(update_fields=["words", "due_at"])
        report = last
    else:
        report = CustomerReport.objects.create(
            merchant_id=request.merchant_id,
            request=request,
            kind=kind,
            words=said,
            said_at=at,
            owner=_owner(request),
            due_at=due_at,
        )
    lifecycle.record_act(request, f"refund.{kind}", by=by.actor, at=at, data={"due_at": due_at.isoformat()})
    return report


# --- the desk -----------------------------------------------------------------------------------------------------


def open_reports(*, by: Principal) -> QuerySet[CustomerReport]:
    """The open cases that this principal may know of, the most urgent first. Raises ``Forbidden``."""
    rights.check_may(Act.ANSWER_REPORT, by=by)
    rows = CustomerReport.objects.filter(merchant_id=by.acting_for, due_at__isnull=False, closed_at=None)
    return (
        by.in_stores(rows, field="request__store_id").select_related("request__store", "owner").order_by("due_at", "pk")
    )


@transaction.atomic
def take(*, report_id: int, by: Principal, at: datetime) -> CustomerReport:
    """Make it one's own. Raises ``Forbidden``, ``NotFound`` or ``ReportClosed``."""
    report = _open(report_id, by)
    report.owner_id = by.acting_staff
    report.save(update_fields=["owner"])
    lifecycle.record_act(report.request, "refund.report_taken", by=by.actor, at=at, data={"kind": report.kind})
    return report


@transaction.atomic
def hand_over(*, report_id: int, staff_id: int, by: Principal, at: datetime) -> CustomerReport:
    """Give it to a colleague of the store who may answer. Raises as ``take``, or ``Invalid``."""
    report = _open(report_id, by)
    colleague = colleagues(store_id=report.request.store_id, by=by).filter(pk=staff_id).first()
    if colleague is None:
        raise Invalid("no colleague of this store may answer it", code="unknown_colleague")
    report.owner = colleague
    report.save(update_fields=["owner"])
    data = {"kind": report.kind, "to": colleague.name}
    lifecycle.record_act(report.request, "refund.report_taken", by=by.actor, at=at, data=data)
    return report


def colleagues(*, store_id: int, by: Principal) -> QuerySet[Staff]:
    """Who may answer what customers of this store report."""
    roles = [role for role in Role.values if rights.TABLE[Act.ANSWER_REPORT].of_role(role)]
    staff = Staff.objects.filter(merchant_id=by.acting_for, is_active=True, role__in=roles)
    return staff.filter(Q(all_stores=True) | Q(stores=store_id)).distinct().order_by("name", "pk")


@transaction.atomic
def close(*, report_id: int, outcome: str, by: Principal, at: datetime) -> CustomerReport:
    """End it with what came of it, in words for the customer. Raises ``Forbidden``, ``NotFound``, ``Invalid`` or
    ``ReportClosed``.
    """
    report = _open(report_id, by)
    outcome = one_line(outcome, limit=MAX_WORDS)
    if not outcome:
        raise Invalid("say what came of it", code="message_required")
    report.outcome, report.closed_by, report.closed_at = outcome, by.name[:80], at
    report.save(update_fields=["outcome", "closed_by", "closed_at"])
    lifecycle.record_act(
        report.request, "refund.report_closed", by=by.actor, at=at, data={"kind": report.kind, "outcome": outcome}
    )
    return report


def find(*, report_id: int, by: Principal, lock: bool = False) -> CustomerReport:
    """A task that ``by`` may see to, also a closed one. Raises ``NotFound``."""
    rights.check_may(Act.ANSWER_REPORT, by=by)
    rows = CustomerReport.objects.select_for_update(of=("self",)) if lock else CustomerReport.objects.all()
    found = rows.select_related("request").filter(pk=report_id, merchant_id=by.acting_for, due_at__isnull=False)
    report = existing(found.first(), "case")
    conditions.check(Act.ANSWER_REPORT, by=by, request=report.request)
    return report


def _open(report_id: int, by: Principal) -> CustomerReport:
    report = find(report_id=report_id, by=by, lock=True)
    if report.closed_at is not None:
        raise ReportClosed("the case was closed")
    return report
