"""What changed in the rules of channels and platforms, as the merchant's staff heard of it."""

from django.db import models

from merchants.models.merchant import Merchant
from merchants.models.staff import Staff


class ChannelRuleChange(models.Model):
    """A change of a channel's own rules, from a day on. ``source`` says where it is written."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="channel_rule_changes")
    channel = models.CharField(max_length=20)
    effective_date = models.DateField()
    text = models.CharField(max_length=500)
    source = models.CharField(max_length=300)
    added_by = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()

    append_only = True

    class Meta:
        indexes = [models.Index(fields=["merchant", "-effective_date"], name="channel_rule_changes")]

    def __str__(self) -> str:
        return f"{self.channel} {self.effective_date}"


class ChannelRuleReading(models.Model):
    """Somebody has seen a change."""

    change = models.ForeignKey(ChannelRuleChange, on_delete=models.PROTECT, related_name="readings")
    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="+")
    seen_at = models.DateTimeField()

    walled_by = "change"
    append_only = True

    class Meta:
        constraints = [models.UniqueConstraint(fields=["change", "staff"], name="channel_rule_seen_once")]

    def __str__(self) -> str:
        return f"{self.change_id} {self.staff_id}"
