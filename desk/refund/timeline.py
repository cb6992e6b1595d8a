"""People, system and channel in one line of events, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext

from core.audit.actors import ActorKind
from core.audit.models import AuditEvent
from core.money import yuan_grouped
from core.plain_text import plain_text
from desk.notices import event_label
from desk.refund.payouts import readable
from merchants import channels
from refunds.models import Execution, Notification
from refunds.models.notification import NotificationState
from refunds.rules import explanations
from refunds.rules.deposits import Cause
from refunds.states import HandTrouble, Reason, RejectReason
from refunds.telling import payout_words

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
    "refund.second_leg_failed": "warning",
}
#: Seen by colleagues only: the customer's page says nothing of them.
_INTERNAL = frozenset(
    {"refund.note", "refund.reveal", "refund.claim", "refund.release", "refund.reassign", "refund.resend"}
)

#: Steps within one commit that tell a reader nothing the next line does not.
_SILENT = frozenset({"refund.verify"})

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Who did what; ``order`` settles between lines of one instant."""

    at: datetime
    order: int
    kind: str
    actor: str
    text: str
    detail: str
    note: str = ""
    raw: str = ""
    internal: bool = False

    @property
    def is_talk(self) -> bool:
        """Whether people said it, as opposed to system and channel."""
        return self.kind in ("person", "customer", "message")


def timeline(
    *, events: Iterable[AuditEvent], executions: Iterable[Execution], notifications: Iterable[Notification]
) -> list[Line]:
    """One line an event and a message sent; a payout's proof is folded into the event it proves."""
    proofs = {execution.refund_no: execution.proof for execution in executions if execution.proof}
    lines = [_line(event, proofs) for event in events if event.action not in _SILENT]
    lines += [
        _message(notification) for notification in notifications if notification.state != NotificationState.PENDING
    ]
    return sorted(lines, key=lambda line: (line.at, line.order), reverse=True)


def _line(event: AuditEvent, proofs: Mapping[str, str]) -> Line:
    describe = _TEXTS.get(event.action)
    text, detail = describe(event.data) if describe else (event.action, "")
    proof = proofs.get(event.data.get("refund_no", ""), "") if event.action == "refund.succeed" else ""
    return Line(
        at=event.at,
        order=event.pk,
        kind=_KIND_OF_ACTION.get(event.action) or _KINDS.get(ActorKind(event.actor_kind), "system"),
        actor=_actor(event),
        text=text,
        detail=detail,
        note=str(event.data.get("text") or event.data.get("note") or ""),
        raw=readable(proof),
        internal=event.action in _INTERNAL,
    )


def _actor(event: AuditEvent) -> str:
    if event.actor_kind == ActorKind.CUSTOMER:
        return gettext("Customer")
    if event.actor_kind == ActorKind.CHANNEL:
        return channels.label(event.actor_name)
    if event.actor_kind == ActorKind.SYSTEM:
        return gettext("Policy") if event.actor_name == "policy" else ""
    return event.actor_name


def _message(notification: Notification) -> Line:
    sent = notification.state == NotificationState.SENT
    values = {"recipient": notification.masked_recipient, "event": event_label(notification.event)}
    text = gettext("Told %(recipient)s: %(event)s") if sent else gettext("Could not tell %(recipient)s: %(event)s")
    return Line(
        at=notification.sent_at or notification.created_at,
        order=0,
        kind="message" if sent else "warning",
        actor="",
        text=text % values,
        detail=_receipt(notification) if sent else notification.last_error,
    )


def _receipt(notification: Notification) -> str:
    """``SMS · receipt accepted``."""
    medium = str(notification.get_medium_display())
    if not notification.receipt:
        return medium
    return gettext("%(medium)s · receipt %(receipt)s") % {"medium": medium, "receipt": notification.receipt}


# --- what each event says -----------------------------------------------------------------------------------------


def _given_up(data: Mapping[str, Any]) -> tuple[str, str]:
    amount = yuan_grouped(int(data.get("amount_fen", 0)))
    return gettext("gave up a part of ¥%(amount)s") % {"amount": amount}, str(data.get("note", ""))


def _said_beside(data: Mapping[str, Any]) -> str:
    """Why a deposit ends, what the customer agreed to, why evidence is missing."""
    said = [str(Cause(data["cause"]).label)] if data.get("cause") in Cause.values else []
    if data.get("agreement"):
        said.append(gettext("agreed with the customer: %(what)s") % {"what": plain_text(str(data["agreement"]))})
    if data.get("without_evidence"):
        said.append(gettext("evidence missing: %(why)s") % {"why": plain_text(str(data["without_evidence"]))})
    return "".join(f" · {one}" for one in said)


def _reject(data: Data) -> tuple[str, str]:
    reason = str(data.get("reason", ""))
    return gettext("rejected the request"), str(RejectReason(reason).label) if reason in RejectReason.values else reason


def _fail(data: Data) -> tuple[str, str]:
    if data.get("source") == "person":
        code = str(data.get("code", ""))
        why = str(HandTrouble(code).label) if code in HandTrouble.values else code
        return gettext("could not pay it by hand; no money moved"), " · ".join(
            part for part in (why, str(data.get("message", ""))) if part
        )
    return gettext("refused the payout; nothing was paid under this number"), " ".join(
        part for part in (payout_words.own_code(str(data.get("code", ""))), str(data.get("message", ""))) if part
    )


def _amount_and_reason(data: Data) -> str:
    reason = str(data.get("reason", ""))
    label = str(Reason(reason).label) if reason in Reason.values else reason
    return f"¥{yuan_grouped(int(data.get('amount_fen', 0)))} · {label}"


def _not_passed(data: Data) -> str:
    return " · ".join(explanations.label(str(code)) for code in data.get("not_passed", []))


_TEXTS: dict[str, Callable[[Data], tuple[str, str]]] = {
    "refund.submit": lambda data: (gettext("submitted the request"), _amount_and_reason(data) + _said_beside(data)),
    "refund.resubmit": lambda data: (gettext("sent the request in again"), _amount_and_reason(data)),
    "refund.ask_review": lambda data: (gettext("wants a person to decide"), _not_passed(data)),
    "refund.approve_by_rule": lambda _data: (gettext("approved by rule"), ""),
    "refund.approve": lambda data: (
        gettext("approved ¥%(amount)s") % {"amount": yuan_grouped(int(data.get("amount_fen", 0)))},
        "",
    ),
    "refund.reject": _reject,
    "refund.request_info": lambda data: (gettext("asked the customer for more"), str(data.get("message", ""))),
    "refund.start_execution": lambda data: (
        gettext("Handed to the channel under a fixed number"),
        str(data.get("refund_no", "")),
    ),
    "refund.lose_sight": lambda data: (
        gettext("gave no answer that proves anything"),
        payout_words.own_code(str(data.get("code", ""))),
    ),
    "refund.hand_over": lambda _data: (gettext("hands it to a person, who pays it by hand"), ""),
    "refund.succeed": lambda data: (gettext("confirmed the payout"), str(data.get("channel_refund_no", ""))),
    "refund.fail": _fail,
    "refund.regain_sight": lambda _data: (gettext("has answered about the payout"), ""),
    "refund.cancel": lambda _data: (gettext("cancelled the request"), ""),
    "refund.retry": lambda _data: (gettext("sent the payout out again"), ""),
    "refund.pay_part": lambda data: (
        gettext("confirmed ¥%(amount)s of it") % {"amount": yuan_grouped(int(data.get("amount_fen", 0)))},
        str(data.get("channel_refund_no", "")),
    ),
    "refund.leg_failed": lambda data: (
        gettext("refused a part of it"),
        str(data.get("message") or data.get("code", "")),
    ),
    "refund.renew_leg": lambda _data: (gettext("sent the part that failed out again, or another way"), ""),
    "refund.give_up_leg": _given_up,
    "refund.give_up_rest": _given_up,
    "refund.begin_follow_up": lambda _data: (gettext("The customer is asked how it went"), ""),
    "refund.close": lambda _data: (gettext("Closed"), ""),
    "refund.reassign": lambda data: (gettext("handed it to %(name)s") % {"name": data.get("to", "")}, ""),
    "refund.claim": lambda _data: (gettext("took it on"), ""),
    "refund.release": lambda _data: (gettext("gave it back to the queue"), ""),
    "refund.note": lambda _data: (gettext("noted"), ""),
    "refund.reveal": lambda _data: (gettext("looked at the customer's full contact"), ""),
    "refund.resend": lambda _data: (gettext("sent a message once more"), ""),
    "refund.evidence": lambda _data: (gettext("added evidence"), ""),
    "refund.rated": lambda _data: (gettext("rated the refund"), ""),
    "refund.close_against": lambda data: (
        gettext("closed it: %(number)s, made in the portal, covers it") % {"number": data.get("refund", "")},
        "",
    ),
    "refund.hold": lambda data: (
        gettext("reported as paid what it had refused: the sale is held for finance"),
        str(data.get("refund_no", "")),
    ),
    "refund.end_hold": lambda data: (gettext("ended the hold of the sale"), str(data.get("note", ""))),
    "refund.prove_paid": lambda data: (
        gettext("booked the payout that the channel had called refused"),
        str(data.get("refund_no", "")),
    ),
    "refund.end_proposed": lambda data: (
        gettext("found it paid in the channel's portal; a second person confirms")
        if data.get("paid")
        else gettext("found no such refund in the channel's portal; a second person confirms"),
        str(data.get("channel_refund_no", "")),
    ),
    "refund.send_elsewhere": lambda data: (gettext("sent it to another account"), str(data.get("card_last4", ""))),
    "refund.second_leg_done": lambda _data: (gettext("says that the payer's bank has the money"), ""),
    "refund.second_leg_none": lambda _data: (gettext("says no more of the way to the payer's bank"), ""),
    "refund.second_leg_failed": lambda _data: (
        gettext("says that the bank did not take it; it lies in the customer's balance"),
        "",
    ),
    "refund.late_answer": lambda _data: (gettext("answered late and differently; finance must compare"), ""),
}
