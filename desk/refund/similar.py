"""What stands beside the decision: how people decided refunds like this one, and where the evidence of each signal is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext

from desk.access import Scope
from desk.addresses import refund as refund_url
from desk.addresses import with_query
from refunds.facts import precedents
from refunds.facts.precedents import Precedent
from refunds.models import RefundRequest
from refunds.models.customer_report import ReportKind
from refunds.states import RELEASED, RejectReason, State

#: Signals and sums, by what their evidence is: the sale, the customer's refunds, the cashier's, the store's.
_OF_SALE = frozenset({"soon_after_sale", "opening_hours", "not_split", "auto_order_limit", "order_not_rejected"})
_OF_CUSTOMER = ("same_destination", "auto_customer")
_OF_CASHIER = ("near_limit", "auto_cashier")
_OF_STORE = ("auto_store",)
_DAYS = {"same_destination": 30, "near_limit": 7, "auto_customer_30_days_limit": 30, "auto_customer_30_days_count": 30}


@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    """``alike`` and ``fate`` are short words: what it has in common beside the reason, and what came of it."""

    number: str
    url: str
    amount_fen: int
    is_approved: bool
    decision: str
    decided_at: datetime
    decided_by: str
    alike: Sequence[Promise | str]
    fate: Sequence[Promise | str]


def similar(request: RefundRequest, *, scope: Scope, skus: Iterable[str]) -> list[Similar]:
    """The five most similar ones that a person decided, of those that this person may see; none once this one is decided."""
    if request.state != State.IN_REVIEW:
        return []
    return [_shown(row) for row in precedents.similar(request=request, stores=scope.store_ids, skus=list(skus))]


def _shown(row: Precedent) -> Similar:
    is_approved = row.state != State.REJECTED
    rejected = RejectReason(row.reject_reason).label if row.reject_reason else ""
    alike = {
        gettext("same customer"): row.same_customer,
        gettext("same article"): row.same_article,
        gettext("same cashier"): row.same_cashier,
    }
    return Similar(
        number=row.number,
        url=refund_url(row.number),
        amount_fen=row.approved_fen or row.amount_fen,
        is_approved=is_approved,
        decision=gettext("Approved") if is_approved else f"{gettext('Rejected')} · {rejected}",
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        alike=[words for words, holds in alike.items() if holds],
        fate=_fate(row),
    )


def _fate(row: Precedent) -> list[Promise | str]:
    """Nothing of what went as it should: paid after an approval, and no word after a rejection."""
    found: list[Promise | str] = []
    if row.is_disputed:
        found.append(gettext("a second reviewer would have decided otherwise"))
    if row.state in RELEASED and row.state != State.REJECTED:
        found.append(State(row.state).label)
    found += [ReportKind(kind).label for kind in row.reports if kind != ReportKind.ARRIVED]
    if row.score is not None:
        found.append(gettext("rated %(score)s of 5") % {"score": row.score})
    return found


def evidence_urls(request: RefundRequest) -> Mapping[str, str]:
    """Where the evidence is of the lines of the verdict that did not pass, by their codes. ``request`` comes with its store."""
    found = {rule["code"]: _evidence_url(rule["code"], str(rule["actual"]), request) for rule in _failed(request)}
    return {code: url for code, url in found.items() if url}


def _failed(request: RefundRequest) -> list[Mapping[str, str]]:
    return [rule for rule in request.verdict["rules"] if not rule["passed"]]


def _evidence_url(code: str, actual: str, request: RefundRequest) -> str:
    if code == "new_evidence":
        return refund_url(actual)
    if code in _OF_SALE:
        return reverse("desk:transaction", args=[request.transaction_id])
    since = timezone.localtime(request.created_at - timedelta(days=_DAYS.get(code, 0))).date().isoformat()
    refunds = reverse("desk:refunds")
    if code.startswith(_OF_CUSTOMER) and request.customer_phone_hash is not None:
        return with_query(refunds, customer=request.number, created_after=since)
    if code.startswith(_OF_CASHIER) and request.cashier:
        return with_query(refunds, cashier=request.cashier, created_after=since)
    if code.startswith(_OF_STORE):
        return with_query(refunds, store=request.store.code, created_after=since)
    return ""
