"""A list that somebody takes away as a file, made in the background."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from merchants.models import Merchant, Staff


class ExportState(models.TextChoices):
    WAITING = "waiting", _("In line")
    RUNNING = "running", _("Being made")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class ListExport(models.Model):
    """``page`` is the list, ``query`` what narrows it; ``form`` csv or xlsx. ``done`` of ``rows``. ``alive_at``: when its worker
    was last heard of. ``store_ids``: of which stores it is (None: all). ``taken_at``: when the file was first taken. It holds no
    customer's name or contact, and is kept a week.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+", db_index=False)
    page = models.CharField(max_length=20)
    query = models.CharField(max_length=2000)
    form = models.CharField(max_length=4)
    language = models.CharField(max_length=10)
    state = models.CharField(max_length=10, choices=ExportState.choices, default=ExportState.WAITING)
    rows = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    code = models.CharField(max_length=60, blank=True)
    content = models.BinaryField(default=b"")
    store_ids = ArrayField(models.BigIntegerField(), null=True)
    asked_at = models.DateTimeField()
    began_at = models.DateTimeField(null=True)
    alive_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    taken_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["staff", "-id"], name="list_export_own"),
            models.Index(fields=["id"], condition=Q(state__in=["waiting", "running"]), name="list_export_due"),
        ]

    def __str__(self) -> str:
        return f"{self.page} {self.pk}"
