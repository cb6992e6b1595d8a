"""Many refunds asked for at once."""

import core.personal_data
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0012_mandates"),
        ("refunds", "0020_customer_reports"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RefundBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("checking", "Being checked"),
                            ("ready", "To be confirmed"),
                            ("confirmed", "Confirmed"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="checking",
                        max_length=10,
                    ),
                ),
                ("filed_at", models.DateTimeField()),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("starts_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "api_key",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="merchants.apikey",
                    ),
                ),
                (
                    "confirmed_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "filed_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "merchant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="merchants.merchant"
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="merchants.store",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RefundBatchRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("label", models.CharField(max_length=64)),
                ("amount_fen", models.BigIntegerField(null=True)),
                ("asked", core.personal_data.SealedTextField(blank=True, default="", purpose="refund_batch_row.asked")),
                ("verdict", models.CharField(blank=True, max_length=10)),
                ("code", models.CharField(blank=True, max_length=60)),
                ("errors", models.JSONField(default=list)),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[("", "Open"), ("taken", "Asked for"), ("refused", "Refused"), ("skipped", "Left out")],
                        default="",
                        max_length=10,
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rows",
                        to="refunds.refundbatch",
                    ),
                ),
                (
                    "request",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="batch_row",
                        to="refunds.refundrequest",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="refundbatch",
            index=models.Index(
                condition=models.Q(("state__in", ["checking", "confirmed", "running"])),
                fields=["state", "id"],
                name="refund_batch_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="refundbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("confirmed_by", None),
                    ("filed_by", None),
                    models.Q(("confirmed_by", models.F("filed_by")), _negated=True),
                    _connector="OR",
                ),
                name="batch_confirmed_by_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="refundbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["confirmed", "running", "done"]), _negated=True),
                    models.Q(
                        ("confirmed_at__isnull", False), ("confirmed_by__isnull", False), ("starts_at__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="batch_runs_confirmed",
            ),
        ),
        migrations.AddConstraint(
            model_name="refundbatchrow",
            constraint=models.UniqueConstraint(fields=("batch", "number"), name="batch_row_once"),
        ),
        migrations.AddConstraint(
            model_name="refundbatchrow",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("outcome", "taken"), ("request__isnull", False)),
                    models.Q(models.Q(("outcome", "taken"), _negated=True), ("request", None)),
                    _connector="OR",
                ),
                name="batch_row_taken_once",
            ),
        ),
    ]
