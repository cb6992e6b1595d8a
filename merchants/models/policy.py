"""The refund policy: versions that never change once they are published, and drafts of the next one."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from merchants.models.merchant import Merchant
from merchants.models.staff import Staff


class PolicyVersion(models.Model):
    """One version of a merchant's rules, in force from ``effective_from`` until the next one is.

    ``rules`` has the shape that ``merchants.policies.rules`` reads, ``guides`` that of ``merchants.policies.guides``. A trigger
    refuses changes and deletions, a CHECK that somebody publishes what they wrote: ``author_ids`` are all who changed the draft.
    ``sole``: nobody else may publish here, and whoever did said so. ``rolled_back_to`` is the number of the version whose rules
    these are again.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="policy_versions")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    rules = models.JSONField()
    guides = models.JSONField(default=dict)
    reason = models.CharField(max_length=500, blank=True, default="")
    effective_from = models.DateTimeField()
    published_at = models.DateTimeField()
    published_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT)
    author_ids = ArrayField(models.BigIntegerField(), default=list)
    sole = models.BooleanField(default=False)
    rolled_back_to = models.PositiveIntegerField(null=True)

    append_only = True

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant", "number"], name="policy_number_once")]
        indexes = [models.Index(fields=["merchant", "-effective_from", "-number"], name="policy_in_force")]

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"


class DraftState(models.TextChoices):
    OPEN = "open", _("being written")
    ASKED = "asked", _("waits for a colleague")
    PUBLISHED = "published", _("published")
    DISCARDED = "discarded", _("discarded")


class PolicyDraft(models.Model):
    """Rules that somebody is writing, without any effect until a colleague publishes them.

    ``revision`` counts what was saved; ``latest_number`` is the newest version that its writers have seen. ``asked_of`` is the
    colleague who is asked to publish (None: any), ``effective_at`` from when (None: at once).
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="policy_drafts")
    name = models.CharField(max_length=80)
    rules = models.JSONField()
    guides = models.JSONField(default=dict)
    reason = models.CharField(max_length=500, blank=True, default="")
    based_on = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="+")
    latest_number = models.PositiveIntegerField()
    rolled_back_to = models.PositiveIntegerField(null=True)
    revision = models.PositiveIntegerField(default=1)
    author_ids = ArrayField(models.BigIntegerField(), default=list)
    state = models.CharField(max_length=10, choices=DraftState.choices, default=DraftState.OPEN)
    started_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    saved_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    saved_at = models.DateTimeField()
    asked_by = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")
    asked_of = models.ForeignKey(Staff, null=True, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(null=True)
    effective_at = models.DateTimeField(null=True)
    published = models.OneToOneField(PolicyVersion, null=True, on_delete=models.PROTECT, related_name="draft")

    class Meta:
        indexes = [models.Index(fields=["merchant", "state", "-saved_at"], name="policy_drafts")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="published", published__isnull=False)
                | (~models.Q(state="published") & models.Q(published__isnull=True)),
                name="policy_draft_published",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="asked") | models.Q(asked_by__isnull=False, asked_at__isnull=False),
                name="policy_draft_asked",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} #{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in (DraftState.OPEN, DraftState.ASKED)


class PolicyRevision(models.Model):
    """A draft as it was saved once: who wrote what, and what a second writer had before them."""

    draft = models.ForeignKey(PolicyDraft, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    rules = models.JSONField()
    guides = models.JSONField()
    saved_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    saved_at = models.DateTimeField()

    walled_by = "draft"
    append_only = True

    class Meta:
        constraints = [models.UniqueConstraint(fields=["draft", "number"], name="policy_revision_once")]

    def __str__(self) -> str:
        return f"{self.draft_id} r{self.number}"


class PolicyReview(models.Model):
    """Somebody has looked through the policy in force; it is to be looked through again after ``months``."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="policy_reviews")
    version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="reviews")
    months = models.PositiveSmallIntegerField()
    note = models.CharField(max_length=500, blank=True)
    reviewed_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    reviewed_at = models.DateTimeField()

    append_only = True

    class Meta:
        indexes = [models.Index(fields=["merchant", "-reviewed_at"], name="policy_review_latest")]

    def __str__(self) -> str:
        return f"{self.version_id} {self.reviewed_at:%Y-%m-%d}"
