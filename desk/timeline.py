"""People, system and channel in one line of events, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.utils.translation import gettext

from core.audit.actors import ActorKind
from core.audit.models import AuditEvent
from core.money import yuan_grouped
from desk.payouts import event_label, readable
from merchants import channels
from refunds.models import Execution, Notification
from refunds.models.notification import NotificationState
from refunds.rules import explanations
from refunds.states import HandTrouble, Reason, RejectReason

_KINDS = {
    ActorKind.STAFF: "person",
    ActorKind.API_KEY: "person",
    ActorKind.CUSTOMER: "customer",
    ActorKind.CHANNEL: "channel",
    ActorKind.SYSTEM: "system",
}
_KIND_OF_ACTION = {
    "refund.succeed": "money",
    "refund.fail": "warning",
    "refund.lose_sight": "warning",
    "refund.late_answer": "warning",
}
#: Seen by colleagues only: the customer's page says nothing of them.
_INTERNAL = frozenset(
    {"refund.note", "refund.reveal", "refund.claim", "refund.release", "refund.reassign", "refund.resend"}
)

#: Steps within one commit that tell a reader nothing the next line does not.
_SILENT = frozenset({"refund.verify"})

Data = Mapping[str, Any]


def timeline(
    *, events: Iterable[AuditEvent], executions: Iterable[Execution], notifications: Iterable[Notification]
) -> list[dict[str, Any]]:
    """One line an event and a message sent; a payout's proof is folded into the event it proves."""
    proofs = {execution.refund_no: execution.proof for execution in executions if execution.proof}
    lines = [_line(event, proofs) for event in events if event.action not in _SILENT]
    lines += [
        _message(notification) for notification in notifications if notification.state != NotificationState.PENDING
    ]
    return sorted(lines, key=lambda line: (line["at"], line["order"]), reverse=True)


def _line(event: AuditEvent, proofs: Mapping[str, str]) -> dict[str, Any]:
    describe = _TEXTS.get(event.action)
    text, detail = describe(event.data) if describe else (event.action, "")
    proven = event.action == "refund.succeed"
    return {
        "at": event.at,
        "order": event.pk,
        "kind": _KIND_OF_ACTION.get(event.action) or _KINDS.get(ActorKind(event.actor_kind), "system"),
        "actor": _actor(event),
        "text": text,
        "detail": detail,
        "note": str(event.data.get("text") or event.data.get("note") or ""),
        "raw": readable(proofs.get(event.data.get("refund_no", ""), "")) if proven else "",
        "internal": event.action in _INTERNAL,
    }


def _actor(event: AuditEvent) -> str:
    if event.actor_kind == ActorKind.CUSTOMER:
        return gettext("Customer")
    if event.actor_kind == ActorKind.CHANNEL:
        return channels.label(event.actor_name)
    if event.actor_kind == ActorKind.SYSTEM:
        return gettext("Policy") if event.actor_name == "policy" else ""
    return event.actor_name


def _message(notification: Notification) -> dict[str, Any]:
    sent = notification.state == NotificationState.SENT
    values = {"recipient": notification.masked_recipient, "event": event_label(notification.event)}
    text = gettext("Told %(recipient)s: %(event)s") if sent else gettext("Could not tell %(recipient)s: %(event)s")
    return {
        "at": notification.sent_at or notification.created_at,
        "order": 0,
        "kind": "message" if sent else "warning",
        "actor": "",
        "text": text % values,
        "detail": _receipt(notification) if sent else notification.last_error,
        "note": "",
        "raw": "",
        "internal": False,
    }


def _receipt(notification: Notification) -> str:
    """``SMS · receipt accepted``."""
    medium = str(notification.get_medium_display())
    if not notification.receipt:
        return medium
    return gettext("%(medium)s · receipt %(receipt)s") % {"medium": medium, "receipt": notification.receipt}


# --- what each event says -----------------------------------------------------------------------------------------


def _submit(data: Data) -> tuple[str, str]:
    return gettext("submitted the request"), _amount_and_reason(data)


def _resubmit(data: Data) -> tuple[str, str]:
    return gettext("sent the request in again"), _amount_and_reason(data)


def _ask_review(data: Data) -> tuple[str, str]:
    return gettext("wants a person to decide"), _not_passed(data)


def _approve_by_rule(_data: Data) -> tuple[str, str]:
    return gettext("approved by rule"), ""


def _approve(data: Data) -> tuple[str, str]:
    return gettext("approved ¥%(amount)s") % {"amount": yuan_grouped(int(data.get("amount_fen", 0)))}, ""


def _reject(data: Data) -> tuple[str, str]:
    reason = str(data.get("reason", ""))
    return gettext("rejected the request"), str(RejectReason(reason).label) if reason in RejectReason.values else reason


def _request_info(data: Data) -> tuple[str, str]:
    return gettext("asked the customer for more"), str(data.get("message", ""))


def _start(data: Data) -> tuple[str, str]:
    return gettext("Handed to the channel under a fixed number"), str(data.get("refund_no", ""))


def _lose_sight(data: Data) -> tuple[str, str]:
    return gettext("gave no answer that proves anything; it is asked again, never paid twice"), str(
        data.get("code", "")
    )


def _hand_over(_data: Data) -> tuple[str, str]:
    return gettext("hands it to a person, who pays it by hand"), ""


def _succeed(data: Data) -> tuple[str, str]:
    return gettext("confirmed the payout"), str(data.get("channel_refund_no", ""))


def _fail(data: Data) -> tuple[str, str]:
    if data.get("source") == "person":
        code = str(data.get("code", ""))
        why = str(HandTrouble(code).label) if code in HandTrouble.values else code
        return gettext("could not pay it by hand; no money moved"), " · ".join(
            part for part in (why, str(data.get("message", ""))) if part
        )
    return gettext("refused the payout; no money moved"), " ".join(
        str(data[key]) for key in ("code", "message") if data.get(key)
    )


def _reassign(data: Data) -> tuple[str, str]:
    return gettext("handed it to %(name)s") % {"name": data.get("to", "")}, ""


def _plain(text: Callable[[], str]) -> Callable[[Data], tuple[str, str]]:
    return lambda _data: (text(), "")


_TEXTS: dict[str, Callable[[Data], tuple[str, str]]] = {
    "refund.submit": _submit,
    "refund.resubmit": _resubmit,
    "refund.ask_review": _ask_review,
    "refund.approve_by_rule": _approve_by_rule,
    "refund.approve": _approve,
    "refund.reject": _reject,
    "refund.request_info": _request_info,
    "refund.start_execution": _start,
    "refund.lose_sight": _lose_sight,
    "refund.hand_over": _hand_over,
    "refund.succeed": _succeed,
    "refund.fail": _fail,
    "refund.regain_sight": _plain(lambda: gettext("is working on the payout")),
    "refund.cancel": _plain(lambda: gettext("cancelled the request")),
    "refund.retry": _plain(lambda: gettext("sent the payout out again")),
    "refund.begin_follow_up": _plain(lambda: gettext("The customer is asked how it went")),
    "refund.close": _plain(lambda: gettext("Closed")),
    "refund.reassign": _reassign,
    "refund.claim": _plain(lambda: gettext("took it on")),
    "refund.release": _plain(lambda: gettext("gave it back to the queue")),
    "refund.note": _plain(lambda: gettext("noted")),
    "refund.reveal": _plain(lambda: gettext("looked at the customer's full contact")),
    "refund.resend": _plain(lambda: gettext("sent a message once more")),
    "refund.evidence": _plain(lambda: gettext("added evidence")),
    "refund.rated": _plain(lambda: gettext("rated the refund")),
    "refund.late_answer": _plain(lambda: gettext("answered late and differently; finance must compare")),
}


def _amount_and_reason(data: Data) -> str:
    reason = str(data.get("reason", ""))
    label = str(Reason(reason).label) if reason in Reason.values else reason
    return f"¥{yuan_grouped(int(data.get('amount_fen', 0)))} · {label}"


def _not_passed(data: Data) -> str:
    return " · ".join(explanations.label(str(code)) for code in data.get("not_passed", []))
