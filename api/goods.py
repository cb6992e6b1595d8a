"""Goods that come back for a refund request, and what is offered instead of one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from rest_framework import serializers

from api.fields import Fen, Flag, Instant, Number, Quantity, StrictSerializer, Text, WholeNumber
from api.payouts import SeenVersionSerializer
from api.refund_requests import ActOnRequest
from api.serializers import ARTICLE_HELP
from merchants.principals import Principal
from merchants.rights import Act
from refunds.goods import inspection, offers, returns
from refunds.goods.inspection import Found
from refunds.models.goods_return import OfferKind, ReturnWay
from refunds.rules.goods import Condition, Disposition


class ReturnLineSerializer(StrictSerializer):
    sku = Number(max_length=200, help_text=ARTICLE_HELP)
    quantity = Quantity()


class AskGoodsSerializer(StrictSerializer):
    """``lines`` left out: all that the request names; ``due_at``: as the policy has it; ``way``: the customer chooses."""

    version = WholeNumber(min_value=1)
    message = Text(multiline=True, max_length=500, required=False, allow_blank=True, default="")
    due_at = Instant(required=False)
    way = serializers.ChoiceField(ReturnWay.choices, required=False)
    lines = serializers.ListField(child=ReturnLineSerializer(), required=False, max_length=200)


class ParcelSerializer(StrictSerializer):
    carrier = Text(max_length=40)
    parcel_no = Number(max_length=60)


class ReceivedSerializer(StrictSerializer):
    """``lines`` are for goods that nobody had asked for, where not all that the request names came."""

    store = Number(max_length=20, required=False)
    carrier = Text(max_length=40, required=False)
    parcel_no = Number(max_length=60, required=False)
    lines = serializers.ListField(child=ReturnLineSerializer(), required=False, max_length=200)


class FoundSerializer(StrictSerializer):
    """So many pieces that are alike; what is missing goes nowhere."""

    sku = Number(max_length=200, required=False, allow_blank=True, help_text=ARTICLE_HELP)
    quantity = Quantity()
    condition = serializers.ChoiceField(Condition.choices)
    disposition = serializers.ChoiceField(Disposition.choices, required=False)


class InspectionSerializer(StrictSerializer):
    found = serializers.ListField(child=FoundSerializer(), min_length=1, max_length=400)
    proposed_fen = Fen(required=False, help_text="less than was asked for; `finding` says why")
    finding = Text(max_length=500, required=False)


class OfferSerializer(StrictSerializer):
    version = WholeNumber(min_value=1)
    kind = serializers.ChoiceField(OfferKind.choices)
    message = Text(multiline=True, max_length=500, required=False, allow_blank=True, default="")


class OfferAnswerSerializer(StrictSerializer):
    accepted = Flag(help_text="the request is withdrawn, and nothing is paid back")
    new_order_no = Number(max_length=64, required=False)


class NewOrderSerializer(StrictSerializer):
    new_order_no = Number(max_length=64)


def _pieces(data: dict[str, Any]) -> dict[str, Any]:
    """The body with its lines as pairs."""
    if "lines" in data:
        data["lines"] = [(line["sku"], line["quantity"]) for line in data["lines"]]
    return data


class AskGoods(ActOnRequest):
    """Ask for the goods of a request in review; its clock pauses until they are there, or until ``due_at``."""

    acts = {"POST": Act.ASK_GOODS}
    operation, body = "ask_for_goods", AskGoodsSerializer

    def act(self, request_id: UUID, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        returns.ask(request_id=request_id, by=by, at=at, **_pieces(data))


class CallOffGoods(ActOnRequest):
    """Need the goods no more: a person decides without them."""

    acts = {"POST": Act.ASK_GOODS}
    operation, body, does = "call_off_goods", SeenVersionSerializer, returns.call_off


class SendGoods(ActOnRequest):
    """Say by which parcel the goods come."""

    acts = {"POST": Act.SEND_GOODS}
    operation, body, does = "send_goods", ParcelSerializer, returns.send


class ReceiveGoods(ActOnRequest):
    """Say that the goods are there; whether asked for or not, whatever became of the request."""

    acts = {"POST": Act.RECEIVE_GOODS}
    operation, body = "receive_goods", ReceivedSerializer

    def act(self, request_id: UUID, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        returns.receive(request_id=request_id, by=by, at=at, **_pieces(data))


class InspectGoods(ActOnRequest):
    """Say what was found of each piece; a request that waited for it is judged again. Photos go to ``evidence``."""

    acts = {"POST": Act.INSPECT_GOODS}
    operation, body = "inspect_goods", InspectionSerializer

    def act(self, request_id: UUID, data: dict[str, Any], *, by: Principal, at: datetime) -> None:
        found = [Found(**one) for one in data.pop("found")]
        inspection.inspect(request_id=request_id, found=found, by=by, at=at, **data)


class OfferExchange(ActOnRequest):
    """Offer an exchange or a second delivery instead of the money."""

    acts = {"POST": Act.OFFER_EXCHANGE}
    operation, body, does = "offer_exchange", OfferSerializer, offers.offer


class AnswerOffer(ActOnRequest):
    """Say what the customer answered to the offer."""

    acts = {"POST": Act.ANSWER_OFFER}
    operation, body, does = "answer_exchange_offer", OfferAnswerSerializer, offers.answer


class NameNewOrder(ActOnRequest):
    """Say which order has taken the place of the old one."""

    acts = {"POST": Act.ANSWER_OFFER}
    operation, body, does = "name_exchange_order", NewOrderSerializer, offers.name_order
