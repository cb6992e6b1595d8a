"""Payouts that a person makes: confirmed, or given up. Staff in their session, or a key with ``payouts:write``."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.fields import Instant, StrictSerializer, Text, WholeNumber
from api.refund_requests import OneRequest
from api.representations import stored_request_json
from merchants.rights import Act
from refunds.payouts import by_hand
from refunds.payouts.by_hand import Payment
from refunds.states import HandTrouble


class ConfirmPayoutSerializer(StrictSerializer):
    """What was paid outside. ``version`` is the one the caller saw."""

    version = WholeNumber(min_value=1)
    reference_no = Text(max_length=40, help_text="of the bank transfer, the signed slip or the store credit; used once")
    paid_at = Instant()
    drawer = Text(
        max_length=20, required=False, allow_blank=True, default="", help_text="cash only: the till it came from"
    )


class PayoutFailedSerializer(StrictSerializer):
    """Why nothing was paid. ``version`` is the one the caller saw."""

    version = WholeNumber(min_value=1)
    reason_code = serializers.ChoiceField(HandTrouble.choices)
    note = Text(max_length=300, required=False, allow_blank=True, default="")


class HandPayout(OneRequest):
    acts = {"POST": (Act.PAY_CASH, Act.PAY_BY_HAND)}


class ConfirmPayout(HandPayout):
    @extend_schema(
        operation_id="confirm_payout",
        request=ConfirmPayoutSerializer,
        responses={200: schemas.RefundRequestOut, **schemas.WRITE_PROBLEMS},
    )
    def post(self, request: Request, request_id: UUID) -> Response:
        """A refund in `manual_pending` was paid by hand: it is refunded, once."""
        found = self.load(request_id)
        data = self.read(ConfirmPayoutSerializer)
        by_hand.confirm(
            request_id=found.pk,
            payment=Payment(reference_no=data["reference_no"], paid_at=data["paid_at"], drawer=data["drawer"]),
            by=self.caller.by,
            at=timezone.now(),
            version=data["version"],
        )
        return Response(stored_request_json(self.load(request_id)))


class PayoutFailed(HandPayout):
    @extend_schema(
        operation_id="fail_payout",
        request=PayoutFailedSerializer,
        responses={200: schemas.RefundRequestOut, **schemas.WRITE_PROBLEMS},
    )
    def post(self, request: Request, request_id: UUID) -> Response:
        """A refund in `manual_pending` could not be paid by hand: it has failed."""
        found = self.load(request_id)
        data = self.read(PayoutFailedSerializer)
        by_hand.give_up(
            request_id=found.pk,
            trouble=str(data["reason_code"]),
            note=data["note"],
            by=self.caller.by,
            at=timezone.now(),
            version=data["version"],
        )
        return Response(stored_request_json(self.load(request_id)))
