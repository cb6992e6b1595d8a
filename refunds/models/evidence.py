"""Pictures and papers that belong to a request."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from merchants.models import Merchant
from refunds.models.request import RefundRequest


class EvidenceKind(models.TextChoices):
    """``merchants.policies.fields.Proof`` names those that a policy may ask for."""

    PHOTO = "photo", _("Photo of the goods")
    RECEIPT = "receipt", _("Receipt")
    WITNESS = "witness", _("A colleague's word")
    TERMS = "terms", _("Agreed terms")
    DOCUMENT = "document", _("Document")
    CONVERSATION = "conversation", _("Conversation")
    INSPECTION = "inspection", _("Photo of the returned goods")
    OTHER = "other", _("Other")


#: What colleagues say or saw: nothing that a customer hands in.
OF_STAFF = (EvidenceKind.WITNESS, EvidenceKind.INSPECTION)


class Evidence(models.Model):
    """An uploaded picture or PDF, written anew by us. ``sha256`` is of the stored file; ``path`` is relative to the evidence
    folder. Without a ``request`` it was sent ahead of one. ``look`` says what a photo looks like (``refunds.evidence.looks``).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False)
    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="evidence", null=True)
    kind = models.CharField(max_length=20, choices=EvidenceKind.choices)
    note = models.CharField(max_length=200, blank=True)
    path = models.CharField(max_length=80)
    content_type = models.CharField(max_length=40)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    added_by = models.CharField(max_length=80)
    look = ArrayField(models.IntegerField(), default=list)
    added_at = models.DateTimeField()

    class Meta:
        indexes = [
            GinIndex(fields=["look"], name="evidence_look"),
            models.Index(fields=["merchant", "sha256"], name="evidence_same_file"),
            models.Index(fields=["added_at"], name="evidence_sent_ahead", condition=models.Q(request=None)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
