"""POS terminals."""

from django.db import models

from merchants.models import Store


class Terminal(models.Model):
    """A till. One whose return function is off takes no refund requests; ``refunds_off_reason`` says why.

    A till says itself, by its heartbeat, how it is: ``checks`` are the parts it looked at (``{"display": true, "printer":
    false}``) at ``checked_at``, ``missing_slips`` how many slips it could not print.
    """

    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="terminals")
    code = models.CharField(max_length=20)
    name = models.CharField(max_length=60, blank=True, default="", db_default="")
    refunds_enabled = models.BooleanField(default=True)
    refunds_off_reason = models.CharField(max_length=200, blank=True, default="", db_default="")
    software_version = models.CharField(max_length=20, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    checks = models.JSONField(default=dict, blank=True, db_default={})
    checked_at = models.DateTimeField(null=True, blank=True)
    missing_slips = models.PositiveIntegerField(default=0, db_default=0)
    next_service_date = models.DateField(null=True, blank=True)

    walled_by = "store"

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "code"], name="terminal_code_once")]

    def __str__(self) -> str:
        return self.code
