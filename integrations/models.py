"""Events as other programs read them, and who is called when there is one."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.personal_data import SealedTextField
from merchants.models import Merchant, Store


class FeedPoint(models.Model):
    """How far the audit trail has been put into the feeds, in (txid, id) order. One row; its lock makes one writer."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    txid = models.BigIntegerField(default=0, db_default=0)
    event_id = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="feed_point_single")]

    def __str__(self) -> str:
        return f"{self.txid}/{self.event_id}"


class Feed(models.Model):
    """A merchant's events are numbered 1, 2, 3 ...; this was the last."""

    merchant = models.OneToOneField(Merchant, on_delete=models.PROTECT, primary_key=True, db_constraint=False)
    last_sequence = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.merchant_id}/{self.last_sequence}"


class FeedEvent(models.Model):
    """Something that happened, for programs. ``data`` is thin and holds no personal data.

    ``source`` is the audit event it was made of, ``place`` tells two of one source apart. No ``store``: of the whole merchant.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    sequence = models.BigIntegerField()
    source = models.BigIntegerField()
    place = models.SmallIntegerField()
    type = models.CharField(max_length=60)
    store = models.ForeignKey(Store, on_delete=models.PROTECT, null=True, db_index=False, db_constraint=False)
    object_type = models.CharField(max_length=30)
    object_id = models.CharField(max_length=40)
    version = models.IntegerField(null=True)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "sequence"], name="feed_sequence_once"),
            models.UniqueConstraint(fields=["source", "place"], name="feed_source_once"),
        ]
        indexes = [models.Index(fields=["created_at"], name="feed_created")]

    def __str__(self) -> str:
        return f"{self.type} {self.object_id}"


class Style(models.TextChoices):
    THIN = "thin"
    FULL = "full"


class WebhookEndpoint(models.Model):
    """An address that is called for each event of ``types`` (none: of every type) in its store, or in all.

    After a rotation ``previous_secret`` signs beside the new one until ``previous_until``. ``failures`` counts calls that failed
    since the last that did not, from ``failing_since`` on; nothing is sent before ``paused_until``. ``disabled_at`` with
    ``enabled`` false: given up by the system.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT)
    store = models.ForeignKey(Store, on_delete=models.PROTECT, null=True)
    url = models.CharField(max_length=500)
    types = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    style = models.CharField(max_length=4, choices=Style.choices, default=Style.THIN)
    enabled = models.BooleanField(default=True)
    secret = SealedTextField(purpose="webhook.secret")
    previous_secret = SealedTextField(purpose="webhook.secret")
    previous_until = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    disabled_at = models.DateTimeField(null=True)
    created_by = models.CharField(max_length=80)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.url


class DeliveryState(models.TextChoices):
    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookDelivery(models.Model):
    """One event for one endpoint. Rows with a due time are the queue: ``due_at`` of one that is being sent is when its lease
    expires. ``body`` is made at the first attempt and sent the same ever after; ``log`` has each attempt's end.

    No ``event``: a test.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    event = models.ForeignKey(FeedEvent, on_delete=models.CASCADE, null=True, db_constraint=False)
    webhook_id = models.CharField(max_length=40)
    type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=40)
    sequence = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    body = models.TextField(blank=True)
    log = models.JSONField(default=list)
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["endpoint", "webhook_id"], name="delivery_once")]
        indexes = [
            models.Index(
                fields=["endpoint", "due_at", "sequence"],
                name="delivery_due",
                condition=Q(state__in=["pending", "sending"]),
            ),
            # What is sent before it to the same endpoint about the same thing.
            models.Index(
                fields=["endpoint", "object_id", "sequence"],
                name="delivery_before",
                condition=Q(state__in=["pending", "sending"]),
            ),
            models.Index(fields=["endpoint", "-id"], name="delivery_log"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.webhook_id}"


class RequestLogEntry(models.Model):
    """A call of the API by a key. ``path`` is a template below /api/v1; ``object_id`` the refund or sale that it was about.

    ``repeat``: "" without an Idempotency-Key, else ``first``, ``replayed``, ``conflict`` or ``open`` (nothing was kept).
    ``code`` is the problem's, ``fields`` what it said of which. ``body`` is masked (``integrations.request_log``).
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    key_id = models.BigIntegerField()
    store_id = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=120)
    object_id = models.CharField(max_length=40)
    status = models.SmallIntegerField()
    ms = models.IntegerField()
    repeat = models.CharField(max_length=10)
    code = models.CharField(max_length=60)
    fields = models.CharField(max_length=200)
    request_id = models.CharField(max_length=100)
    body = models.TextField()

    class Meta:
        indexes = [
            models.Index(fields=["merchant", "-at", "-id"], name="request_log_newest"),
            models.Index(fields=["merchant", "-at", "-id"], name="request_log_failed", condition=~Q(code="")),
            BrinIndex(fields=["at"], name="request_log_age", pages_per_range=32),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"


class AlertKind(models.TextChoices):
    DINGTALK = "dingtalk", _("DingTalk")
    FEISHU = "feishu", _("Feishu")
    WECOM = "wecom", _("WeCom")
    EMAIL = "email", _("E-mail")


class AlertAddress(models.Model):
    """Where a merchant's staff, or a provider's support, is told of trouble. ``events`` as ``integrations.alerts`` has them.

    ``address`` is a group robot's address or a mail address, ``secret`` what it signs with. Between ``quiet_from`` and
    ``quiet_until`` (Shanghai) nothing is sent; what happened then follows afterwards. ``last_error`` is why the last call failed.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=AlertKind.choices)
    name = models.CharField(max_length=60)
    language = models.CharField(max_length=10)
    address = SealedTextField(purpose="alert_address.address")
    secret = SealedTextField(purpose="alert_address.secret")
    events = ArrayField(models.CharField(max_length=30))
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    last_error = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Alert(models.Model):
    """Something that an address is told once: ``about`` tells two of one event apart. Over at ``over_at``, so that the next of
    its kind is news again; ``seen_at`` was when it was last so.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    address = models.ForeignKey(AlertAddress, on_delete=models.CASCADE, related_name="alerts", db_index=False)
    event = models.CharField(max_length=30)
    about = models.CharField(max_length=80)
    data = models.JSONField(default=dict)
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    over_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["address", "event", "about"], condition=Q(over_at=None), name="alert_once_while_it_lasts"
            )
        ]
        indexes = [models.Index(fields=["due_at"], name="alert_due", condition=Q(due_at__isnull=False))]

    def __str__(self) -> str:
        return f"{self.event} {self.about}"
