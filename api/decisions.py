"""What only staff may do, in their own session: claim, approve, reject, ask for more."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.refund_requests import OneRequest
from api.representations import stored_request_json
from api.serializers import DecisionSerializer, VersionSerializer
from core.errors import Invalid
from merchants.rights import Act
from refunds.review import deciding


class Claim(OneRequest):
    acts = {"POST": Act.CLAIM}

    @extend_schema(
        operation_id="claim_refund_request",
        request=VersionSerializer,
        responses={200: schemas.RefundRequestOut, **schemas.WRITE_PROBLEMS},
    )
    def post(self, request: Request, request_id: UUID) -> Response:
        """Take a request onto one's own desk; with ``version`` only as it was seen."""
        found = self.load(request_id)
        data = self.read(VersionSerializer)
        deciding.claim(request_id=found.pk, by=self.caller.by, at=timezone.now(), version=data["version"])
        return Response(stored_request_json(self.load(request_id)))


class Release(OneRequest):
    acts = {"POST": Act.RELEASE}

    @extend_schema(
        operation_id="release_refund_request",
        request=None,
        responses={200: schemas.RefundRequestOut, **schemas.WRITE_PROBLEMS},
    )
    def post(self, request: Request, request_id: UUID) -> Response:
        """Give a claimed request back."""
        deciding.release(request_id=self.load(request_id).pk, by=self.caller.by, at=timezone.now())
        return Response(stored_request_json(self.load(request_id)))


class Approve(OneRequest):
    acts = {"POST": Act.APPROVE}

    @extend_schema(
        operation_id="approve_refund_request",
        request=DecisionSerializer,
        responses={200: schemas.RefundRequestOut, **schemas.WRITE_PROBLEMS},
    )
    def post(self, request: Request, request_id: UUID) -> Response:
        """Approve all or, with ``amount_fen``, less."""
        found = self.load(request_id)
        data = self.read(DecisionSerializer)
        deciding.approve(
            request_id=found.pk,
            by=self.caller.by,
            at=timezone.now(),
            version=data["version"],
            amount_fen=data["amount_fen"],
            note=data["note"],
        )
        return Response(stored_request_json(self.load(request_id)))


class Reject(OneRequest):
    acts = {"POST": Act.REJECT}

    @extend_schema(
        operation_id="reject_refund_request",
        request=DecisionSerializer,
        responses={200: schemas.RefundRequestOut, **schemas.WRITE_PROBLEMS},
    )
    def post(self, request: Request, request_id: UUID) -> Response:
        """Reject with a ``reason_code``; ``message`` is for the customer, ``note`` for colleagues."""
        found = self.load(request_id)
        data = self.read(DecisionSerializer)
        if data["reason_code"] is None:
            raise Invalid("a rejection needs a reason_code", code="reason_code_required")
        deciding.reject(
            request_id=found.pk,
            by=self.caller.by,
            at=timezone.now(),
            version=data["version"],
            reason=data["reason_code"],
            message=data["message"],
            note=data["note"],
        )
        return Response(stored_request_json(self.load(request_id)))


class RequestInfo(OneRequest):
    acts = {"POST": Act.REQUEST_INFO}

    @extend_schema(
        operation_id="request_info_refund_request",
        request=DecisionSerializer,
        responses={200: schemas.RefundRequestOut, **schemas.WRITE_PROBLEMS},
    )
    def post(self, request: Request, request_id: UUID) -> Response:
        """Ask for what is missing; ``message`` (or ``note``) goes to the customer, the clock pauses."""
        found = self.load(request_id)
        data = self.read(DecisionSerializer)
        deciding.request_info(
            request_id=found.pk,
            by=self.caller.by,
            at=timezone.now(),
            version=data["version"],
            message=data["message"] or data["note"],
        )
        return Response(stored_request_json(self.load(request_id)))
