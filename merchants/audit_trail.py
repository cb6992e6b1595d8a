"""The audit trail for those who may read it: narrowed, taken away, verified."""

import logging
import smtplib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext

from core.audit import checkpoints, keys, verifying
from core.audit.models import AuditCheckpoint, AuditEvent, AuditVerification
from core.audit.record import record
from core.audit.verifying import Breach
from core.errors import Conflict, Invalid
from merchants.models import Merchant
from merchants.principals import Principal
from merchants.rights import Act, check_may

logger = logging.getLogger(__name__)

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


def checkpoints_of(*, by: Principal) -> QuerySet[AuditCheckpoint]:
    """The merchant's signed checkpoints. Raises ``Forbidden``."""
    check_may(Act.SEE_AUDIT, by=by)
    return AuditCheckpoint.objects.filter(merchant_id=by.acting_for)


@transaction.atomic
def chain_taken_away(*, by: Principal, at: datetime) -> Iterator[str]:
    """The whole trail for ``clients/verify.py``, a line each; that it was taken is in the trail. Raises ``Forbidden``."""
    check_may(Act.SEE_AUDIT, by=by)
    _record("audit.export", by, at, {"chain": True})
    return checkpoints.given_out(merchant_id=by.acting_for)


@transaction.atomic
def name_holder(*, address: str, by: Principal, at: datetime) -> None:
    """Who is mailed a checkpoint every day, "" for nobody. Raises ``Forbidden`` or ``Invalid``."""
    check_may(Act.SEE_AUDIT, by=by)
    if address:
        try:
            validate_email(address)
        except ValidationError as error:
            raise Invalid("this is no mail address", code="invalid_email") from error
    merchant = Merchant.objects.select_for_update(no_key=True).get(pk=by.acting_for)
    if merchant.checkpoints_to != address:
        merchant.checkpoints_to, merchant.checkpoint_mailed_at = address, None
        merchant.save(update_fields=["checkpoints_to", "checkpoint_mailed_at"])
        _record("audit.holder", by, at, {"named": bool(address)})


def mail_checkpoints(*, at: datetime) -> int:
    """Mail the newest checkpoint to whom each merchant names, once a day. Returns how many; one that fails is tried again."""
    owed = Merchant.objects.exclude(checkpoints_to="").exclude(checkpoint_mailed_at__gt=at - timedelta(days=1))
    count = 0
    for merchant in owed.order_by("pk"):
        last = AuditCheckpoint.objects.filter(merchant_id=merchant.pk).order_by("-pk").first()
        if last is None:
            continue
        with translation.override("zh-hans"):
            subject = gettext("Checkpoint of the audit trail of %(merchant)s") % {"merchant": merchant.name}
            text = gettext(
                "Keep this. With it and clients/verify.py you find out whether the trail was rewritten.\n\n"
                "Public key: %(key)s\n\n%(line)s\n"
            )
        said = {
            "key": checkpoints.public_key(keys.ring().current),
            "line": checkpoints.as_line(last.body, last.signatures),
        }
        try:
            send_mail(subject, text % said, None, [merchant.checkpoints_to])
        except (smtplib.SMTPException, OSError):
            logger.exception("the checkpoint of merchant %s was not mailed", merchant.pk)
            continue
        Merchant.objects.filter(pk=merchant.pk).update(checkpoint_mailed_at=at)
        count += 1
    return count


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
