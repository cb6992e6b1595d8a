"""Payouts that a person makes: confirmed, or given up. Staff in their session, or a key with ``payouts:write``. And payouts of
which a channel says nothing, ended by two people in their sessions.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api import schemas
from api.evidence import TakesAPicture
from api.fields import Flag, Instant, StrictSerializer, Text, WholeNumber, refused
from api.refund_requests import ActOnRequest, OneRequest
from api.schemas_refunds import RefundRequestOut, stored_request_json
from api.serializers import PayeeSerializer
from core import clock
from core.errors import NotFound
from merchants.principals import Principal
from merchants.rights import Act
from refunds.evidence import files
from refunds.facts import plans
from refunds.intake import rerouting
from refunds.intake.claims import Account
from refunds.models import RefundRequest
from refunds.payouts import by_hand, ending, ways_back
from refunds.payouts.by_hand import Payment
from refunds.payouts.ending import Finding
from refunds.states import HandTrouble, Route


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


class PortalFindingSerializer(StrictSerializer):
    """What the channel's portal shows, with a picture of it. ``version`` is the one the caller saw."""

    version = serializers.IntegerField(min_value=1)  # a form has only texts
    file = serializers.FileField(help_text="a picture of the portal")
    shows = serializers.ChoiceField(["paid", "nothing"])
    channel_refund_no = Text(max_length=64, required=False, allow_blank=True, default="", help_text="where it is paid")
    paid_at = Instant(required=False, allow_null=True, default=None, help_text="where it is paid")
    note = Text(max_length=300, required=False, allow_blank=True, default="")


class SeenVersionSerializer(StrictSerializer):
    """``version`` is the one the caller saw."""

    version = WholeNumber(min_value=1)


class ProposeEnd(TakesAPicture, OneRequest):
    """What the portal shows of a payout of which the channel says nothing."""

    acts = {"POST": Act.END_UNKNOWN}

    @schemas.operation("propose_end", RefundRequestOut, form=PortalFindingSerializer, besides=(413, 415))
    def post(self, request: Request, request_id: UUID) -> Response:
        """Say what the channel's portal shows of a payout without an answer. The refund is in `unknown` and its execution has
        `needs_attention`. Nothing is decided by it: somebody else of finance confirms it.
        """
        found = self.load(request_id)
        data = self.read(PortalFindingSerializer)
        if len(request.FILES.getlist("file")) > 1:
            raise refused("one_file", "file")
        ending.propose(
            request_id=found.pk,
            finding=Finding(
                paid=data["shows"] == "paid",
                channel_refund_no=data["channel_refund_no"],
                paid_at=data["paid_at"],
                note=data["note"],
            ),
            picture=files.read_picture(upload=data["file"]),
            by=self.caller.by,
            at=clock.now(),
            version=data["version"],
        )
        return Response(stored_request_json(self.load(request_id)))


class ConfirmEnd(ActOnRequest):
    """Confirm what somebody else found in the channel's portal: the refund is paid, or may go out again under its number."""

    acts = {"POST": Act.END_UNKNOWN}
    operation, body, does = "confirm_end", SeenVersionSerializer, ending.confirm


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

    operation, body, does = "retry_leg", SeenVersionSerializer, ways_back.retry


class MoveLeg(ActOnLeg):
    """Have a person pay a failed leg on another route, while others are paid. So goes a leg whose channel account takes no calls.
    On its own route (`original`) it goes through the account in use that has the same merchant number. All of a failed refund
    moves by `resubmit`.
    """

    operation, body = "move_leg", MoveLegSerializer

    def act(self, request_id: UUID, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        account = Account(**payee) if (payee := data.pop("payee")) else None
        rerouting.move_leg(request_id=request_id, account=account, by=by, at=at, **data)


class GiveUpLeg(ActOnLeg):
    """Give up a failed leg, while others are paid: its amount is free again. One that waits for a channel account which takes
    no calls can be given up as well, an everyday refund as leg 1: it has failed then, unpaid, and moves by `resubmit`.
    """

    operation, body, does = "give_up_leg", GiveUpLegSerializer, ways_back.give_up_leg
