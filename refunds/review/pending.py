"""A decision at the desk takes effect ten seconds later; until then whoever made it may take it back.

Until then nothing has happened: state, sale, the customer's page, feeds and messages are as before. When the time has come a
worker makes the decision by the one call there is, and all that it asks is asked again.
"""

import hashlib
import json
import logging
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from core.audit.actors import SYSTEM
from core.audit.models import AuditEvent
from core.audit.record import is_ours
from core.errors import Conflict, DomainError
from merchants import rights
from merchants.principals import Principal, Shown, of_staff
from merchants.rights import Act
from merchants.signing import MustSign
from refunds import lifecycle
from refunds.facts import conditions
from refunds.models import PendingDecision, RefundRequest
from refunds.models.approval import Decision
from refunds.models.staff_notice import StaffNoticeKind
from refunds.review import deciding, mentions
from refunds.states import State

logger = logging.getLogger(__name__)

_MAKE: Final[Mapping[str, Callable[..., RefundRequest]]] = {
    Decision.APPROVE: deciding.approve,
    Decision.REJECT: deciding.reject,
}
_AT_ONCE = 100
_DECIDED, _UNDONE, _VOID = "refund.decide", "refund.undo", "refund.decision_void"


class UndoTooLate(Conflict, code="undo_too_late"):
    """The decision has taken effect, or was taken back."""


class NotDecided(Conflict, code="not_decided"):
    """The pending decision is not one that somebody made: a row was written or changed past the product."""


@transaction.atomic
def decide(
    *, request_id: UUID, decision: Decision, by: Principal, at: datetime, version: int, **said: Any
) -> tuple[RefundRequest, PendingDecision | None]:
    """Decide as ``deciding.approve`` or ``reject`` with ``said``, to take effect after ``UNDO_S`` seconds.

    Returns the request as it will be, and what is pending: None where it took effect at once, as the first of two approvals
    does, of which nothing leaves. Raises what the decision raises, and ``DecisionPending``.
    """
    locked = lifecycle.lock_requests([request_id])[request_id]
    with transaction.atomic():
        decided = _MAKE[decision](request_id=request_id, by=by, at=at, version=version, **said)
        # A code is good once: it cannot be shown again later.
        by_code = by.shown is not None and bool(by.shown.code and by.shown.accepted)
        at_once = not settings.UNDO_S or decided.state == State.IN_REVIEW or by_code
        transaction.set_rollback(not at_once)
    if at_once:
        return decided, None
    pending = PendingDecision(
        request=locked,
        staff_id=by.acting_staff,
        decision=decision,
        version=version,
        # The event keeps a digest for ever, and a note can be guessed: what nobody can guess goes with the row.
        said={**said, "shown": _kept(by.shown), "nonce": secrets.token_hex(16)},
        decided_at=at,
        effective_at=at + timedelta(seconds=settings.UNDO_S),
    )
    pending.save(force_insert=True)
    # Taken back, it is on the desk of who decided it.
    RefundRequest.objects.filter(pk=request_id).update(claimed_by_id=by.staff_id, claimed_at=at)
    told = {"decision": decision.value, "amount_fen": decided.approved_fen, "note": said.get("note", "")}
    lifecycle.record_act(locked, _DECIDED, by=by.actor, at=at, data={**told, "digest": _digest(pending)})
    return decided, pending


def _kept(shown: Shown | None) -> dict[str, str]:
    """What the browser showed of a second factor, to be shown again when the decision takes effect."""
    return {} if shown is None else {"factor": shown.accepted or shown.factor, "passkey": shown.passkey}


def _digest(pending: PendingDecision) -> str:
    """Over all that a pending decision says."""
    said = [
        str(pending.pk),
        pending.staff_id,
        pending.decision,
        pending.version,
        pending.decided_at.timestamp(),
        pending.said,
    ]
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _was_made(pending: PendingDecision) -> bool:
    """Whether a person decided this and has not taken it back: its event says so, written with the audit key."""
    events = AuditEvent.objects.filter(object_id=str(pending.pk), action__in=[_DECIDED, _UNDONE, _VOID])
    last = events.order_by("-pk").first()
    return (
        last is not None and last.action == _DECIDED and last.data.get("digest") == _digest(pending) and is_ours(last)
    )


@transaction.atomic
def undo(*, request_id: UUID, by: Principal, at: datetime) -> RefundRequest:
    """Take back one's own decision before it takes effect. Raises ``UndoTooLate``."""
    rights.check_may(Act.CLAIM, by=by)
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check_known(request, by=by)
    gone, _ = PendingDecision.objects.filter(pk=request_id, staff_id=by.acting_staff).delete()
    if not gone:
        raise UndoTooLate("there is nothing to take back", state=request.state, version=request.version)
    lifecycle.record_act(request, _UNDONE, by=by.actor, at=at)
    return request


def take_effect(*, at: datetime) -> int:
    """Make the decisions whose time has come, each by itself. Returns how many; safe to run at any time, by several at once."""
    due = PendingDecision.objects.filter(effective_at__lte=at).order_by("effective_at", "pk")
    done = 0
    for pk in list(due.values_list("pk", flat=True)[:_AT_ONCE]):
        try:
            done += _take_effect(pk, at)
        except Exception:  # trouble with one decision must not keep the others waiting
            logger.exception("the decision about %s cannot be made; it is tried again", pk)
    return done


@transaction.atomic
def _take_effect(request_id: UUID, at: datetime) -> bool:
    rows = RefundRequest.objects.filter(pk=request_id).select_for_update(of=("self",), skip_locked=True)
    # Who holds it may be taking the decision back, or be another worker: the next sweep sees.
    if not rows.exists():
        return False
    pending = PendingDecision.objects.select_related("staff").filter(pk=request_id).first()
    if pending is None:
        return False
    was_made = _was_made(pending)
    pending.delete()
    said = dict(pending.said)
    kept, _ = said.pop("shown", {}), said.pop("nonce", "")
    # It was fresh, and the key's count looked at, when the decision was made.
    shown = Shown(factor=kept.get("factor", ""), at=at, passkey=kept.get("passkey", ""), is_shown_again=True)
    make, by = _MAKE[pending.decision], of_staff(pending.staff, shown)
    try:
        with transaction.atomic():
            if not was_made:
                raise NotDecided("nobody decided this")
            make(request_id=request_id, by=by, at=at, version=pending.version, **said)
    except (DomainError, MustSign) as refused:
        error = refused.as_refusal() if isinstance(refused, MustSign) else refused
        # The request, a limit or the person's rights have changed since: it waits for a decision again, and says so.
        logger.info("the decision about %s did not take effect: %s", request_id, error)
        request = lifecycle.lock_requests([request_id])[request_id]
        told = {"decision": pending.decision, "code": error.code, "for": pending.staff.name}
        lifecycle.record_act(request, _VOID, by=SYSTEM, at=at, data=told)
        mentions.tell([pending.staff], request=request, kind=StaffNoticeKind.DECISION_VOID, at=at)
        return False
    return True
