"""Payouts that a person makes: confirmed, or given up. Staff in their session, or a key with ``payouts:write``."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from rest_framework import serializers

from api.fields import Instant, StrictSerializer, Text, WholeNumber
from api.refund_requests import ActOnRequest
from merchants.principals import Principal
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


class HandPayout(ActOnRequest):
    acts = {"POST": (Act.PAY_CASH, Act.PAY_BY_HAND)}


class ConfirmPayout(HandPayout):
    """A refund in `manual_pending` was paid by hand: it is refunded, once."""

    operation, body = "confirm_payout", ConfirmPayoutSerializer

    def act(self, request_id: UUID, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        payment = Payment(reference_no=data["reference_no"], paid_at=data["paid_at"], drawer=data["drawer"])
        by_hand.confirm(request_id=request_id, payment=payment, by=by, at=at, version=data["version"])


class PayoutFailed(HandPayout):
    """A refund in `manual_pending` could not be paid by hand: it has failed."""

    operation, body = "fail_payout", PayoutFailedSerializer

    def act(self, request_id: UUID, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        trouble = str(data["reason_code"])
        by_hand.give_up(
            request_id=request_id, trouble=trouble, note=data["note"], by=by, at=at, version=data["version"]
        )
