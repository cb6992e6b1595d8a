"""Many refunds asked for at once, or many sales reported: by a program, or from a file that somebody brought."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.personal_data import SealedTextField
from merchants.models import ApiKey, Merchant, Staff, Store
from refunds.models.request import RefundRequest
from terminals.models import Transaction


class BatchKind(models.TextChoices):
    REFUNDS = "refunds", _("Refunds")
    SALES = "sales", _("Sales")


class BatchState(models.TextChoices):
    """``mapping``: of a file, somebody is to say what its columns are; ``reading``: its rows are made; ``checking``: the dry run;
    ``ready``: somebody else is to confirm it; ``confirmed``: it can still be cancelled whole.
    """

    MAPPING = "mapping", _("Columns to be named")
    READING = "reading", _("Being read")
    CHECKING = "checking", _("Being checked")
    READY = "ready", _("To be confirmed")
    CONFIRMED = "confirmed", _("Confirmed")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("Cancelled")


class RefundBatch(models.Model):
    """``store`` is that of who filed it, None where they work in more. ``starts_at``: from then on its rows are asked for.

    ``moved_at``: since when it is in its state.

    Whoever files it does not confirm it, also not by another key they made (``filed_by``: who stands behind it).
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    store = models.ForeignKey(Store, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=BatchKind.choices, default=BatchKind.REFUNDS)
    state = models.CharField(max_length=10, choices=BatchState.choices, default=BatchState.CHECKING)
    api_key = models.ForeignKey(ApiKey, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    filed_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    filed_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    confirmed_at = models.DateTimeField(null=True)
    starts_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    moved_at = models.DateTimeField(null=True)
    from_file = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["state", "id"],
                condition=~Q(state__in=["done", "cancelled"]),
                name="refund_batch_due",
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | Q(filed_by=None) | ~Q(confirmed_by=F("filed_by")),
                name="batch_confirmed_by_another",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["confirmed", "running", "done"])
                | Q(confirmed_by__isnull=False, confirmed_at__isnull=False, starts_at__isnull=False),
                name="batch_runs_confirmed",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Outcome(models.TextChoices):
    """What became of a row."""

    OPEN = "", pgettext_lazy("of a row", "Open")
    TAKEN = "taken", pgettext_lazy("of a row", "Asked for")
    REFUSED = "refused", _("Refused")
    SKIPPED = "skipped", _("Left out")


class RefundBatchRow(models.Model):
    """One refund or sale of a batch, ``number`` from 1. ``asked`` is what it asks for, sealed, and is forgotten when its batch is
    over; ``lines`` are those of the file that it came from, ``fingerprint`` is equal for what is the same wish in any file.

    ``verdict`` is the dry run's: ``approve``, ``review``, of a sale ``new``, ``known`` for what was taken in before, or ``bad``
    for what cannot be, with ``code`` and ``errors``.
    """

    batch = models.ForeignKey(RefundBatch, on_delete=models.PROTECT, related_name="rows", db_index=False)
    number = models.PositiveIntegerField()
    label = models.CharField(max_length=64)
    amount_fen = models.BigIntegerField(null=True)
    asked = SealedTextField(purpose="refund_batch_row.asked")
    verdict = models.CharField(max_length=10, blank=True)
    code = models.CharField(max_length=60, blank=True)
    errors = models.JSONField(default=list)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True, default=Outcome.OPEN)
    request = models.OneToOneField(RefundRequest, null=True, on_delete=models.PROTECT, related_name="batch_row")
    sale = models.ForeignKey(Transaction, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    lines = models.JSONField(default=list)
    fingerprint = models.BinaryField(null=True, max_length=16)

    walled_by = "batch"

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="batch_row_once"),
            models.CheckConstraint(
                condition=Q(outcome="taken", request__isnull=False, sale=None)
                | Q(outcome="taken", request=None, sale__isnull=False)
                | (~Q(outcome="taken") & Q(request=None, sale=None)),
                name="batch_row_taken_once",
            ),
            models.UniqueConstraint(
                fields=["fingerprint"],
                condition=Q(outcome="taken", fingerprint__isnull=False),
                name="batch_row_fingerprint_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.number}"


class ImportFile(models.Model):
    """The file of a batch as it was brought, sealed, until some days after its end: what was not taken is given back from it.
    ``columns`` says for each field which column it is, ``same`` what it is in all rows; ``is_fen``: its amounts are in fen.
    """

    batch = models.OneToOneField(RefundBatch, primary_key=True, on_delete=models.PROTECT, related_name="file")
    content = models.BinaryField()
    columns = models.JSONField(default=dict)
    same = models.JSONField(default=dict)
    is_fen = models.BooleanField(default=False)

    walled_by = "batch"

    def __str__(self) -> str:
        return f"file of {self.batch_id}"
