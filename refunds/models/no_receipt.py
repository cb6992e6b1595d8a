"""A customer without a receipt, or a till that printed no slip: what became of it, until it is closed."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from merchants.models import Merchant, Staff, Store
from refunds.models.request import RefundRequest
from terminals.models import Terminal, Transaction


class CaseKind(models.TextChoices):
    MISSING_SLIP = "missing_slip", _("The till printed no slip")
    LOST_RECEIPT = "lost_receipt", _("The customer has no receipt")


class CaseState(models.TextChoices):
    OPEN = "open", _("Being looked for")
    FOUND = "found", _("Sale found")
    FALLBACK = "fallback", _("Refund without a sale")
    CLOSED = "closed", _("Closed")


class Cause(models.TextChoices):
    """Why there was no receipt, found out by closing."""

    PRINTER = "printer", _("Printer or paper")
    TILL = "till", _("Till or its software")
    NETWORK = "network", _("Network or channel")
    STAFF = "staff", _("Not handed out")
    CUSTOMER = "customer", _("Lost by the customer")
    NO_SALE = "no_sale", _("There was no such sale")
    OTHER = "other", _("Other")


class NoReceiptCase(models.Model):
    """``told`` is what is known of the sale (``refunds.rules.candidates.Told``, without whose phone it is). ``sale`` was
    confirmed by ``confirmed_by`` for the facts ``confirmed_facts``; ``request`` is the refund where none was found, whose sale
    may be found later. ``owner`` answers for it by ``due_at``. ``third_party``: what its vendor or provider was asked and said.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False)
    store = models.ForeignKey(Store, on_delete=models.PROTECT, db_index=False)
    terminal = models.ForeignKey(Terminal, null=True, on_delete=models.PROTECT, db_index=False)
    channel = models.CharField(max_length=20, blank=True)
    kind = models.CharField(max_length=20, choices=CaseKind.choices)
    state = models.CharField(max_length=20, choices=CaseState.choices, default=CaseState.OPEN)
    told = models.JSONField()
    note = models.CharField(max_length=500, blank=True)
    sale = models.ForeignKey(Transaction, null=True, on_delete=models.PROTECT, related_name="+")
    confirmed_by = models.CharField(max_length=80, blank=True)
    confirmed_at = models.DateTimeField(null=True)
    confirmed_facts = models.JSONField(default=list)
    reprinted_by = models.CharField(max_length=80, blank=True)
    reprinted_at = models.DateTimeField(null=True)
    request = models.OneToOneField(RefundRequest, null=True, on_delete=models.PROTECT, related_name="no_receipt_case")
    owner = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    due_at = models.DateTimeField()
    opened_by = models.CharField(max_length=80)
    opened_at = models.DateTimeField()
    cause = models.CharField(max_length=20, blank=True, choices=Cause.choices)
    prevention = models.CharField(max_length=500, blank=True)
    third_party = models.CharField(max_length=500, blank=True)
    closed_by = models.CharField(max_length=80, blank=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state=CaseState.CLOSED, closed_at__isnull=False) & ~Q(cause="") & ~Q(prevention="")
                | ~Q(state=CaseState.CLOSED) & Q(closed_at__isnull=True),
                name="case_closes_with_cause",
            ),
            models.CheckConstraint(
                condition=Q(sale__isnull=True) | Q(confirmed_at__isnull=False) & ~Q(confirmed_by=""),
                name="case_sale_is_confirmed",
            ),
        ]
        indexes = [models.Index(fields=["merchant", "opened_at", "id"], name="no_receipt_opened")]

    def __str__(self) -> str:
        return f"NR-{self.pk:06d}"
