"""Trials of a policy's draft on the past, and drafts that ride along beside what comes in."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from merchants.models import Merchant, PolicyDraft, Staff
from refunds.models import RefundRequest


class TrialState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    CANCELLED = "cancelled", _("cancelled")


class Trial(models.Model):
    """One draft on one period; ``rules`` as they were when it was started. ``results`` as ``analytics.trials.tally`` makes them.

    A worker holds it until ``lease_until`` and says how far it is; a worker that was killed lets the lease run out, and another
    begins anew. ``is_unwanted``: somebody cancelled it.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    draft = models.ForeignKey(PolicyDraft, on_delete=models.PROTECT, related_name="trials")
    revision = models.PositiveIntegerField()
    rules = models.JSONField()
    since = models.DateTimeField()
    until = models.DateTimeField()
    state = models.CharField(max_length=10, choices=TrialState.choices, default=TrialState.WAITING)
    started_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    running_since = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    is_unwanted = models.BooleanField(default=False)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    results = models.JSONField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(since__lt=F("until")), name="trial_has_a_period"),
            models.CheckConstraint(
                condition=Q(state="done", results__isnull=False) | (~Q(state="done") & Q(results__isnull=True)),
                name="trial_done_with_results",
            ),
        ]
        indexes = [
            models.Index(fields=["draft", "-id"], name="trial_of_draft"),
            models.Index(fields=["id"], name="trial_unfinished", condition=Q(state__in=["waiting", "running"])),
        ]

    def __str__(self) -> str:
        return f"{self.draft_id} {self.since:%Y-%m-%d}..{self.until:%Y-%m-%d}"


class TrialChange(models.Model):
    """A request that the draft decides otherwise: as it was (``plain``), with feedback (``fed``), and by which line."""

    trial = models.ForeignKey(Trial, on_delete=models.CASCADE, related_name="changes", db_index=False)
    # db_constraint=False as elsewhere: requests can never be deleted, and a trial must not lock them.
    request = models.ForeignKey(
        RefundRequest, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    was = models.CharField(max_length=8)
    plain = models.CharField(max_length=8)
    fed = models.CharField(max_length=8)
    plain_by = models.CharField(max_length=40)
    fed_by = models.CharField(max_length=40)
    amount_fen = models.BigIntegerField()

    walled_by = "trial"

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trial", "request"], name="trial_change_once")]

    def __str__(self) -> str:
        return f"{self.request_id}: {self.was} > {self.fed}"


class Shadow(models.Model):
    """A draft that judges beside the policy in force, without any effect, and ends by itself. ``seen_at`` and ``seen_id``: the
    last request that it has judged.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    draft = models.ForeignKey(PolicyDraft, on_delete=models.PROTECT, related_name="shadows")
    revision = models.PositiveIntegerField()
    rules = models.JSONField()
    started_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField()
    seen_id = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("started_at")), name="shadow_has_a_period"),
            models.UniqueConstraint(
                fields=["merchant"], condition=Q(stopped_at__isnull=True), name="shadow_one_at_a_time"
            ),
        ]
        indexes = [models.Index(fields=["draft", "-id"], name="shadow_of_draft")]

    def __str__(self) -> str:
        return f"{self.draft_id} {self.started_at:%Y-%m-%d}"


class ShadowVerdict(models.Model):
    """What the draft would have said of a request as it came."""

    shadow = models.ForeignKey(Shadow, on_delete=models.CASCADE, related_name="verdicts", db_index=False)
    request = models.ForeignKey(
        RefundRequest, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    was = models.CharField(max_length=8)
    now = models.CharField(max_length=8)
    by = models.CharField(max_length=40)
    amount_fen = models.BigIntegerField()

    walled_by = "shadow"

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shadow", "request"], name="shadow_verdict_once")]

    def __str__(self) -> str:
        return f"{self.request_id}: {self.was} > {self.now}"
