"""The audit trail for those who may read it: narrowed, taken away, verified."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from core.audit import verifying
from core.audit.models import AuditEvent, AuditVerification
from core.audit.record import record
from core.audit.verifying import Breach
from core.errors import Conflict, Invalid
from merchants.principals import Principal
from merchants.rights import Act, check_may

#: The most rows of one file. More is refused: a file that was cut off looks complete.
MOST_ROWS = 100_000
#: What is about a refund; all else is rare beside it.
REFUND = "refund_request"


class VerificationWaits(Conflict):
    """Somebody has asked for it already."""

    code = "verification_waits"


def events_of(*, by: Principal) -> QuerySet[AuditEvent]:
    """Everything that was done at the merchant. Raises ``Forbidden``."""
    check_may(Act.SEE_AUDIT, by=by)
    return AuditEvent.objects.filter(merchant_id=by.acting_for)


@transaction.atomic
def taken_away(
    rows: QuerySet[AuditEvent], *, filters: Mapping[str, str], by: Principal, at: datetime
) -> QuerySet[AuditEvent]:
    """These rows as they stand, for a file; the trail knows of it before the first one leaves. Raises ``Invalid``."""
    check_may(Act.SEE_AUDIT, by=by)
    rows = rows.filter(merchant_id=by.acting_for)
    count = rows.order_by().values("pk")[: MOST_ROWS + 1].count()
    if count > MOST_ROWS:
        raise Invalid(f"at most {MOST_ROWS} rows are exported at once", code="too_many_rows")
    narrowed = {name: filters[name][:200] for name in sorted(filters) if filters[name]}
    _record("audit.export", by, at, {"filters": narrowed, "rows": count})
    return rows.filter(at__lte=at)


def verify_recent(*, by: Principal) -> tuple[int, str, list[Breach]]:
    """Look at the merchant's chain from the last verification on that found nothing. Returns the last place that was looked
    at, its hash, and what does not hold. Raises ``Forbidden``.
    """
    check_may(Act.SEE_AUDIT, by=by)
    found = verifying.verify(whole=False, merchant_id=by.acting_for)
    seq, head = found.reached.get(by.acting_for, (0, b""))
    return seq, head.hex(), found.breaches


@transaction.atomic
def ask_for_whole(*, by: Principal, at: datetime) -> AuditVerification:
    """Have every event of the merchant looked at, in the background. Raises ``VerificationWaits``."""
    check_may(Act.SEE_AUDIT, by=by)
    try:
        with transaction.atomic():
            asked = AuditVerification.objects.create(merchant_id=by.acting_for, asked_by=by.name, asked_at=at)
    except IntegrityError as error:
        raise VerificationWaits("the chain is being verified") from error
    _record("audit.verify", by, at, {})
    return asked


def last_verification(*, by: Principal) -> AuditVerification | None:
    """The last one that was asked for, ended or not."""
    check_may(Act.SEE_AUDIT, by=by)
    return AuditVerification.objects.filter(merchant_id=by.acting_for).order_by("-pk").first()


def _record(action: str, by: Principal, at: datetime, data: dict[str, object]) -> None:
    record(
        merchant_id=by.acting_for,
        by=by.actor,
        action=action,
        object_type="audit_chain",
        object_id=by.acting_for,
        at=at,
        data=data,
    )
