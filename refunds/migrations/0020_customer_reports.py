"""What customers report, the cases that come of it, and what a score is about."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

KINDS = [
    ("arrived", "The money is there"),
    ("not_arrived", "The money is not there"),
    ("help", "Asks for help"),
    ("appeal", "Appeals against the rejection"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0005_delegation"),
        ("refunds", "0012_till"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            "survey",
            "reasons",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=20), default=list, size=None
            ),
        ),
        migrations.CreateModel(
            name="CustomerReport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=KINDS, max_length=20)),
                ("words", models.CharField(blank=True, max_length=500)),
                ("said_at", models.DateTimeField()),
                ("proofs", models.JSONField(default=list)),
                ("due_at", models.DateTimeField(null=True)),
                ("outcome", models.CharField(blank=True, max_length=500)),
                ("closed_by", models.CharField(blank=True, max_length=80)),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "merchant",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, to="merchants.merchant"
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="customer_reports",
                        to="refunds.refundrequest",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=Q(due_at__isnull=False, closed_at__isnull=True),
                        fields=["merchant", "due_at", "id"],
                        name="report_open",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=Q(due_at__isnull=False, closed_at__isnull=True),
                        fields=("request", "kind"),
                        name="one_open_report_a_kind",
                    ),
                    models.UniqueConstraint(condition=Q(kind="appeal"), fields=("request",), name="one_appeal"),
                    models.CheckConstraint(
                        condition=Q(closed_at__isnull=True)
                        | Q(due_at__isnull=False) & ~Q(closed_by="") & ~Q(outcome=""),
                        name="report_closes_with_outcome",
                    ),
                ],
            },
        ),
    ]
