"""What a person signed with a decision that moves money or changes who may."""

from django.db import models
from django.db.models import Q

from merchants.models.merchant import Merchant
from merchants.models.staff import Staff


class Signature(models.Model):
    """The statement that a person was shown when they decided, and how they showed that it was them.

    ``statement`` is canonical JSON; ``factor`` is ``webauthn``, ``totp``, ``recovery_codes``, or ``session`` of who has none.
    A passkey signed its SHA-256: ``assertion`` has what the browser answered and the public key, in base64; else it is empty.
    ``signed`` is the hash of what it signed, which no second row has; ``counter`` is the key's own count, 0 of a key that does
    not count. ``digest`` is over all of it, and the event of the act names it (``merchants.signing``).
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT)
    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="signatures")
    object_type = models.CharField(max_length=30)
    object_id = models.CharField(max_length=40)
    statement = models.TextField()
    factor = models.CharField(max_length=20)
    assertion = models.JSONField(default=dict)
    credential = models.BinaryField(max_length=32, null=True)
    signed = models.BinaryField(max_length=32, null=True, unique=True)
    counter = models.BigIntegerField(default=0)
    digest = models.BinaryField(max_length=32, unique=True)
    at = models.DateTimeField()

    append_only = True

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["credential", "counter"], condition=Q(counter__gt=0), name="signature_counter_once"
            )
        ]
        indexes = [models.Index(fields=["object_id"], name="signature_object")]

    def __str__(self) -> str:
        return f"{self.factor} {self.object_type} {self.object_id}"
