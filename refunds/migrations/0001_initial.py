"""The life of a refund: requests, decisions, payouts, the ledger, and what is told of it."""

import django.contrib.postgres.indexes
import django_fsm
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

import core.personal_data
import core.quantities


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("merchants", "0001_initial"),
        ("terminals", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="RefundRequest",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.CharField(db_collation="C", max_length=24)),
                (
                    "merchant",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=models.PROTECT, to="merchants.merchant"
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=models.PROTECT, to="merchants.store"
                    ),
                ),
                (
                    "transaction",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=models.PROTECT,
                        related_name="refund_requests",
                        to="terminals.transaction",
                    ),
                ),
                (
                    "terminal",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=models.PROTECT,
                        to="terminals.terminal",
                    ),
                ),
                ("channel", models.CharField(max_length=20)),
                (
                    "state",
                    django_fsm.FSMField(
                        choices=[
                            ("submitted", "Submitted"),
                            ("verifying", "Verifying"),
                            ("needs_info", "More information needed"),
                            ("waiting_goods", "Waiting for the goods"),
                            ("waiting_vendor", "Waiting for the provider"),
                            ("in_review", "In review"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                            ("cancelled", "Cancelled"),
                            ("executing", "Being paid out"),
                            ("unknown", "Outcome unknown"),
                            ("manual_pending", "Manual payout pending"),
                            ("failed", "Payout failed"),
                            ("partially_refunded", "Partly refunded"),
                            ("refunded", "Refunded"),
                            ("follow_up", "Follow-up"),
                            ("closed", "Closed"),
                        ],
                        default="submitted",
                        max_length=20,
                        protected=True,
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1)),
                ("kind", models.CharField(max_length=20)),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("quality", "Quality problem"),
                            ("not_as_described", "Not as described"),
                            ("service_failure", "Service failure"),
                            ("price_adjustment", "Price adjustment"),
                            ("wrong_amount", "Wrong amount"),
                            ("duplicate_charge", "Charged twice"),
                            ("system_fault", "System fault"),
                            ("network_fault", "Network fault"),
                            ("operator_error", "Operator error"),
                            ("customer_cancelled", "Customer cancelled"),
                            ("deposit", "Deposit"),
                            ("no_reason", "Changed their mind"),
                            ("goodwill", "Goodwill"),
                        ],
                        max_length=30,
                    ),
                ),
                ("description", models.TextField(blank=True, max_length=1000)),
                (
                    "route",
                    models.CharField(
                        choices=[
                            ("original", "Original payment method"),
                            ("bank_transfer", "Bank transfer"),
                            ("cash", "Cash"),
                            ("store_credit", "Store credit"),
                        ],
                        default="original",
                        max_length=20,
                    ),
                ),
                ("amount_fen", models.BigIntegerField()),
                ("approved_fen", models.BigIntegerField(null=True)),
                ("reserved_fen", models.BigIntegerField()),
                ("leg_count", models.PositiveSmallIntegerField(default=0)),
                ("refunded_fen", models.BigIntegerField(default=0)),
                (
                    "policy_version",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=models.PROTECT, to="merchants.policyversion"
                    ),
                ),
                ("verdict", models.JSONField()),
                ("tier", models.CharField(max_length=30)),
                ("by_rule", models.BooleanField(default=False)),
                (
                    "staff",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "api_key",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="+",
                        to="merchants.apikey",
                    ),
                ),
                ("cashier", models.CharField(blank=True, max_length=40)),
                (
                    "customer_name",
                    core.personal_data.SealedTextField(blank=True, default="", purpose="request.customer_name"),
                ),
                (
                    "customer_phone",
                    core.personal_data.SealedTextField(blank=True, default="", purpose="request.customer_phone"),
                ),
                ("customer_phone_hash", models.BinaryField(max_length=16, null=True)),
                ("customer_phone_last4_hash", models.BinaryField(max_length=16, null=True)),
                (
                    "customer_email",
                    core.personal_data.SealedTextField(blank=True, default="", purpose="request.customer_email"),
                ),
                ("customer_locale", models.CharField(default="zh-Hans", max_length=10)),
                ("customer_consent", models.BooleanField(null=True)),
                (
                    "claimed_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=models.SET_NULL,
                        related_name="claims",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("claimed_at", models.DateTimeField(blank=True, null=True)),
                ("due_at", models.DateTimeField()),
                ("paused_at", models.DateTimeField(blank=True, null=True)),
                ("step_due_at", models.DateTimeField(blank=True, null=True)),
                (
                    "reject_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("outside_window", "Asked for after the agreed period"),
                            ("goods_used", "The goods were used or damaged by use"),
                            ("no_proof", "The proof of purchase or of the fault is missing"),
                            ("not_covered", "The reason is not covered by the refund rules"),
                            ("already_solved", "Already exchanged, repaired or compensated"),
                            ("suspected_abuse", "The request could not be confirmed"),
                        ],
                        max_length=30,
                    ),
                ),
                ("message_to_customer", models.TextField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("succeeded_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["merchant", "created_at", "id"], name="request_created"),
                    models.Index(fields=["merchant", "state", "created_at", "id"], name="request_state"),
                    models.Index(fields=["merchant", "reason", "created_at", "id"], name="request_reason"),
                    models.Index(
                        fields=["merchant", "store", "created_at", "id"], include=("state",), name="request_store"
                    ),
                    models.Index(
                        condition=models.Q(("cashier", ""), _negated=True),
                        fields=["merchant", "cashier", "created_at", "id"],
                        name="request_cashier",
                    ),
                    models.Index(
                        condition=models.Q(("terminal__isnull", False)),
                        fields=["terminal", "created_at", "id"],
                        name="request_till",
                    ),
                    models.Index(
                        condition=models.Q(("state__in", ["in_review", "needs_info", "failed", "unknown"])),
                        fields=["merchant", "due_at", "id"],
                        name="request_desk",
                    ),
                    models.Index(
                        condition=models.Q(("step_due_at__isnull", False)),
                        fields=["step_due_at"],
                        name="request_step_due",
                    ),
                    models.Index(fields=["transaction"], name="request_transaction"),
                    models.Index(
                        condition=models.Q(("succeeded_at__isnull", False)),
                        fields=["merchant", "succeeded_at", "created_at", "id"],
                        name="request_succeeded",
                    ),
                    models.Index(
                        condition=models.Q(("customer_phone_hash__isnull", False)),
                        fields=["customer_phone_hash"],
                        name="request_phone",
                    ),
                    models.Index(
                        condition=models.Q(("customer_phone_last4_hash__isnull", False)),
                        fields=["merchant", "customer_phone_last4_hash"],
                        name="request_phone_last4",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("number",), name="request_number_once"),
                    models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0)), name="request_amount_positive"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("approved_fen__isnull", True),
                            models.Q(("approved_fen__gt", 0), ("approved_fen__lte", models.F("amount_fen"))),
                            _connector="OR",
                        ),
                        name="request_approved_within_requested",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("reserved_fen", 0), ("state__in", ("cancelled", "failed", "rejected"))),
                            models.Q(
                                models.Q(("state__in", ("cancelled", "failed", "rejected")), _negated=True),
                                ("reserved_fen__gt", 0),
                                ("reserved_fen__lte", models.F("amount_fen")),
                            ),
                            _connector="OR",
                        ),
                        name="request_reserves_what_its_state_says",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("refunded_fen", models.F("reserved_fen")),
                                ("state__in", ("closed", "follow_up", "refunded")),
                                ("succeeded_at__isnull", False),
                            ),
                            models.Q(
                                ("refunded_fen__gt", 0),
                                ("refunded_fen__lt", models.F("reserved_fen")),
                                ("state", "partially_refunded"),
                            ),
                            models.Q(
                                models.Q(
                                    ("state__in", ["closed", "follow_up", "refunded", "partially_refunded"]),
                                    _negated=True,
                                ),
                                ("refunded_fen", 0),
                            ),
                            _connector="OR",
                        ),
                        name="request_paid_when_its_state_says",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "state__in",
                                [
                                    "needs_info",
                                    "waiting_goods",
                                    "waiting_vendor",
                                    "in_review",
                                    "approved",
                                    "rejected",
                                    "cancelled",
                                    "executing",
                                    "unknown",
                                    "manual_pending",
                                    "failed",
                                    "partially_refunded",
                                    "refunded",
                                    "follow_up",
                                    "closed",
                                ],
                            )
                        ),
                        name="request_stored_once_judged",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RefundLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "request",
                    models.ForeignKey(
                        db_index=False, on_delete=models.CASCADE, related_name="lines", to="refunds.refundrequest"
                    ),
                ),
                ("line", models.ForeignKey(on_delete=models.PROTECT, related_name="+", to="terminals.transactionline")),
                ("quantity", core.quantities.QuantityField()),
                ("value_fen", models.BigIntegerField()),
                ("held_quantity", core.quantities.QuantityField()),
                ("held_fen", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("request", "line"), name="refund_line_once"),
                    models.CheckConstraint(condition=models.Q(("quantity__gt", 0)), name="refund_line_positive"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("held_fen__gte", 0),
                            ("held_quantity__in", [0, models.F("quantity")]),
                            ("value_fen__gte", 0),
                        ),
                        name="refund_line_holds_all_or_none",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Approval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "request",
                    models.ForeignKey(
                        db_index=False, on_delete=models.PROTECT, related_name="approvals", to="refunds.refundrequest"
                    ),
                ),
                ("staff", models.ForeignKey(on_delete=models.PROTECT, to=settings.AUTH_USER_MODEL)),
                (
                    "decision",
                    models.CharField(
                        choices=[("approve", "Approved"), ("reject", "Rejected"), ("request_info", "Asked for more")],
                        max_length=20,
                    ),
                ),
                ("tier", models.CharField(max_length=30)),
                ("role", models.CharField(blank=True, db_default="", default="", max_length=20)),
                ("amount_fen", models.BigIntegerField(null=True)),
                ("reason", models.CharField(blank=True, max_length=30)),
                ("note", models.TextField(blank=True, max_length=500)),
                ("version", models.PositiveIntegerField()),
                ("at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["at"], name="approval_at")],
                "constraints": [models.UniqueConstraint(fields=("request", "version"), name="one_decision_a_version")],
            },
        ),
        migrations.CreateModel(
            name="Payee",
            fields=[
                (
                    "request",
                    models.OneToOneField(
                        on_delete=models.PROTECT,
                        primary_key=True,
                        related_name="payee",
                        serialize=False,
                        to="refunds.refundrequest",
                    ),
                ),
                (
                    "merchant",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=models.PROTECT, to="merchants.merchant"
                    ),
                ),
                (
                    "holder_name",
                    core.personal_data.SealedTextField(blank=True, default="", purpose="payee.holder_name"),
                ),
                ("account_no", core.personal_data.SealedTextField(blank=True, default="", purpose="payee.account_no")),
                ("account_last4", models.CharField(max_length=4)),
                ("bank_name", models.CharField(max_length=60)),
                ("recorded_by", models.CharField(max_length=80)),
                ("recorded_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Evidence",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(on_delete=models.PROTECT, related_name="evidence", to="refunds.refundrequest"),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("photo", "Photo of the goods"),
                            ("receipt", "Receipt"),
                            ("conversation", "Conversation"),
                            ("other", "Other"),
                        ],
                        max_length=20,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=200)),
                ("path", models.CharField(max_length=80)),
                ("content_type", models.CharField(max_length=40)),
                ("size", models.PositiveIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("added_by", models.CharField(max_length=80)),
                ("added_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Survey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "request",
                    models.OneToOneField(on_delete=models.PROTECT, related_name="survey", to="refunds.refundrequest"),
                ),
                ("score", models.PositiveSmallIntegerField()),
                ("comment", models.TextField(blank=True, max_length=500)),
                ("at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("score__gte", 1), ("score__lte", 5)), name="survey_score_1_to_5"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Execution",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "merchant",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=models.PROTECT, to="merchants.merchant"
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        db_index=False, on_delete=models.PROTECT, related_name="executions", to="refunds.refundrequest"
                    ),
                ),
                (
                    "transaction",
                    models.ForeignKey(on_delete=models.PROTECT, related_name="executions", to="terminals.transaction"),
                ),
                (
                    "channel_account",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=models.PROTECT, to="merchants.channelaccount"
                    ),
                ),
                ("sequence", models.PositiveSmallIntegerField(default=1)),
                ("attempt_no", models.PositiveSmallIntegerField(default=1)),
                (
                    "method",
                    models.CharField(choices=[("refund", "Refund"), ("void", "Void")], default="refund", max_length=10),
                ),
                ("method_reason", models.CharField(blank=True, max_length=20)),
                ("refund_no", models.CharField(db_collation="C", max_length=64)),
                ("amount_fen", models.BigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("ready", "Ready to send"),
                            ("sending", "Being sent"),
                            ("processing", "Accepted by the channel"),
                            ("unknown", "Outcome unknown"),
                            ("held", "Held: goes on by itself"),
                            ("succeeded", "Paid"),
                            ("failed", "Refused"),
                            ("cancelled", "Cancelled before sending"),
                        ],
                        default="ready",
                        max_length=20,
                    ),
                ),
                ("sends", models.PositiveIntegerField(default=0)),
                ("queries", models.PositiveIntegerField(default=0)),
                ("denials", models.PositiveSmallIntegerField(db_default=0, default=0)),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("first_sent_at", models.DateTimeField(blank=True, null=True)),
                ("last_asked_at", models.DateTimeField(blank=True, null=True)),
                ("channel_refund_no", models.CharField(blank=True, db_collation="C", max_length=64)),
                ("reference_key", models.TextField(blank=True, db_collation="C", db_default="", default="")),
                ("received_account", models.CharField(blank=True, max_length=80)),
                ("succeeded_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("paid_to", models.CharField(blank=True, db_default="", default="", max_length=20)),
                ("second_leg", models.CharField(blank=True, db_default="", default="", max_length=10)),
                ("second_leg_due_at", models.DateTimeField(blank=True, null=True)),
                ("arrives_at", models.DateTimeField(blank=True, null=True)),
                ("paid_after_all_at", models.DateTimeField(blank=True, null=True)),
                ("proof", models.TextField(blank=True)),
                ("proof_source", models.CharField(blank=True, max_length=10)),
                ("failure_code", models.CharField(blank=True, max_length=60)),
                ("failure_message", models.CharField(blank=True, max_length=300)),
                ("failure_retry", models.CharField(blank=True, max_length=20)),
                ("failure_remedy", models.CharField(blank=True, max_length=30)),
                ("needs_attention", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at", "id"], name="execution_due"
                    ),
                    models.Index(fields=["request"], name="execution_request"),
                    models.Index(
                        condition=models.Q(("second_leg_due_at__isnull", False)),
                        fields=["second_leg_due_at"],
                        name="execution_second_leg",
                    ),
                    django.contrib.postgres.indexes.BrinIndex(
                        autosummarize=True, fields=["first_sent_at"], name="execution_sent_brin", pages_per_range=32
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("refund_no", "channel_account"), name="refund_no_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("channel_refund_no", ""), _negated=True),
                        fields=("channel_refund_no", "channel_account"),
                        name="channel_refund_no_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("reference_key", ""), _negated=True),
                        fields=("channel_account", "reference_key"),
                        name="reference_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["failed", "cancelled"]), _negated=True),
                        fields=("request", "sequence"),
                        name="one_live_execution",
                    ),
                    models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0)), name="execution_amount_positive"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "succeeded"), _negated=True),
                            models.Q(
                                models.Q(("proof", ""), _negated=True),
                                models.Q(("channel_refund_no", ""), _negated=True),
                                ("succeeded_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="execution_success_has_proof",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("due_at__isnull", True),
                                ("ended_at__isnull", False),
                                ("state__in", ("cancelled", "failed", "succeeded")),
                            ),
                            models.Q(
                                models.Q(("state__in", ("cancelled", "failed", "succeeded")), _negated=True),
                                ("due_at__isnull", False),
                                ("ended_at__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="execution_open_has_due_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ChannelNotice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "channel_account",
                    models.ForeignKey(db_index=False, on_delete=models.PROTECT, to="merchants.channelaccount"),
                ),
                ("event_id", models.CharField(max_length=80)),
                ("refund_no", models.CharField(max_length=64)),
                ("outcome", models.JSONField()),
                ("received_at", models.DateTimeField()),
                ("applied_at", models.DateTimeField(blank=True, null=True)),
                ("effect", models.CharField(blank=True, max_length=30)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("applied_at__isnull", True)), fields=["id"], name="notice_unapplied"
                    ),
                    models.Index(fields=["refund_no"], name="notice_refund_no"),
                ],
                "constraints": [models.UniqueConstraint(fields=("channel_account", "event_id"), name="notice_once")],
            },
        ),
        migrations.CreateModel(
            name="Leg",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sequence", models.PositiveSmallIntegerField()),
                (
                    "route",
                    models.CharField(
                        choices=[
                            ("original", "Original payment method"),
                            ("bank_transfer", "Bank transfer"),
                            ("cash", "Cash"),
                            ("store_credit", "Store credit"),
                        ],
                        default="original",
                        max_length=20,
                    ),
                ),
                ("amount_fen", models.BigIntegerField()),
                ("reserved_fen", models.BigIntegerField()),
                ("refunded_fen", models.BigIntegerField(default=0)),
                ("why", models.CharField(max_length=30)),
                (
                    "request",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="legs",
                        to="refunds.refundrequest",
                    ),
                ),
                (
                    "transaction",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="legs", to="terminals.transaction"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("request", "sequence"), name="leg_sequence_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount_fen__gt", 0),
                            models.Q(
                                models.Q(("refunded_fen", 0), ("reserved_fen", 0)),
                                ("reserved_fen", models.F("amount_fen")),
                                _connector="OR",
                            ),
                            models.Q(("refunded_fen", 0), ("refunded_fen", models.F("amount_fen")), _connector="OR"),
                        ),
                        name="leg_holds_all_or_nothing",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "merchant",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=models.PROTECT, to="merchants.merchant"
                    ),
                ),
                (
                    "channel_account",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=models.PROTECT, to="merchants.channelaccount"
                    ),
                ),
                (
                    "execution",
                    models.ForeignKey(
                        db_index=False, on_delete=models.PROTECT, related_name="ledger_entries", to="refunds.execution"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("payout", "Refund paid"),
                            ("fee", "Fee of the refunded part"),
                            ("compensation", "Compensation paid"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "account",
                    models.CharField(
                        choices=[
                            ("refunds_payable", "Refunds payable"),
                            ("channel_clearing", "Channel clearing"),
                            ("channel_fees", "Channel fees"),
                            ("fees_lost", "Fees lost to refunds"),
                            ("compensation", "Compensation"),
                        ],
                        max_length=20,
                    ),
                ),
                ("amount_fen", models.BigIntegerField()),
                ("booked_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("account", "fees_lost"), ("kind", "fee")),
                        fields=["execution"],
                        include=("amount_fen",),
                        name="ledger_fees_lost",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("execution", "kind", "account"), name="ledger_posted_once"),
                    models.CheckConstraint(
                        condition=models.Q(("amount_fen", 0), _negated=True), name="ledger_amount_not_zero"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OutboxMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "merchant",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=models.PROTECT, to="merchants.merchant"
                    ),
                ),
                ("topic", models.CharField(max_length=60)),
                ("request_id", models.UUIDField()),
                ("version", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[("pending", "Pending"), ("delivered", "Delivered"), ("dead", "Dead")],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("due_at", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
                ("delivered_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("state", "pending")), fields=["due_at", "id"], name="outbox_due")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("request_id", "version"), name="outbox_once_a_version")
                ],
            },
        ),
        migrations.CreateModel(
            name="Notification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "merchant",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=models.PROTECT, to="merchants.merchant"
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=models.PROTECT,
                        related_name="notifications",
                        to="refunds.refundrequest",
                    ),
                ),
                ("event", models.CharField(max_length=30)),
                ("version", models.PositiveIntegerField()),
                ("medium", models.CharField(choices=[("email", "E-mail"), ("sms", "SMS")], max_length=10)),
                ("locale", models.CharField(max_length=10)),
                (
                    "recipient",
                    core.personal_data.SealedTextField(blank=True, default="", purpose="notification.recipient"),
                ),
                ("masked_recipient", models.CharField(max_length=120)),
                (
                    "state",
                    models.CharField(
                        choices=[("pending", "Waiting"), ("sent", "Sent"), ("dead", "Given up")],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("receipt", models.CharField(blank=True, max_length=120)),
                ("last_error", models.CharField(blank=True, max_length=300)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["merchant", "created_at", "id"], name="notification_created"),
                    models.Index(
                        condition=models.Q(("state", "dead")),
                        fields=["merchant", "created_at", "id"],
                        name="notification_dead",
                    ),
                    models.Index(
                        condition=models.Q(("state", "pending")), fields=["due_at", "id"], name="notification_due"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("request", "event", "version", "medium"), name="notification_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="RunningSum",
            fields=[
                ("key", models.TextField(db_collation="C", primary_key=True, serialize=False)),
                (
                    "merchant",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=models.PROTECT, to="merchants.merchant"
                    ),
                ),
                ("kind", models.CharField(max_length=10)),
                ("day", models.DateField()),
                ("count", models.IntegerField(default=0)),
                ("fen", models.BigIntegerField(default=0)),
                ("asked_fen", models.BigIntegerField(default=0)),
                ("count_limit", models.BigIntegerField(null=True)),
                ("fen_limit", models.BigIntegerField(null=True)),
                ("closed", models.BooleanField(default=False)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("count_limit__isnull", True), ("count__lte", models.F("count_limit")), _connector="OR"
                            ),
                            models.Q(("fen_limit__isnull", True), ("fen__lte", models.F("fen_limit")), _connector="OR"),
                        ),
                        name="running_sum_within_limit",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="IdempotencyRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("principal", models.CharField(max_length=40)),
                ("key", models.CharField(max_length=255)),
                ("fingerprint", models.BinaryField(max_length=32)),
                ("status", models.PositiveSmallIntegerField()),
                ("body", models.TextField()),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "indexes": [models.Index(fields=["created_at"], name="idempotency_created")],
                "constraints": [models.UniqueConstraint(fields=("principal", "key"), name="idempotency_key_once")],
            },
        ),
    ]
