"""Pictures and papers that belong to a request."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from refunds.models.request import RefundRequest


class EvidenceKind(models.TextChoices):
    PHOTO = "photo", _("Photo of the goods")
    RECEIPT = "receipt", _("Receipt")
    CONVERSATION = "conversation", _("Conversation")
    OTHER = "other", _("Other")


class Evidence(models.Model):
    """An uploaded picture, re-encoded by us. ``sha256`` is of the stored file; ``path`` is relative to the evidence folder."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="evidence")
    kind = models.CharField(max_length=20, choices=EvidenceKind.choices)
    note = models.CharField(max_length=200, blank=True)
    path = models.CharField(max_length=80)
    content_type = models.CharField(max_length=40)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    added_by = models.CharField(max_length=80)
    added_at = models.DateTimeField()

    walled_by = "request"

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
