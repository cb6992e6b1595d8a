"""A merchant's own words for a message to customers."""

from django.db import models

from merchants.models.merchant import Merchant
from merchants.models.staff import Staff


class MessageWording(models.Model):
    """A version of the words for one event, in one language, by one medium; the last one counts. An empty ``text`` is the
    built-in wording again. ``{amount}`` and the like stand for what the message is about.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    event = models.CharField(max_length=30)
    language = models.CharField(max_length=10)
    medium = models.CharField(max_length=10)
    version = models.PositiveIntegerField()
    text = models.TextField(blank=True)
    written_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    written_at = models.DateTimeField()

    append_only = True

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "event", "language", "medium", "version"], name="message_wording_version_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.language} {self.medium} v{self.version}"
