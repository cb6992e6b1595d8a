"""People, system and channel in one line of events, newest first."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core import codes
from core.audit.actors import ActorKind
from core.audit.models import AuditEvent
from core.money import yuan_grouped
from core.plain_text import plain_text
from desk.notices import event_label, receipt, trouble
from desk.refund.payouts import readable
from desk.templatetags.desk_format import when_minute
from merchants import channels
from refunds.models import Execution, Notification
from refunds.models.goods_return import OfferKind, ReturnState
from refunds.models.notification import NotificationState
from refunds.models.survey import RatingReason
from refunds.rules import explanations, in_words
from refunds.rules.deposits import Cause
from refunds.rules.goods import Condition
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
    {
        "refund.approve_first",
        "refund.approval_lapsed",
        "refund.decide",
        "refund.undo",
        "refund.decision_void",
        "refund.second_look",
        "refund.note",
        "refund.reveal",
        "refund.claim",
        "refund.release",
        "refund.reassign",
        "refund.assign",
        "refund.assignment_lapsed",
        "refund.resend",
    }
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
    text, detail = described(event)
    proof = proofs.get(event.data.get("refund_no", ""), "") if event.action == "refund.succeed" else ""
    return Line(
        at=event.at,
        order=event.pk,
        kind=_KIND_OF_ACTION.get(event.action) or _KINDS.get(ActorKind(event.actor_kind), "system"),
        actor=actor(event),
        text=text,
        detail=detail,
        note=str(event.data.get("text") or event.data.get("note") or ""),
        raw=readable(proof),
        internal=event.action in _INTERNAL,
    )


def described(event: AuditEvent) -> tuple[str, str]:
    """What an event says, and what stands beside it; its bare name where it has no words."""
    found = _TEXTS.get(event.action)
    if found is None:
        return event.action, ""
    return found(event.data) if callable(found) else (str(found[0]), str(event.data.get(found[1], "")))


def actor(event: AuditEvent) -> str:
    """Who did it, as staff read it; "" for the system."""
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
        detail=f"{notification.get_medium_display()} · {receipt(notification) if sent else trouble(notification.last_error)}",
    )


# --- what each event says -----------------------------------------------------------------------------------------


def _given_up(data: Data) -> tuple[str, str]:
    return gettext("gave up a part of ¥%(amount)s") % _amount(data), str(data.get("note", ""))


def _said_beside(data: Data) -> str:
    """Why a deposit ends, what the customer agreed to, why evidence is missing."""
    said = [str(Cause(data["cause"]).label)] if data.get("cause") in Cause.values else []
    if data.get("agreement"):
        said.append(gettext("agreed with the customer: %(what)s") % {"what": plain_text(str(data["agreement"]))})
    if data.get("without_evidence"):
        said.append(gettext("evidence missing: %(why)s") % {"why": plain_text(str(data["without_evidence"]))})
    return "".join(f" · {one}" for one in said)


def _offer(data: Data) -> str:
    kind = str(data.get("offer", ""))
    return str(OfferKind(kind).label) if kind in OfferKind.values else kind


def _goods_seen(data: Data) -> tuple[str, str]:
    """What an inspection came to, or why there was none."""
    if data.get("goods") == ReturnState.NOT_COME:
        return gettext("The goods did not come in time"), ""
    if data.get("goods"):
        return gettext("goes on without the goods"), ""
    found = [str(Condition(one).label) for one in data.get("found", ()) if one in Condition.values]
    if data.get("proposed_fen"):
        found.append(gettext("proposes ¥%(amount)s") % {"amount": yuan_grouped(int(data["proposed_fen"]))})
    return gettext("inspected the goods"), " · ".join(found)


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


def _amount(data: Data) -> dict[str, str]:
    return {"amount": yuan_grouped(int(data.get("amount_fen", 0)))}


#: How a decision that is signed was signed, the strongest way first.
_SIGNED = {
    "webauthn": _("signed with a passkey"),
    "totp": _("signed with an app's code"),
    "recovery_codes": _("signed with a recovery code"),
    "session": _("not signed: this person has no second factor"),
}


def _for(data: Data) -> str:
    away = gettext("for %(name)s, who is away") % {"name": data["for"]} if data.get("for") else ""
    signed = str(_SIGNED.get(data.get("factor", ""), "")) if "signed" in data else ""
    return " · ".join(filter(None, (away, signed)))


def _incident(data: Data) -> str:
    return " · ".join(filter(None, (str(data.get("incident", "")), str(data.get("provider", "")))))


def _moment(data: Data, name: str) -> str:
    return when_minute(datetime.fromisoformat(data[name])) if data.get(name) else ""


#: What an event says, with the name of the data that stands beside it, or how to put both.
_TEXTS: Mapping[str, tuple[Promise, str] | Callable[[Data], tuple[str, str]]] = {
    "refund.submit": lambda data: (gettext("submitted the request"), _amount_and_reason(data) + _said_beside(data)),
    "refund.resubmit": lambda data: (gettext("sent the request in again"), _amount_and_reason(data)),
    "refund.ask_review": lambda data: (
        gettext("wants a person to decide"),
        " · ".join(explanations.label(str(code)) for code in data.get("not_passed", [])),
    ),
    "refund.approve_by_rule": (_("approved by rule"), ""),
    "refund.approve": lambda data: (gettext("approved ¥%(amount)s") % _amount(data), _for(data)),
    "refund.decide": lambda data: (
        gettext("approved ¥%(amount)s; it takes effect in a few seconds") % _amount(data)
        if data.get("decision") == "approve"
        else gettext("rejected the request; it takes effect in a few seconds"),
        "",
    ),
    "refund.second_look": lambda data: (
        gettext("looked a second time and would have decided the same")
        if data.get("agrees")
        else gettext("looked a second time and would have decided otherwise"),
        "",
    ),
    "refund.undo": (_("took the decision back before it took effect"), ""),
    "refund.decision_void": lambda data: (
        gettext("The decision of %(name)s did not take effect") % {"name": data.get("for", "")},
        codes.words(str(data["code"])) if data.get("code") in codes.CODES else "",
    ),
    "refund.approve_first": lambda data: (
        gettext("approved ¥%(amount)s, the first of two") % _amount(data),
        _for(data),
    ),
    "refund.approval_lapsed": (_("No second approval came in time; back in plain review"), ""),
    "refund.reject": _reject,
    "refund.request_info": (_("asked the customer for more"), "message"),
    "refund.extend": lambda data: (
        gettext("gave it until %(time)s, as the customer agreed") % {"time": _moment(data, "until")},
        str(data.get("reason", "")),
    ),
    "refund.escalate": lambda data: (
        gettext("Time ran out: it went to the next tier"),
        "" if data.get("from") == data.get("to") else in_words.tier_label(str(data.get("to", ""))),
    ),
    "refund.grace": lambda data: (
        gettext("gave it %(hours)s hours more after a disaster") % {"hours": data.get("hours", "")},
        str(data.get("reason", "")),
    ),
    "refund.ask_vendor": lambda data: (gettext("waits for the provider's answer"), _incident(data)),
    "refund.vendor_answers": lambda data: (
        gettext("The provider answered: in review again")
        if data
        else gettext("The time to wait is up: in review again"),
        _incident(data),
    ),
    "refund.ask_goods": lambda data: (gettext("asked for the goods"), str(data.get("message", ""))),
    "refund.goods_sent": lambda data: (
        gettext("named the parcel"),
        f"{data.get('carrier', '')} {data.get('parcel_no', '')}".strip(),
    ),
    "refund.receive_goods": (_("said that the goods are there"), ""),
    "refund.goods_noted": (_("noted that the goods came back"), ""),
    "refund.judge_goods": _goods_seen,
    "refund.goods_inspected": _goods_seen,
    "refund.offer": lambda data: (
        gettext("offered instead: %(what)s") % {"what": _offer(data)},
        str(data.get("message", "")),
    ),
    "refund.offer_declined": (_("wants the money, not the offer"), ""),
    "refund.offer_order": (_("named the new order"), "new_order_no"),
    "refund.start_execution": (_("Handed to the channel under a fixed number"), "refund_no"),
    "refund.lose_sight": lambda data: (
        gettext("gave no answer that proves anything"),
        payout_words.own_code(str(data.get("code", ""))),
    ),
    "refund.hand_over": (_("hands it to a person, who pays it by hand"), ""),
    "refund.succeed": (_("confirmed the payout"), "channel_refund_no"),
    "refund.fail": _fail,
    "refund.regain_sight": (_("has answered about the payout"), ""),
    "refund.cancel": lambda data: (
        gettext("cancelled the request"),
        gettext("the customer took the offer: %(what)s") % {"what": _offer(data)} if data.get("offer") else "",
    ),
    "refund.retry": (_("sent the payout out again"), ""),
    "refund.pay_part": lambda data: (
        gettext("confirmed ¥%(amount)s of it") % _amount(data),
        str(data.get("channel_refund_no", "")),
    ),
    "refund.leg_failed": lambda data: (
        gettext("refused a part of it"),
        str(data.get("message") or data.get("code", "")),
    ),
    "refund.give_up_account": (_("gave up waiting for the channel account"), "note"),
    "refund.renew_leg": (_("sent the part that failed out again, or another way"), ""),
    "refund.give_up_leg": _given_up,
    "refund.give_up_rest": _given_up,
    "refund.begin_follow_up": (_("The customer is asked how it went"), ""),
    "refund.close": (_("Closed"), ""),
    "refund.reassign": lambda data: (gettext("handed it to %(name)s") % {"name": data.get("to", "")}, ""),
    "refund.assign": lambda data: (gettext("handed it to %(name)s") % {"name": data.get("to", "")}, ""),
    "refund.assignment_lapsed": lambda data: (
        gettext("back in the queue: %(name)s did not open it in time") % {"name": data.get("to", "")},
        "",
    ),
    "refund.claim": (_("took it on"), ""),
    "refund.release": (_("gave it back to the queue"), ""),
    "refund.show_at_till": lambda data: (
        gettext("asked for a decision by scan at %(till)s") % {"till": data.get("terminal", "")},
        "",
    ),
    "refund.agree": lambda data: (
        gettext("noted what the customer agreed to: ¥%(amount)s") % {"amount": yuan_grouped(data.get("amount_fen", 0))},
        str(data.get("agreed_by", "")),
    ),
    "refund.reopen": lambda data: (gettext("took it up again, with new evidence"), str(data.get("note", ""))),
    "refund.compensation": lambda data: (
        gettext("asked for what is owed on top: ¥%(amount)s") % {"amount": yuan_grouped(data.get("amount_fen", 0))},
        str(data.get("payout", "")),
    ),
    "refund.find_sale": (_("found its sale"), ""),
    "refund.note": (_("noted"), ""),
    "refund.reveal": (_("looked at the customer's full contact"), ""),
    "refund.resend": (_("sent a message once more"), ""),
    "refund.evidence": (_("added evidence"), ""),
    "refund.arrived": (_("said that the money is there"), ""),
    "refund.not_arrived": lambda data: (
        gettext("said that the money is not there"),
        gettext("A person sees to it.") if data.get("case") else gettext("Shown as paid, with the channel's number."),
    ),
    "refund.help": (_("asked for help"), ""),
    "refund.appeal": (_("appealed against the rejection"), ""),
    "refund.consent": (_("said that the customer wants messages in WeChat"), ""),
    "refund.consent_withdrawn": (_("said that the customer wants no messages in WeChat"), ""),
    "refund.erased": (_("had their personal data erased"), ""),
    "refund.low_score": (_("gave a low score; a person sees to it"), ""),
    "refund.complaint": (_("noted a complaint"), ""),
    "refund.call_back": (_("noted that the customer is to be called back"), ""),
    "refund.payment_file": lambda data: (gettext("took the transfer to the bank"), str(data.get("file", ""))),
    "refund.transfer_returned": (_("noted that the transfer came back"), ""),
    "refund.transfer_repaid": (_("paid again what came back"), "reference_no"),
    "refund.report_taken": (_("took on what the customer reported"), ""),
    "refund.report_closed": (_("answered what the customer reported"), "outcome"),
    "refund.rated": lambda data: (
        gettext("rated the refund"),
        " · ".join((f"{data.get('score')} / 5", *(str(RatingReason(one).label) for one in data.get("reasons", ())))),
    ),
    "refund.close_against": lambda data: (
        gettext("closed it: %(number)s, made in the portal, covers it") % {"number": data.get("refund", "")},
        "",
    ),
    "refund.hold": (_("reported as paid what it had refused: the sale is held for finance"), "refund_no"),
    "refund.end_hold": (_("ended the hold of the sale"), "note"),
    "refund.prove_paid": (_("booked the payout that the channel had called refused"), "refund_no"),
    "refund.end_proposed": lambda data: (
        gettext("found it paid in the channel's portal; a second person confirms")
        if data.get("paid")
        else gettext("found no such refund in the channel's portal; a second person confirms"),
        str(data.get("channel_refund_no", "")),
    ),
    "refund.send_elsewhere": (_("sent it to another account"), "card_last4"),
    "refund.second_leg_done": (_("says that the payer's bank has the money"), ""),
    "refund.second_leg_none": (_("says no more of the way to the payer's bank"), ""),
    "refund.second_leg_failed": (_("says that the bank did not take it; it lies in the customer's balance"), ""),
    "refund.late_answer": (_("answered late and differently; finance must compare"), ""),
}
