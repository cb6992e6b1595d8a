"""A refund that needs a manager is decided at the till: the till shows a code, the manager scans it and decides on their phone.

The code opens nothing by itself: whoever scans it is signed in and decides by the same rules as at the desk.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db import transaction

from core.errors import Conflict, Forbidden, Invalid, NotFound, existing
from merchants.principals import Principal
from merchants.rights import Act
from refunds import lifecycle
from refunds.facts import conditions, sums
from refunds.models import RefundRequest, TillAuthorisation
from refunds.models.approval import Decision
from refunds.review import agreeing, deciding
from refunds.states import OPEN_FOR_REVIEW
from terminals.models import Terminal
from terminals.reporting import terminal_named

#: How long a code may be scanned, and from then on how long who scanned it may decide.
LASTS: Final = timedelta(seconds=60)


class Stand(StrEnum):
    """How far an authorisation is, for the till that waits."""

    WAITING = "waiting"
    OPENED = "opened"
    DECIDED = "decided"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the till shows; the token cannot be read again."""

    authorisation: TillAuthorisation
    token: str


@transaction.atomic
def show(
    *, request_id: UUID, terminal: str, by: Principal, asked_by: str, at: datetime, version: int, amount_fen: int
) -> Shown:
    """A code for this request as the till shows it. Raises ``Forbidden``, ``AlreadyChanged``, ``WrongState``, ``Invalid`` or
    ``Conflict``.
    """
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check(Act.SUBMIT, by=by, request=request, at=at)
    conditions.check_not_customer(by)
    lifecycle.check_version(request, version)
    _check_open(request)
    till = terminal_named(terminal, store=request.store)
    if till is None:
        raise Invalid("say at which till", code="unknown_terminal")
    _check_amount(request, amount_fen)
    _check_till(till)
    token = secrets.token_urlsafe(24)
    found = TillAuthorisation.objects.create(
        request=request,
        terminal=till,
        token_hash=_hash(token),
        version=version,
        amount_fen=amount_fen,
        asked_by=asked_by,
        asked_at=at,
        expires_at=at + LASTS,
    )
    lifecycle.record_act(request, "refund.show_at_till", by=by.actor, at=at, data={"terminal": till.code})
    return Shown(found, token)


def heard(*, request: RefundRequest, authorisation_id: UUID, asked_by: str) -> TillAuthorisation:
    """What became of a code, for who asked for it. Raises ``NotFound`` to everybody else."""
    found = TillAuthorisation.objects.select_related("opened_by", "request")
    return existing(found.filter(pk=authorisation_id, request=request, asked_by=asked_by).first(), "authorisation")


def stand(row: TillAuthorisation, *, at: datetime) -> Stand:
    """How far it is."""
    if row.decided_at is not None:
        return Stand.DECIDED
    if at >= row.expires_at:
        return Stand.EXPIRED
    return Stand.WAITING if row.opened_by_id is None else Stand.OPENED


def decided_by(*, token: str, by: Principal) -> RefundRequest | None:
    """The refund that this person decided with the code, for who sends it twice or goes back to it; None for everybody else."""
    used = TillAuthorisation.objects.filter(token_hash=_hash(token), decided_at__isnull=False)
    mine = used.filter(opened_by_id=by.staff_id) if by.staff_id is not None else used.none()
    row = mine.select_related("request").first()
    return None if row is None else row.request


@transaction.atomic
def scan(*, token: str, by: Principal, at: datetime) -> TillAuthorisation:
    """Open a code: from here on it is this person's. Again by the same person changes nothing.

    Raises ``NotFound`` where they may not know of the refund, ``Forbidden`` where they may not decide it, and the code stays
    open to others; ``Conflict`` where it is over, used, or shows what is no longer so.
    """
    row = _usable(token, by=by, at=at)
    request = row.request
    sum_fen = sums.deciding_fen(request=request, amount_fen=row.amount_fen)
    conditions.check(Act.APPROVE, by=by, request=request, amount_fen=sum_fen, at=at)
    if row.opened_by_id is None:
        row.opened_by_id, row.opened_at, row.expires_at = by.acting_staff, at, at + LASTS
        row.save(update_fields=["opened_by", "opened_at", "expires_at"])
    return row


@transaction.atomic
def approve(*, token: str, by: Principal, at: datetime) -> RefundRequest:
    """Approve the amount that the till showed. Raises what ``scan`` raises, and what ``deciding.approve`` does."""
    row = _opened(token, by=by, at=at)
    decided = deciding.approve(
        request_id=row.request_id, by=by, at=at, version=row.version, amount_fen=row.amount_fen, note=_note(row)
    )
    return _use(row, Decision.APPROVE, decided, at)


@transaction.atomic
def reject(*, token: str, reason: str, message: str, by: Principal, at: datetime) -> RefundRequest:
    """Refuse, with a coded reason and words for the customer. Raises what ``approve`` raises."""
    row = _opened(token, by=by, at=at)
    decided = deciding.reject(
        request_id=row.request_id, by=by, at=at, version=row.version, reason=reason, message=message, note=_note(row)
    )
    return _use(row, Decision.REJECT, decided, at)


def _note(row: TillAuthorisation) -> str:
    return f"@{row.terminal.code}"


def _use(row: TillAuthorisation, decision: Decision, decided: RefundRequest, at: datetime) -> RefundRequest:
    row.decision, row.decided_at = decision, at
    row.save(update_fields=["decision", "decided_at"])
    return decided


def _opened(token: str, *, by: Principal, at: datetime) -> TillAuthorisation:
    row = _usable(token, by=by, at=at)
    if row.opened_by_id is None:
        raise Conflict("it was not scanned", code="till_code_expired")
    return row


def _usable(token: str, *, by: Principal, at: datetime) -> TillAuthorisation:
    """The code under lock, its request locked before it, as it was shown and still good for this person."""
    request_id = TillAuthorisation.objects.filter(token_hash=_hash(token)).values_list("request_id", flat=True).first()
    if request_id is None:
        raise NotFound("there is no such code")
    request = lifecycle.lock_requests([request_id])[request_id]
    conditions.check_known(request, by=by)
    if by.staff_id is None:
        raise Forbidden("a person decides, in their own session", code="role_required")
    row = TillAuthorisation.objects.select_for_update(of=("self",)).select_related("terminal")
    found = row.get(token_hash=_hash(token))
    if found.decided_at is not None or found.opened_by_id not in (None, by.staff_id):
        raise Conflict("the code was used", code="till_code_used")
    if at >= found.expires_at:
        raise Conflict("the code is too old", code="till_code_expired")
    if request.version != found.version:
        raise Conflict("the refund is another one by now", code="till_code_changed")
    _check_open(request)
    _check_amount(request, found.amount_fen)
    _check_till(found.terminal)
    found.request = request
    return found


def _check_open(request: RefundRequest) -> None:
    if request.state not in OPEN_FOR_REVIEW:
        raise lifecycle.WrongState("it is not in review", state=request.state, version=request.version)


def _check_amount(request: RefundRequest, amount_fen: int) -> None:
    agreed_fen = agreeing.agreed_fen(request)
    due_fen = request.amount_fen if agreed_fen is None else agreed_fen
    if amount_fen != due_fen:
        raise Conflict(
            "the refund is about another amount",
            code="till_code_changed",
            state=request.state,
            version=request.version,
            amount_fen=due_fen,
        )


def _check_till(till: Terminal) -> None:
    if not till.refunds_enabled:
        raise Conflict("this till takes no refunds", code="till_takes_no_refunds")


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
