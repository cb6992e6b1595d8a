"""The legs of a refund that goes back by several payments, or by one in parts.

The everyday refund has none: it is one leg, of its sale and its amount, and the request says all of it (``leg_count`` 0).
"""

from django.db import models
from django.db.models import F, Q

from refunds.models.request import RefundRequest
from refunds.states import Route
from terminals.models import Transaction


class Leg(models.Model):
    """What goes back through one payment. Its attempts are the request's executions of the same ``sequence``.

    ``reserved_fen`` is what it holds of its payment at this moment: its amount, or nothing once the request was released or the
    leg given up. ``refunded_fen`` is its amount once that is proven paid; a paid leg never changes any more. ``route`` may become
    another one after a failure.
    """

    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="legs", db_index=False)
    sequence = models.PositiveSmallIntegerField()
    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="legs")
    route = models.CharField(max_length=20, choices=Route.choices, default=Route.ORIGINAL)
    amount_fen = models.BigIntegerField()
    reserved_fen = models.BigIntegerField()
    refunded_fen = models.BigIntegerField(default=0)
    why = models.CharField(max_length=30)

    walled_by = "request"

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "sequence"], name="leg_sequence_once"),
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0)
                & (Q(reserved_fen=0, refunded_fen=0) | Q(reserved_fen=F("amount_fen")))
                & (Q(refunded_fen=0) | Q(refunded_fen=F("amount_fen"))),
                name="leg_holds_all_or_nothing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.request_id}/{self.sequence}"
