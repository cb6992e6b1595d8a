"""Goods that come back for a refund, and what is offered instead of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.quantities import QuantityField, quantity_text
from merchants.models import Store
from refunds.models.request import RefundRequest
from refunds.rules.goods import Condition, Disposition
from terminals.models import TransactionLine

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class ReturnState(models.TextChoices):
    AWAITED = "awaited", _("Asked for")
    ON_ITS_WAY = "on_its_way", pgettext_lazy("of a parcel", "On its way")
    RECEIVED = "received", _("Received")
    INSPECTED = "inspected", _("Inspected")
    NOT_COME = "not_come", _("Did not come in time")
    CALLED_OFF = "called_off", _("Not needed")


#: Somebody still has to bring, send or look at them.
OPEN = (ReturnState.AWAITED, ReturnState.ON_ITS_WAY, ReturnState.RECEIVED)
#: The goods are in the store.
HERE = (ReturnState.RECEIVED, ReturnState.INSPECTED)


class ReturnWay(models.TextChoices):
    IN_STORE = "in_store", _("Brought to the store")
    PARCEL = "parcel", _("Sent by parcel")


class GoodsReturn(models.Model):
    """Goods of a request on their way back. ``due_at``: until when they were asked for; empty where they came unasked.

    ``by_policy``: the policy asked, not a person. ``proposed_fen``, with ``finding`` as its reason: what who looked at them would
    pay instead. A request that waits for goods has an open one; one may also be noted of a refund that is paid, or over.
    """

    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="goods_returns")
    store = models.ForeignKey(Store, on_delete=models.PROTECT, db_index=False)
    state = models.CharField(max_length=12, choices=ReturnState.choices, default=ReturnState.AWAITED)
    way = models.CharField(max_length=10, choices=ReturnWay.choices, blank=True)
    by_policy = models.BooleanField(default=False)
    asked_by = models.CharField(max_length=80, blank=True)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    carrier = models.CharField(max_length=40, blank=True)
    parcel_no = models.CharField(max_length=40, blank=True)
    sent_at = models.DateTimeField(null=True)
    received_by = models.CharField(max_length=80, blank=True)
    received_at = models.DateTimeField(null=True)
    inspected_by = models.CharField(max_length=80, blank=True)
    inspected_at = models.DateTimeField(null=True)
    finding = models.CharField(max_length=500, blank=True)
    proposed_fen = models.BigIntegerField(null=True)

    walled_by = "request"

    if TYPE_CHECKING:
        lines: RelatedManager[GoodsReturnLine]

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request"], condition=Q(state__in=OPEN), name="one_open_return_a_request"),
            models.CheckConstraint(
                condition=Q(state__in=HERE, received_at__isnull=False) | (~Q(state__in=HERE) & Q(received_at=None)),
                name="return_received_when_its_state_says",
            ),
            models.CheckConstraint(
                condition=Q(state=ReturnState.INSPECTED, inspected_at__isnull=False)
                | (~Q(state=ReturnState.INSPECTED) & Q(inspected_at=None, proposed_fen=None)),
                name="return_inspected_when_its_state_says",
            ),
            models.CheckConstraint(
                condition=Q(proposed_fen=None) | (Q(proposed_fen__gt=0) & ~Q(finding="")),
                name="return_proposal_has_a_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(state__in=[ReturnState.AWAITED, ReturnState.ON_ITS_WAY]),
                name="return_due",
            )
        ]

    def __str__(self) -> str:
        return f"{self.state} {self.request_id}"


class GoodsReturnLine(models.Model):
    """Pieces that come back: of an article of the sale, or (``line`` empty) all that a request without articles is about. Once
    they were looked at, what was found of so many of them, and what becomes of these.
    """

    goods_return = models.ForeignKey(GoodsReturn, on_delete=models.CASCADE, related_name="lines")
    line = models.ForeignKey(TransactionLine, null=True, on_delete=models.PROTECT, related_name="+")
    quantity = QuantityField()
    condition = models.CharField(max_length=15, choices=Condition.choices, blank=True)
    disposition = models.CharField(max_length=10, choices=Disposition.choices, blank=True)

    walled_by = "goods_return"

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="return_line_positive"),
            models.CheckConstraint(
                # What is not there goes nowhere.
                condition=Q(condition__in=["", Condition.MISSING], disposition="")
                | (~Q(condition__in=["", Condition.MISSING]) & ~Q(disposition="")),
                name="return_line_goes_somewhere",
            ),
        ]

    def __str__(self) -> str:
        return f"{quantity_text(self.quantity)} x {self.line_id}"


class OfferKind(models.TextChoices):
    EXCHANGE = "exchange", _("Exchange")
    RESHIP = "reship", _("Second delivery")


class OfferAnswer(models.TextChoices):
    ACCEPTED = "accepted", pgettext_lazy("of an offer", "Accepted")
    DECLINED = "declined", pgettext_lazy("of an offer", "Declined")


class ExchangeOffer(models.Model):
    """What a customer may have instead of the money. One that is accepted ends the request; ``new_order_no`` is the order that
    takes the place of the old one, once somebody knows it.
    """

    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="offers")
    kind = models.CharField(max_length=10, choices=OfferKind.choices)
    message = models.CharField(max_length=500, blank=True)
    offered_by = models.CharField(max_length=80)
    offered_at = models.DateTimeField()
    answer = models.CharField(max_length=10, choices=OfferAnswer.choices, blank=True)
    answered_by = models.CharField(max_length=80, blank=True)
    answered_at = models.DateTimeField(null=True)
    new_order_no = models.CharField(max_length=64, blank=True)

    walled_by = "request"

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request"], condition=Q(answer=""), name="one_open_offer_a_request"),
            models.CheckConstraint(
                condition=Q(answer="", answered_at=None, new_order_no="")
                | (~Q(answer="") & Q(answered_at__isnull=False)),
                name="offer_answered_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.request_id}"
