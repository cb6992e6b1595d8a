"""Something is out of order: a till, a channel, a store's network. What it affects, who mends it, and what was learned."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from merchants.models import Merchant, Staff, Store
from refunds.models.request import RefundRequest
from terminals.models import Terminal


class IncidentState(models.TextChoices):
    OPEN = "open", _("Being worked on")
    WAITING = "waiting", _("Provider asked")
    CLOSED = "closed", _("Closed")


class IncidentCause(models.TextChoices):
    """Why it happened, found out by closing."""

    NETWORK = "network", _("Network")
    TILL = "till", _("Till or its software")
    CHANNEL = "channel", _("Payment channel")
    POWER = "power", _("Power")
    STAFF = "staff", _("Handling by staff")
    OTHER = "other", _("Other")


class Incident(models.Model):
    """What it affects is found by ``store`` (none: all), ``terminal``, ``channel`` and the channel's ``error_code`` from
    ``began_at`` up to ``ended_at`` (none: it lasts). ``provider`` has a ticket with what it promised, by when and at what cost;
    ``answers`` are ``[{"at", "by", "words"}]``. ``owner`` answers for it by ``due_at``.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False)
    store = models.ForeignKey(Store, null=True, on_delete=models.PROTECT, db_index=False)
    terminal = models.ForeignKey(Terminal, null=True, on_delete=models.PROTECT, db_index=False)
    channel = models.CharField(max_length=20, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    title = models.CharField(max_length=120)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=20, choices=IncidentState.choices, default=IncidentState.OPEN)
    provider = models.CharField(max_length=80, blank=True)
    ticket_no = models.CharField(max_length=60, blank=True)
    promised_at = models.DateTimeField(null=True)
    cost_fen = models.BigIntegerField(null=True)
    answers = models.JSONField(default=list)
    owner = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    due_at = models.DateTimeField()
    opened_by = models.CharField(max_length=80)
    opened_at = models.DateTimeField()
    cause = models.CharField(max_length=20, blank=True, choices=IncidentCause.choices)
    prevention = models.CharField(max_length=500, blank=True)
    closed_by = models.CharField(max_length=80, blank=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state=IncidentState.CLOSED, closed_at__isnull=False, ended_at__isnull=False)
                & ~Q(cause="")
                & ~Q(prevention="")
                | ~Q(state=IncidentState.CLOSED) & Q(closed_at__isnull=True),
                name="incident_closes_with_cause",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gt=F("began_at")), name="incident_ends_after_it_began"
            ),
            models.CheckConstraint(
                condition=Q(cost_fen__isnull=True) | Q(cost_fen__gte=0), name="incident_cost_not_negative"
            ),
        ]
        indexes = [models.Index(fields=["merchant", "opened_at", "id"], name="incident_opened")]

    def __str__(self) -> str:
        return f"IN-{self.pk:06d}"


class Apology(models.Model):
    """Who was told of an incident, once: ``person`` is the keyed hash of the phone or address."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="apologies", db_index=False)
    request = models.ForeignKey(RefundRequest, on_delete=models.PROTECT, related_name="+")
    person = models.BinaryField(max_length=16)
    at = models.DateTimeField()

    walled_by = "incident"

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incident", "person"], name="apology_once_a_person")]

    def __str__(self) -> str:
        return f"{self.incident_id} {self.request_id}"
