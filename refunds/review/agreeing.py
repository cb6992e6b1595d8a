"""What was negotiated with the customer, kept with who agreed, how, and when (``refunds.models.Agreement``)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.errors import Invalid
from core.plain_text import one_line, person_name
from merchants.principals import Principal
from merchants.rights import Act
from refunds import lifecycle
from refunds.facts import agreements, conditions
from refunds.models import Agreement, RefundRequest
from refunds.models.agreement import Means
from refunds.states import OPEN_FOR_REVIEW
from terminals.reporting import CLOCKS_DIFFER


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Who said so, how and when, and in which words."""

    agreed_by: str
    means: str
    agreed_at: datetime
    words: str = ""


@transaction.atomic
def agree_amount(
    *, request_id: UUID, amount_fen: int, consent: Consent, by: Principal, at: datetime, version: int | None = None
) -> Agreement:
    """Keep that the customer agreed to this amount, at most what was asked for. From then on nothing else is approved, until
    another agreement. Raises ``Forbidden``, ``AlreadyChanged``, ``WrongState`` or ``Invalid``.
    """
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.AGREE, by=by, request=request, at=at)
    lifecycle.check_version(request, version)
    if request.state not in OPEN_FOR_REVIEW:
        raise lifecycle.WrongState("it is not in review", state=request.state, version=request.version)
    if not 0 < amount_fen <= request.amount_fen:
        raise Invalid("the agreed amount is above what was asked for", code="amount_above_requested")
    found = keep(request, consent, by=by, at=at, amount_fen=amount_fen)
    data = {"amount_fen": amount_fen, "means": found.means, "agreed_by": found.agreed_by}
    lifecycle.record_act(request, "refund.agree", by=by.actor, at=at, data=data)
    return found


def keep(
    request: RefundRequest,
    consent: Consent,
    *,
    by: Principal,
    at: datetime,
    amount_fen: int | None = None,
    until: datetime | None = None,
) -> Agreement:
    """Store an agreement, in the caller's commit. Raises ``Invalid``."""
    agreed_by = person_name(consent.agreed_by)[:60]
    if not agreed_by or consent.means not in Means.values or consent.agreed_at > at + CLOCKS_DIFFER:
        raise Invalid("say who agreed, how, and when", code="agreed_by_missing")
    return Agreement.objects.create(
        request_id=request.pk,
        amount_fen=amount_fen,
        until=until,
        agreed_by=agreed_by,
        means=consent.means,
        agreed_at=consent.agreed_at,
        words=one_line(consent.words, limit=500),
        recorded_by=by.name[:80],
        recorded_at=at,
    )


def agreed_fen(request: RefundRequest) -> int | None:
    """What the customer agreed to last; None where no amount was negotiated since it was sent in like this."""
    last_fen = agreements.agreed_fen(request_id=request.pk)
    return last_fen if last_fen is not None and last_fen <= request.amount_fen else None
