"""What was approved without a person in all: of an order, of a customer's, a cashier's, a store's and an API key's day."""

from django.db import models
from django.db.models import F, Q

from merchants.models import Merchant


class RunningSum(models.Model):
    """One counter. It only grows: what is cancelled, rejected or fails afterwards gives no room back (docs/adr/0028).

    ``key`` names merchant, kind, whose it is and the day, as ``refunds.facts.sums.key_of`` builds it. ``count`` and
    ``fen`` are what was approved by rule, ``asked_fen`` is all that was asked for (kept for customers; of an order, what was
    exchanged for goods). The limits are those in force when the counter was last moved, less what earlier days have of limits of
    30; the CHECK compares, so that no two submissions pass it together. ``closed``: a refund of this order was rejected, and
    nothing of it is approved by rule any more. ``asked_orders``: how many orders the customer asked for refunds of;
    ``near_count``: how many of the cashier's were close to the limit.
    """

    key = models.TextField(primary_key=True, db_collation="C")
    # db_constraint=False as on the request: merchants can never be deleted.
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    kind = models.CharField(max_length=10)
    day = models.DateField()
    count = models.IntegerField(default=0)
    fen = models.BigIntegerField(default=0)
    asked_fen = models.BigIntegerField(default=0)
    asked_orders = models.IntegerField(default=0, db_default=0)
    near_count = models.IntegerField(default=0, db_default=0)
    count_limit = models.BigIntegerField(null=True)
    fen_limit = models.BigIntegerField(null=True)
    closed = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(Q(count_limit__isnull=True) | Q(count__lte=F("count_limit")))
                & (Q(fen_limit__isnull=True) | Q(fen__lte=F("fen_limit"))),
                name="running_sum_within_limit",
            ),
        ]

    def __str__(self) -> str:
        return self.key
