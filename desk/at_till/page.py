"""What a till shows for a decision, on the phone that scanned it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise

from desk import verdicts
from desk.access import Scope
from desk.addresses import refund as refund_url
from desk.forms import RejectReasonChoice, reject_reasons
from desk.refund.page import find
from desk.verdicts import VerdictCard
from refunds.models import TillAuthorisation
from refunds.states import Reason, Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A refund as the till shows it. ``expires_at``: until when this person decides."""

    number: str
    till: str
    store_name: str
    amount_fen: int
    reason_label: Promise | str
    route_label: Promise | str
    order_no: str
    paid_fen: int
    cashier: str
    description: str
    customer_consent: bool | None
    verdict: VerdictCard
    reject_reasons: Sequence[RejectReasonChoice]
    expires_at: datetime
    refund_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AtTillPage:
    """``asked`` None: the code is of no use any more, ``error`` says why."""

    asked: Asked | None
    error: str


def asked(row: TillAuthorisation, *, scope: Scope) -> Asked:
    """The page of a code that this person has opened."""
    found = find(scope, row.request.number)
    return Asked(
        number=found.number,
        till=row.terminal.code,
        store_name=found.store.name,
        amount_fen=row.amount_fen,
        reason_label=Reason(found.reason).label,
        route_label=Route(found.route).label,
        order_no=found.transaction.order_no,
        paid_fen=found.transaction.amount_fen,
        cashier=found.cashier,
        description=found.description,
        customer_consent=found.customer_consent,
        verdict=verdicts.shown(found),
        reject_reasons=reject_reasons(language=found.customer_locale),
        expires_at=row.expires_at,
        refund_url=refund_url(found.number),
    )
