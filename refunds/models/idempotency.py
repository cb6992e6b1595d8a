"""The first answer to a keyed POST, written in the same commit as what it made."""

from datetime import datetime, timedelta

from django.db import models


class IdempotencyRecord(models.Model):
    """``principal`` is the API key or staff member; ``fingerprint`` is SHA-256 over method, path and payload.

    ``body`` is JSON as text: jsonb would forget the order of its keys, and the first answer is to be given again as it was.
    That of a refund is packed (``api.idempotency``).
    """

    principal = models.CharField(max_length=40)
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    status = models.SmallIntegerField()
    body = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["principal", "key"], name="idempotency_key_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_created")]

    def __str__(self) -> str:
        return f"{self.principal} {self.key}"


#: How long a first answer is given again.
KEPT = timedelta(hours=24)
#: Deleted in one statement: few enough that nobody waits for it.
AT_ONCE = 5_000


def forget_old(*, at: datetime, most: int = AT_ONCE) -> int:
    """Delete answers older than ``KEPT``, some at a time. Returns how many."""
    old = IdempotencyRecord.objects.filter(created_at__lt=at - KEPT).order_by("created_at").values("pk")[:most]
    return IdempotencyRecord.objects.filter(pk__in=old).delete()[0]
