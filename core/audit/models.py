"""The audit event and its place in the chain. Both tables only ever grow; triggers refuse everything else."""

from django.db import models
from django.db.models import Func

from core.personal_data import SealedTextField


class CurrentTransactionId(Func):
    """The database transaction that wrote the row: the sealer waits until all older ones have ended."""

    template = "(pg_current_xact_id()::text::bigint)"
    output_field = models.BigIntegerField()


class AuditEvent(models.Model):
    """One act. ``data`` holds no personal data, so that a person can be erased without breaking the chain: of what people
    typed it has hashes (``AuditNote``).

    State changes of a refund request carry ``from_state``, ``to_state`` and the ``version`` they led to.
    """

    id = models.BigAutoField(primary_key=True)
    txid = models.BigIntegerField(db_default=CurrentTransactionId())
    merchant_id = models.BigIntegerField()
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=40, blank=True)
    actor_name = models.CharField(max_length=80, blank=True)
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=30)
    object_id = models.CharField(max_length=40)
    from_state = models.CharField(max_length=20, blank=True)
    to_state = models.CharField(max_length=20, blank=True)
    version = models.IntegerField(null=True)
    data = models.JSONField(default=dict)
    # Written under a key that the database does not have (core/audit/record.py); none on events from before there was one.
    mac = models.BinaryField(max_length=24, null=True, editable=False)

    #: Rows are added and never changed (core/database/rights.py).
    append_only = True

    class Meta:
        indexes = [
            models.Index(fields=["object_id", "id"], name="audit_object"),
            models.Index(fields=["txid", "id"], name="audit_txid"),
            models.Index(fields=["merchant_id", "at", "id"], name="audit_when"),
            # What one person did, and what is about no refund: rare among what tills and channels write.
            models.Index(
                fields=["merchant_id", "actor_id", "at", "id"],
                name="audit_person",
                condition=models.Q(actor_kind="staff"),
            ),
            models.Index(
                fields=["merchant_id", "at", "id"],
                name="audit_beside_refunds",
                condition=~models.Q(object_type="refund_request"),
            ),
        ]
        constraints = [
            # One state change a version: the database itself refuses a second writer.
            models.UniqueConstraint(
                fields=["object_id", "version"], condition=models.Q(version__isnull=False), name="audit_version_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_id}"


class AuditNote(models.Model):
    """A text that somebody typed beside an act: the event has its ``hash``, salted with ``nonce`` (core/audit/notes.py).

    Erased, text and nonce are empty and the row says when.
    """

    hash = models.CharField(max_length=64, primary_key=True)
    merchant_id = models.BigIntegerField()
    object_type = models.CharField(max_length=30)
    object_id = models.CharField(max_length=40)
    nonce = models.BinaryField(max_length=16)
    text = SealedTextField(purpose="audit.note")
    at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["object_id"], name="audit_note_object"),
            models.Index(
                fields=["merchant_id", "at"], name="audit_note_there", condition=models.Q(erased_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.object_type} {self.object_id}"


class AuditLink(models.Model):
    """An event's place in its merchant's chain: ``hash`` is an HMAC over the previous hash and the event.

    ``key_id`` is the fingerprint of the key; empty on links from before there was one, which are plain SHA-256.
    """

    event = models.OneToOneField(AuditEvent, on_delete=models.PROTECT, primary_key=True, related_name="link")
    merchant_id = models.BigIntegerField()
    seq = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)
    key_id = models.CharField(max_length=16, blank=True, default="", db_default="")

    append_only = True

    class Meta:
        constraints = [models.UniqueConstraint(fields=["merchant_id", "seq"], name="audit_link_seq")]

    def __str__(self) -> str:
        return f"{self.merchant_id}/{self.seq}"


class AuditCheckpoint(models.Model):
    """A chain's place and public hash at a moment, signed for holders outside (``core.audit.checkpoints``).

    ``body`` is the text that is signed, ``signatures`` are in hex by public key: of the key with the fingerprint ``key_id`` and,
    where that one took over, of the one before it.
    """

    merchant_id = models.BigIntegerField()
    seq = models.BigIntegerField()
    body = models.TextField()
    signatures = models.JSONField()
    key_id = models.CharField(max_length=16)
    at = models.DateTimeField()

    append_only = True

    class Meta:
        indexes = [models.Index(fields=["merchant_id", "-id"], name="audit_checkpoint_merchant")]

    def __str__(self) -> str:
        return f"{self.merchant_id}/{self.seq}"


class AuditVerification(models.Model):
    """One merchant's whole chain is to be verified, as somebody asked, or was: then with how far it came and what was found.

    ``findings`` are ``[place in the chain, what]``; ``last_seq`` and ``head`` are the last link that was looked at.
    """

    merchant_id = models.BigIntegerField()
    asked_by = models.CharField(max_length=80)
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    last_seq = models.BigIntegerField(default=0)
    head = models.CharField(max_length=64, blank=True)
    findings = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["merchant_id", "-id"], name="audit_verification_merchant")]
        constraints = [
            models.UniqueConstraint(
                fields=["merchant_id"], condition=models.Q(ended_at=None), name="audit_verification_one_waits"
            )
        ]

    def __str__(self) -> str:
        return f"{self.merchant_id} {self.asked_at}"


class AuditSealPoint(models.Model):
    """How far the sealer has come, in (txid, id) order, and up to where heads are written outside the database. One row.

    ``key_id`` is the fingerprint of the key in use: who starts with another key is refused. ``anchored_line`` is the line of
    the heads' file that is known to be safe on disk.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    txid = models.BigIntegerField(default=0, db_default=0)
    event_id = models.BigIntegerField(default=0, db_default=0)
    key_id = models.CharField(max_length=16, blank=True, default="", db_default="")
    anchored_txid = models.BigIntegerField(default=0, db_default=0)
    anchored_event_id = models.BigIntegerField(default=0, db_default=0)
    anchored_line = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="audit_seal_point_single")]

    def __str__(self) -> str:
        return f"{self.txid}/{self.event_id}"
