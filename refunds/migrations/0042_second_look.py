"""Some decisions are looked at a second time, blind."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q

_DECISIONS = [("approve", "Approved"), ("reject", "Rejected"), ("request_info", "Asked for more")]


def _key(to: str, **more: object) -> models.ForeignKey:
    return models.ForeignKey(to=to, on_delete=django.db.models.deletion.PROTECT, **more)


class Migration(migrations.Migration):
    dependencies = [
        ("refunds", "0041_precedents"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SecondLook",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("merchant", _key("merchants.merchant", db_index=False)),
                ("request", _key("refunds.refundrequest", related_name="second_looks")),
                (
                    "approval",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="second_look",
                        to="refunds.approval",
                    ),
                ),
                ("is_override", models.BooleanField()),
                ("picked_at", models.DateTimeField()),
                ("staff", _key(settings.AUTH_USER_MODEL, db_index=False, null=True, related_name="+")),
                ("decision", models.CharField(blank=True, choices=_DECISIONS, max_length=20)),
                ("note", models.TextField(blank=True, max_length=500)),
                ("disagrees", models.BooleanField(default=False)),
                ("answered_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(answered_at=None, staff=None, decision="", disagrees=False)
                        | Q(answered_at__gte=F("picked_at"), staff__isnull=False, decision__in=["approve", "reject"]),
                        name="second_look_answered_by_somebody",
                    )
                ],
                "indexes": [
                    models.Index(
                        fields=["merchant", "picked_at", "id"],
                        name="second_look_open",
                        condition=Q(answered_at=None),
                    ),
                    models.Index(
                        fields=["merchant", "answered_at"],
                        name="second_look_disagrees",
                        condition=Q(disagrees=True),
                    ),
                ],
            },
        ),
    ]
