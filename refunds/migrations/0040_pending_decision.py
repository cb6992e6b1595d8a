"""Decisions at the desk wait ten seconds before they take effect."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("refunds", "0030_signed_approvals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PendingDecision",
            fields=[
                (
                    "request",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="pending_decision",
                        serialize=False,
                        to="refunds.refundrequest",
                    ),
                ),
                (
                    "decision",
                    models.CharField(
                        choices=[("approve", "Approved"), ("reject", "Rejected"), ("request_info", "Asked for more")],
                        max_length=20,
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("said", models.JSONField()),
                ("decided_at", models.DateTimeField()),
                ("effective_at", models.DateTimeField()),
                (
                    "staff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
    ]
