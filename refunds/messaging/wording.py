"""What a customer is told, per event and language. One template an event and medium, in ``templates/messages``."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext

from core.money import yuan_grouped
from refunds import tracking
from refunds.arrival import SHANGHAI, expected_arrival
from refunds.messaging.carriers import Text
from refunds.models import RefundRequest
from refunds.states import RejectReason, State

#: Events of which the customer is told; the rest is nobody's business but ours.
TOLD: frozenset[str] = frozenset(
    {State.IN_REVIEW, State.NEEDS_INFO, State.APPROVED, State.REJECTED, State.REFUNDED, State.FAILED, State.CANCELLED}
)


def words(*, event: str, medium: str, locale: str, request: RefundRequest) -> Text:
    """The message for one event. ``request`` comes with store, merchant and transaction."""
    with translation.override(_language(locale)):
        context = _context(request)
        body = render_to_string(f"messages/{event}.txt", {**context, "short": medium == "sms"})
        subject = gettext("%(merchant)s: your refund %(number)s") % {
            "merchant": request.merchant.name,
            "number": request.number,
        }
        lines = [line.strip() for line in body.splitlines() if line.strip()]
        if medium == "sms":
            return Text("", " ".join(lines))
        html = render_to_string("messages/mail.html", {**context, "lines": lines, "subject": subject})
        return Text(subject, "\n\n".join(lines), html)


def _language(locale: str) -> str:
    return "en" if locale.lower().startswith("en") else "zh-hans"


def _context(request: RefundRequest) -> dict[str, object]:
    sale = request.transaction
    profile = sale.channel_account.profile if sale.channel_account else {}
    arrival = expected_arrival(funding=sale.funding, profile=profile, at=request.succeeded_at or request.updated_at)
    return {
        "merchant": request.merchant.name,
        "store": request.store.name,
        "store_phone": request.store.phone,
        "number": request.number,
        "amount": yuan_grouped(request.approved_fen or request.amount_fen),
        "channel": request.channel,
        "at_once": arrival.basis == "at_once",
        "arrives_by": arrival.latest_at.astimezone(SHANGHAI),
        "due_at": request.due_at.astimezone(SHANGHAI),
        "reject_reason": RejectReason(request.reject_reason).label if request.reject_reason else "",
        "message": request.message_to_customer,
        "url": tracking.url_for(request.pk),
    }
