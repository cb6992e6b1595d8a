"""What the world is to be told, written in the same commit as what happened."""

from django.db import models
from django.db.models import Q

from merchants.models import Merchant


class OutboxState(models.TextChoices):
    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


class OutboxMessage(models.Model):
    """One state change to be told: ``topic`` is ``refund_request.<state>``; at least once, in order of ``id``."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    topic = models.CharField(max_length=60)
    request_id = models.UUIDField()
    version = models.IntegerField()
    state = models.CharField(max_length=10, choices=OutboxState.choices, default=OutboxState.PENDING)
    attempts = models.IntegerField(default=0)
    due_at = models.DateTimeField()
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request_id", "version"], name="outbox_once_a_version")]
        indexes = [models.Index(fields=["due_at", "id"], name="outbox_due", condition=Q(state="pending"))]

    def __str__(self) -> str:
        return f"{self.topic} {self.request_id}"
