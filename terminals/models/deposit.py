"""What was agreed when a deposit was paid."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from terminals.models.transaction import Transaction


class DepositKind(models.TextChoices):
    """Three words that sound alike, and only the first has the law's deposit rule: 定金, 订金, 押金."""

    EARNEST = "earnest", _("Earnest (binding deposit)")
    ADVANCE = "advance", _("Advance payment")
    SECURITY = "security", _("Security deposit")


class Deposit(models.Model):
    """The terms of a deposit, as they were agreed before it is settled: written once. ``contract_fen``: what the whole contract
    comes to; ``terms`` are the words that the customer agreed to. The ``document`` is the paper with them, written anew by us
    (``refunds.evidence.terms``); ``sha256`` is of the stored file.
    """

    transaction = models.OneToOneField(Transaction, on_delete=models.PROTECT, related_name="deposit", primary_key=True)
    kind = models.CharField(max_length=10, choices=DepositKind.choices)
    contract_fen = models.BigIntegerField()
    terms = models.TextField()
    recorded_by = models.CharField(max_length=80)
    recorded_at = models.DateTimeField()
    document_path = models.CharField(max_length=80, blank=True, default="", db_default="")
    document_type = models.CharField(max_length=40, blank=True, default="", db_default="")
    document_sha256 = models.CharField(max_length=64, blank=True, default="", db_default="")

    walled_by = "transaction"

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(contract_fen__gt=0) & ~Q(terms=""), name="deposit_has_terms"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.transaction_id}"
