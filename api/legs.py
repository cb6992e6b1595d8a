"""What staff do with a leg that failed: send it out again, have a person pay it another way, or give it up."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from rest_framework import serializers

from api.fields import Flag, StrictSerializer, Text, WholeNumber
from api.payouts import SeenVersionSerializer
from api.refund_requests import ActOnRequest
from api.serializers import PayeeSerializer
from core.errors import NotFound
from merchants.principals import Principal
from merchants.rights import Act
from refunds.facts import plans
from refunds.intake import rerouting
from refunds.intake.claims import Account
from refunds.models import RefundRequest
from refunds.payouts import ways_back
from refunds.states import Route


class MoveLegSerializer(StrictSerializer):
    """The other way. ``version`` is the one the caller saw."""

    version = WholeNumber(min_value=1)
    route = serializers.ChoiceField(Route.choices)
    customer_consent = Flag()
    payee = PayeeSerializer(
        required=False, allow_null=True, default=None, help_text="a transfer's, where none is known yet"
    )


class GiveUpLegSerializer(StrictSerializer):
    """``version`` is the one the caller saw; ``note`` is for colleagues."""

    version = WholeNumber(min_value=1)
    note = Text(max_length=300, required=False, allow_blank=True, default="")


class ActOnLeg(ActOnRequest):
    acts = {"POST": Act.RETRY}

    def load(self, request_id: UUID) -> RefundRequest:
        found = super().load(request_id)
        if self.kwargs["sequence"] not in {leg.sequence for leg in plans.legs_of(found)}:
            raise NotFound("the refund has no such leg")
        return found


class RetryLeg(ActOnLeg):
    """Send a failed leg out again, under the number that its channel wants. The everyday refund is leg 1."""

    operation, body = "retry_leg", SeenVersionSerializer

    def act(self, request_id: UUID, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        ways_back.retry(request_id=request_id, by=by, at=at, **data)


class MoveLeg(ActOnLeg):
    """Have a person pay a failed leg on another route, while others are paid. So goes a leg whose channel account takes no calls.
    All of a failed refund moves by `resubmit`.
    """

    operation, body = "move_leg", MoveLegSerializer

    def act(self, request_id: UUID, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        account = Account(**payee) if (payee := data.pop("payee")) else None
        rerouting.move_leg(request_id=request_id, account=account, by=by, at=at, **data)


class GiveUpLeg(ActOnLeg):
    """Give up a failed leg, while others are paid: its amount is free again. One that waits for a channel account which takes
    no calls can be given up as well, an everyday refund as leg 1: it has failed then, unpaid, and moves by `resubmit`.
    """

    operation, body = "give_up_leg", GiveUpLegSerializer

    def act(self, request_id: UUID, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        ways_back.give_up_leg(request_id=request_id, by=by, at=at, **data)
