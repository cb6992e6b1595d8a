"""Ending a payout of which the channel gives no answer, with proof from its portal: two people, and a picture.

One looks the refund up in the channel's portal, says what is there and hands in a picture of it; another confirms. Their word is
settled like a channel's answer, under the same locks. "Not paid" leaves the payout its number: it may go out again under that one
only, so that a refund that was there all the same is never paid twice.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from core.audit import notes
from core.audit.models import AuditEvent
from core.audit.record import record_of
from core.errors import Conflict, FieldError, Forbidden, Invalid
from core.numbers import reference
from core.plain_text import one_line
from merchants.principals import Principal
from merchants.rights import Act
from payment_channels.contract import Done, Outcome, Refused, Retry
from refunds import lifecycle
from refunds.evidence import files
from refunds.evidence.files import Picture
from refunds.facts import conditions
from refunds.models import Execution, RefundRequest
from refunds.models.evidence import EvidenceKind
from refunds.payouts import Answer, settle
from refunds.states import ExecutionState, State

_PROPOSED = "refund.end_proposed"
#: What spreadsheets make of a long number: 5.03E+27.
_SPOILED = re.compile(r"[0-9](?:\.[0-9]+)?E\+?[0-9]+", re.IGNORECASE)


class NothingProposed(Conflict, code="nothing_proposed"):
    """Nobody has said what the portal shows, or the refund has moved since."""


class NumberUsed(Conflict, code="reference_used"):
    """The channel's number belongs to another payout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the portal shows: paid under the channel's number at an instant, or no such refund."""

    paid: bool
    channel_refund_no: str = ""
    paid_at: datetime | None = None
    note: str = ""


def propose(
    *, request_id: UUID, finding: Finding, picture: Picture, by: Principal, at: datetime, version: int
) -> RefundRequest:
    """Say what the portal shows, with a picture. Nothing is decided. Raises ``Forbidden``, ``AlreadyChanged``, ``WrongState``,
    ``Invalid``.
    """
    with transaction.atomic():
        request, execution = _take(request_id, by, version)
        _check(finding, execution, at)
        files.add(request_id=request.pk, pictures=(picture,), by=by, at=at, kind=EvidenceKind.RECEIPT)
        record_of(
            request,
            by=by.actor,
            action=_PROPOSED,
            at=at,
            data={
                "version": request.version,
                "refund_no": execution.refund_no,
                "paid": finding.paid,
                "channel_refund_no": reference(finding.channel_refund_no),
                "paid_at": finding.paid_at.isoformat() if finding.paid_at else "",
                "note": one_line(finding.note, limit=300),
            },
        )
    return RefundRequest.objects.get(pk=request_id)


def proposed(request: RefundRequest) -> AuditEvent | None:
    """What was said of this request as it stands now; None where nothing was, or it has moved since."""
    said = AuditEvent.objects.filter(object_id=str(request.pk), action=_PROPOSED).order_by("-pk").first()
    if said is None or said.data["version"] != request.version:
        return None
    (said,) = notes.told([said])
    payout = silent(request)
    return said if payout is not None and payout.refund_no == said.data["refund_no"] else None


def confirm(*, request_id: UUID, by: Principal, at: datetime, version: int) -> RefundRequest:
    """Second pair of eyes: what was proposed happens. Raises as ``propose`` does, ``NothingProposed``, and ``NumberUsed``."""
    with transaction.atomic():
        request, execution = _take(request_id, by, version)
        said = proposed(request)
        if said is None:
            raise NothingProposed("nobody has said what the portal shows of this refund")
        if (said.actor_kind, said.actor_id) == (by.actor.kind, by.actor.id):
            raise Forbidden("somebody else confirms what you found in the portal", code="second_person_needed")
        answer = Answer(
            execution.pk,
            request.pk,
            execution.channel_account_id,
            _outcome(said, execution),
            source="portal",
            by=by.actor,
        )
        try:
            with transaction.atomic():
                settle([answer], at=at)
        except IntegrityError as error:
            if "channel_refund_no_once" not in str(error):
                raise
            raise NumberUsed("the channel's number belongs to another payout") from error
    return RefundRequest.objects.get(pk=request_id)


def silent(request: RefundRequest) -> Execution | None:
    """The payout that a person may end, of several the first leg's: it is unknown, and the channel had its time to say what
    became of it. Of a plan others may be paid already.
    """
    if request.state not in (State.UNKNOWN, State.PARTIALLY_REFUNDED):
        return None
    found = request.executions.filter(state=ExecutionState.UNKNOWN, needs_attention=True)
    return found.order_by("sequence", "pk").first()


def check(request: RefundRequest, *, by: Principal) -> None:
    """Raise ``Forbidden`` or ``NotFound`` unless this person may have a part in it at all."""
    conditions.check(Act.END_UNKNOWN, by=by, request=request)


def _take(request_id: UUID, by: Principal, version: int) -> tuple[RefundRequest, Execution]:
    """The request and its payout under the request's lock, where a person may end it."""
    request = lifecycle.lock_requests([request_id])[request_id]
    check(request, by=by)
    if request.version != version:
        raise lifecycle.AlreadyChanged(
            "the refund request was changed meanwhile", state=request.state, version=request.version
        )
    execution = silent(request)
    if execution is None:
        raise lifecycle.WrongState(
            "the channel may still say what became of it", state=request.state, version=request.version
        )
    return request, execution


def _check(finding: Finding, execution: Execution, at: datetime) -> None:
    errors = []
    if finding.paid and _SPOILED.fullmatch(finding.channel_refund_no.strip()):
        errors.append(
            FieldError("channel_refund_no", "invalid", _("A spreadsheet has shortened it: copy it from the portal."))
        )
    elif finding.paid and not 0 < len(reference(finding.channel_refund_no)) <= 64:
        errors.append(FieldError("channel_refund_no", "required"))
    if finding.paid and finding.paid_at is None:
        errors.append(FieldError("paid_at", "required"))
    # People write minutes: the one in which it was made counts as after it.
    elif finding.paid_at is not None and not (
        execution.created_at.replace(second=0, microsecond=0) <= finding.paid_at <= at
    ):
        errors.append(FieldError("paid_at", "invalid", _("A time between the approval and now.")))
    if errors:
        raise Invalid("this is no proof yet", code="proof_incomplete", errors=errors)


def _outcome(said: AuditEvent, execution: Execution) -> Outcome:
    raw = f"{said.actor_name}: {said.data}"
    if said.data["paid"]:
        return Done(
            refund_no=execution.refund_no,
            channel_refund_no=said.data["channel_refund_no"],
            amount_fen=execution.amount_fen,
            succeeded_at=datetime.fromisoformat(said.data["paid_at"]),
            raw=raw,
        )
    message = said.data["note"] or "the channel's portal shows no such refund"
    return Refused(code="not_in_portal", message=message, retry=Retry.SAME_NUMBER, remedy="other_way", raw=raw)
