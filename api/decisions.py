"""What only staff may do, in their own session: claim, approve, reject, ask for more."""

from datetime import datetime
from typing import Any
from uuid import UUID

from api.refund_requests import ActOnRequest
from api.serializers import (
    AgreementSerializer,
    DecisionSerializer,
    ExtensionSerializer,
    ReopenSerializer,
    VersionSerializer,
    consent_of,
)
from core.errors import Invalid
from merchants.principals import Principal
from merchants.rights import Act
from refunds.intake import resubmitting
from refunds.review import agreeing, deciding


class Claim(ActOnRequest):
    """Take a request onto one's own desk; with ``version`` only as it was seen."""

    acts = {"POST": Act.CLAIM}
    operation, body = "claim_refund_request", VersionSerializer

    def act(self, request_id: UUID, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        deciding.claim(request_id=request_id, by=by, at=at, version=data["version"])


class Release(ActOnRequest):
    """Give a claimed request back."""

    acts = {"POST": Act.RELEASE}
    operation, does = "release_refund_request", deciding.release


class Approve(ActOnRequest):
    """Approve all or, with ``amount_fen``, less."""

    acts = {"POST": Act.APPROVE}
    operation, body = "approve_refund_request", DecisionSerializer

    def act(self, request_id: UUID, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        chosen = {name: data[name] for name in ("version", "amount_fen", "note")}
        deciding.approve(request_id=request_id, by=by, at=at, **chosen)


class Reject(ActOnRequest):
    """Reject with a ``reason_code``; ``message`` is for the customer, ``note`` for colleagues."""

    acts = {"POST": Act.REJECT}
    operation, body = "reject_refund_request", DecisionSerializer

    def act(self, request_id: UUID, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        if data["reason_code"] is None:
            raise Invalid("a rejection needs a reason_code", code="reason_code_required")
        chosen = {name: data[name] for name in ("version", "message", "note")}
        deciding.reject(request_id=request_id, by=by, at=at, reason=data["reason_code"], **chosen)


class RequestInfo(ActOnRequest):
    """Ask for what is missing; ``message`` (or ``note``) goes to the customer, the clock pauses."""

    acts = {"POST": Act.REQUEST_INFO}
    operation, body = "request_info_refund_request", DecisionSerializer

    def act(self, request_id: UUID, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        message = data["message"] or data["note"]
        deciding.request_info(request_id=request_id, by=by, at=at, version=data["version"], message=message)


class Extend(ActOnRequest):
    """Give it more time, until a moment that the customer agreed to; they are told."""

    acts = {"POST": Act.EXTEND}
    operation, body = "extend_refund_request", ExtensionSerializer

    def act(self, request_id: UUID, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        said = data.pop("agreement")
        data["consent"] = consent_of(said) if said and data["consent"] else data["consent"]
        deciding.extend(request_id=request_id, by=by, at=at, **data)


class Agree(ActOnRequest):
    """Note that the customer agreed to another amount: nothing else is approved from then on."""

    acts = {"POST": Act.AGREE}
    operation, body = "note_agreement", AgreementSerializer

    def act(self, request_id: UUID, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        chosen = {name: data[name] for name in ("version", "amount_fen")}
        agreeing.agree_amount(request_id=request_id, consent=consent_of(data), by=by, at=at, **chosen)


class Reopen(ActOnRequest):
    """Take a rejected request up again, with new evidence. It is judged like a new one, and a person decides it."""

    acts = {"POST": Act.REOPEN}
    operation, body, does = "reopen_refund_request", ReopenSerializer, resubmitting.reopen
