"""What is said to customers, and what they say."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils import timezone

from merchants.principals import Principal
from merchants.rights import Act
from refunds.facts import conditions
from refunds.follow_up import erasing, incidents, reports, survey
from refunds.follow_up.incidents import Problem
from refunds.models import RefundRequest
from refunds.telling import consents, outbox, own_words
from tests.rights.cases import Call, Domain, Page, of_link, on
from tests.rights.world import Who, World


def _erase_own(*, request_id: UUID, **more: Any) -> object:
    """As who holds the customer's phone."""
    phone = conditions.phone_to_show(RefundRequest.objects.get(pk=request_id))
    return erasing.erase_own(request_id=request_id, phone=phone, **more)


def _word(_world: World, by: Principal) -> object:
    return own_words.write(
        event="refunded", language="en", medium="sms", text="{amount}", after=0, by=by, at=timezone.now()
    )


def _incident(world: World, _who: Who) -> dict[str, Any]:
    return {"title": "?", "began_at": timezone.now().isoformat(), "store": world.store.code}


DOMAIN: dict[Act, Domain] = {
    Act.CONSENT: on("waiting", consents.give, openid="o1", events=["refunded"]),
    Act.RATE: of_link("paid", survey.rate, score=5, comment=""),
    Act.ANSWER_REPORT: lambda world, by: reports.close(
        report_id=world.report.pk, outcome="?", by=by, at=timezone.now()
    ),
    Act.REPORT_INCIDENT: lambda world, by: incidents.open_incident(
        problem=Problem(title="?", began_at=timezone.now(), store=world.store.code), by=by, at=timezone.now()
    ),
    Act.HANDLE_INCIDENT: lambda world, by: incidents.note_answer(
        incident_id=world.incident.pk, words="?", by=by, at=timezone.now()
    ),
    Act.RESEND: lambda world, by: outbox.resend(notification_id=world.dead_message.pk, by=by, at=timezone.now()),
    Act.SET_WORDING: _word,
    Act.ERASE_OWN: of_link("rejected", _erase_own),
    Act.ERASE: lambda _world, by: erasing.set_term(days=400, by=by, at=timezone.now()),
}

REST: list[Call] = [
    (Act.CONSENT, "PUT", "refund-requests/{waiting}/wechat-consent", {"openid": "o1", "events": ["refunded"]}),
    (Act.REPORT_INCIDENT, "POST", "incidents", _incident),
    (Act.REPORT_INCIDENT, "GET", "incidents/{incident}", None),
    (Act.HANDLE_INCIDENT, "POST", "incidents/{incident}/answers", {"words": "?"}),
    (Act.ANSWER_REPORT, "POST", "tasks/{report}/take", {}),
    (Act.SET_WORDING, "GET", "message-templates", None),
    (Act.SET_WORDING, "PUT", "message-templates/refunded/sms/en", {"text": "{{amount}}", "after": 0}),
    (Act.CONSENT, "DELETE", "refund-requests/{waiting}/wechat-consent", None),
]

DESK: list[Page] = [
    (Act.REPORT_INCIDENT, "GET", "/desk/incidents/{incident}", {}),
    (Act.HANDLE_INCIDENT, "POST", "/desk/incidents/{incident}/answer", {"words": "?"}),
    (Act.ANSWER_REPORT, "POST", "/desk/tasks/{report}/take", {}),
    (Act.ANSWER_REPORT, "POST", "/desk/tasks/{report}/close", {"outcome": "?"}),
    (Act.RESEND, "POST", "/desk/notifications/{message}/resend", {"confirmed": "1"}),
    (Act.RESEND, "GET", "/desk/notifications/{message}/resend", {}),
    (Act.SET_WORDING, "POST", "/desk/settings/messages/refunded/sms/en", {"text": "{{amount}}", "after": "0"}),
    (Act.ERASE, "POST", "/desk/settings/personal-data", {"days": "400"}),
]
