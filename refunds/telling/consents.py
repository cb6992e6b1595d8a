"""A customer's consent to messages in WeChat, as the merchant's mini program got it; it can be taken back at any time."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.errors import wrong
from core.plain_text import one_line
from merchants.principals import Principal
from merchants.rights import Act
from refunds import lifecycle
from refunds.facts import conditions
from refunds.models import WeChatConsent
from refunds.telling.wording import NOTIFIED


@transaction.atomic
def give(*, request_id: UUID, openid: str, events: Sequence[str], by: Principal, at: datetime) -> WeChatConsent:
    """One message each may go out of these events; in the place of what was agreed to before. Raises ``NotFound``, ``Forbidden``
    and ``Invalid``.
    """
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.CONSENT, by=by, request=request)
    openid = one_line(openid, limit=100)
    if not openid:
        raise wrong("openid", code="required")
    if not events or set(events) - NOTIFIED:
        raise wrong("events", code="invalid_choice")
    row, _ = WeChatConsent.objects.update_or_create(
        request_id=request.pk,
        defaults={
            "merchant_id": request.merchant_id,
            "openid": openid,
            "events": sorted(set(events)),
            "given_at": at,
            "refused_at": None,
        },
    )
    lifecycle.record_act(request, "refund.consent", by=by.actor, at=at, data={"events": row.events})
    return row


@transaction.atomic
def withdraw(*, request_id: UUID, by: Principal, at: datetime) -> None:
    """No message goes there any more, and the address is forgotten. Raises ``NotFound`` and ``Forbidden``."""
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.CONSENT, by=by, request=request)
    if WeChatConsent.objects.filter(request_id=request.pk).exclude(openid="").update(openid="", events=[]):
        lifecycle.record_act(request, "refund.consent_withdrawn", by=by.actor, at=at, data={})
