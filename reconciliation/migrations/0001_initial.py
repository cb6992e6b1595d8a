"""Channels' statements by day, their lines, the movements of money, and the differences."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("merchants", "0001_initial"),
        ("refunds", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReconciliationDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("merchant", models.ForeignKey(on_delete=models.PROTECT, to="merchants.merchant")),
                ("channel_account", models.ForeignKey(on_delete=models.PROTECT, to="merchants.channelaccount")),
                ("date", models.DateField()),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Not closed"), ("closed", "Day closed")], default="open", max_length=10
                    ),
                ),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("last_error", models.CharField(blank=True, max_length=60)),
                ("last_error_message", models.CharField(blank=True, max_length=300)),
                ("compared_at", models.DateTimeField(blank=True, null=True)),
                ("ours_count", models.PositiveIntegerField(default=0)),
                ("ours_fen", models.BigIntegerField(default=0)),
                ("bill_count", models.PositiveIntegerField(default=0)),
                ("bill_fen", models.BigIntegerField(default=0)),
                ("matched", models.PositiveIntegerField(default=0)),
                ("amount_differs", models.PositiveIntegerField(default=0)),
                ("ours_only", models.PositiveIntegerField(default=0)),
                ("channel_only", models.PositiveIntegerField(default=0)),
                ("pending", models.PositiveIntegerField(default=0)),
                ("open_differences", models.PositiveIntegerField(default=0)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "closed_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=models.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("reopen_note", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["merchant", "-date"], name="day_newest"),
                    models.Index(condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="day_due"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("channel_account", "date"), name="one_day_per_account")
                ],
            },
        ),
        migrations.CreateModel(
            name="Bill",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "day",
                    models.ForeignKey(
                        on_delete=models.PROTECT, related_name="versions", to="reconciliation.reconciliationday"
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                (
                    "source",
                    models.CharField(
                        choices=[("download", "Downloaded"), ("upload", "Uploaded by hand")], max_length=10
                    ),
                ),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.PositiveBigIntegerField()),
                ("refunds", models.PositiveIntegerField()),
                ("refunds_fen", models.BigIntegerField()),
                ("fees_fen", models.BigIntegerField(null=True)),
                ("gap_fen", models.BigIntegerField(default=0)),
                ("merchant_no", models.CharField(blank=True, default="", max_length=64)),
                ("set_aside", models.JSONField(blank=True, default=list)),
                ("set_aside_count", models.PositiveIntegerField(default=0)),
                ("imported_at", models.DateTimeField()),
                (
                    "imported_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=models.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("day", "version"), name="bill_version_once")],
            },
        ),
        migrations.CreateModel(
            name="BillLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "bill",
                    models.ForeignKey(
                        db_index=False, on_delete=models.CASCADE, related_name="lines", to="reconciliation.bill"
                    ),
                ),
                ("line", models.PositiveIntegerField()),
                ("kind", models.CharField(max_length=20)),
                ("order_no", models.CharField(db_collation="C", max_length=64)),
                ("channel_transaction_no", models.CharField(db_collation="C", max_length=64)),
                ("refund_no", models.CharField(db_collation="C", max_length=64)),
                ("channel_refund_no", models.CharField(db_collation="C", max_length=64)),
                ("amount_fen", models.BigIntegerField()),
                ("fee_fen", models.BigIntegerField(null=True)),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                ("succeeded_at", models.DateTimeField(blank=True, null=True)),
                ("state", models.CharField(max_length=40)),
                (
                    "execution",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="bill_lines",
                        to="refunds.execution",
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("matched", "Matched"),
                            ("amount_differs", "Amount differs"),
                            ("ours_only", "Only with us"),
                            ("channel_only", "Only at the channel"),
                            ("pending", "Not known yet"),
                        ],
                        default="channel_only",
                        max_length=20,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["bill", "outcome", "id"], name="bill_line_outcome")],
                "constraints": [
                    models.UniqueConstraint(fields=("bill", "line"), name="bill_line_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("execution__isnull", False)),
                        fields=("execution",),
                        name="execution_on_one_line",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FundStatement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "day",
                    models.OneToOneField(
                        on_delete=models.PROTECT, related_name="funds", to="reconciliation.reconciliationday"
                    ),
                ),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.PositiveBigIntegerField()),
                ("out_count", models.PositiveIntegerField(default=0)),
                ("out_fen", models.BigIntegerField(default=0)),
                ("back_count", models.PositiveIntegerField(default=0)),
                ("back_fen", models.BigIntegerField(default=0)),
                ("fees_back_fen", models.BigIntegerField(default=0)),
                ("set_aside_count", models.PositiveIntegerField(default=0)),
                ("imported_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="FundLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "statement",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=models.CASCADE,
                        related_name="lines",
                        to="reconciliation.fundstatement",
                    ),
                ),
                ("line", models.PositiveIntegerField()),
                (
                    "kind",
                    models.CharField(choices=[("refund", "Paid out"), ("refund_closed", "Came back")], max_length=20),
                ),
                ("refund_no", models.CharField(db_collation="C", max_length=64)),
                ("channel_refund_no", models.CharField(db_collation="C", max_length=64)),
                ("amount_fen", models.BigIntegerField()),
                ("fee_fen", models.BigIntegerField(default=0)),
                ("booked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "execution",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="fund_lines",
                        to="refunds.execution",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("statement", "line"), name="fund_line_once"),
                    models.CheckConstraint(
                        condition=models.Q(("amount_fen__gte", 0)), name="fund_line_says_its_kind_not_by_sign"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Difference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("merchant", models.ForeignKey(on_delete=models.PROTECT, to="merchants.merchant")),
                (
                    "channel_account",
                    models.ForeignKey(db_index=False, on_delete=models.PROTECT, to="merchants.channelaccount"),
                ),
                (
                    "day",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=models.PROTECT,
                        related_name="differences",
                        to="reconciliation.reconciliationday",
                    ),
                ),
                ("number", models.CharField(db_collation="C", max_length=80)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("matched", "Matched"),
                            ("amount_differs", "Amount differs"),
                            ("ours_only", "Only with us"),
                            ("channel_only", "Only at the channel"),
                            ("pending", "Not known yet"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=models.SET_NULL,
                        related_name="differences",
                        to="reconciliation.billline",
                    ),
                ),
                (
                    "execution",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=models.PROTECT,
                        related_name="differences",
                        to="refunds.execution",
                    ),
                ),
                ("ours_fen", models.BigIntegerField(null=True)),
                ("bill_fen", models.BigIntegerField(null=True)),
                ("opened_at", models.DateTimeField()),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=models.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "resolution",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("accepted", "Accepted as it is"),
                            ("corrected", "Corrected on our side"),
                            ("channel_error", "The channel's error, reported"),
                            ("other_system", "Belongs to another system"),
                            ("adopted", "Adopted as a refund"),
                            ("cleared", "Cleared by a later comparison"),
                        ],
                        max_length=20,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=500)),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                (
                    "resolved_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=models.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("resolution", "")),
                        fields=["channel_account", "opened_at"],
                        name="difference_open",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("day", "number"), name="difference_once_a_day"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("resolution", ""), ("resolved_at__isnull", True)),
                            models.Q(models.Q(("resolution", ""), _negated=True), ("resolved_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="difference_resolved_at_some_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("bill_fen__isnull", False), ("kind", "amount_differs"), ("ours_fen__isnull", False)
                            ),
                            models.Q(("bill_fen__isnull", True), ("kind", "ours_only"), ("ours_fen__isnull", False)),
                            models.Q(("bill_fen__isnull", False), ("kind", "channel_only")),
                            _connector="OR",
                        ),
                        name="difference_has_its_sides",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="reconciliationday",
            name="bill",
            field=models.OneToOneField(
                blank=True, null=True, on_delete=models.PROTECT, related_name="+", to="reconciliation.bill"
            ),
        ),
        migrations.AddConstraint(
            model_name="reconciliationday",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("bill__isnull", False),
                        ("closed_at__isnull", False),
                        ("closed_by__isnull", False),
                        ("due_at__isnull", True),
                        ("state", "closed"),
                    ),
                    models.Q(("closed_at__isnull", True), ("closed_by__isnull", True), ("state", "open")),
                    _connector="OR",
                ),
                name="day_closed_by_somebody",
            ),
        ),
    ]
