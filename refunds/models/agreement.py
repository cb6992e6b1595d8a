"""What a customer agreed to where it is otherwise than the rule says: another amount, or more time."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from refunds.models.request import RefundRequest


class Means(models.TextChoices):
    """How they said so."""

    IN_STORE = "in_store", _("In the store")
    PHONE = "phone", _("By phone")
    MESSAGE = "message", _("By message")
    SIGNED = "signed", _("Signed on paper")


class Agreement(models.Model):
    """``agreed_by`` said at ``agreed_at`` that ``amount_fen`` goes back, or that it may take ``until`` then; never both. The
    newest of each kind holds. Rows are only ever added; who it was and what they said is erased with the refund's personal data.
    """

    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="agreements")
    amount_fen = models.BigIntegerField(null=True)
    until = models.DateTimeField(null=True)
    agreed_by = models.CharField(max_length=60)
    means = models.CharField(max_length=20, choices=Means.choices)
    agreed_at = models.DateTimeField()
    words = models.CharField(max_length=500, blank=True)
    recorded_by = models.CharField(max_length=80)
    recorded_at = models.DateTimeField()

    walled_by = "request"
    append_only = True
    erasable = ("agreed_by", "words")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_fen__isnull=False, amount_fen__gt=0, until__isnull=True)
                | Q(amount_fen__isnull=True, until__isnull=False),
                name="agreement_on_amount_or_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.request_id} {self.amount_fen or self.until}"
