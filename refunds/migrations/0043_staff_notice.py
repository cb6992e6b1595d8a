"""What colleagues tell one another at the desk."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

_KINDS = [("mention", "mentions you"), ("decision_void", "did not take effect: look at it again")]


def _key(to: str, **more: object) -> models.ForeignKey:
    return models.ForeignKey(to=to, on_delete=django.db.models.deletion.PROTECT, db_index=False, **more)


class Migration(migrations.Migration):
    dependencies = [
        ("refunds", "0042_second_look"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="StaffNotice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("merchant", _key("merchants.merchant")),
                ("staff", _key(settings.AUTH_USER_MODEL, related_name="+")),
                ("request", _key("refunds.refundrequest", related_name="+")),
                ("kind", models.CharField(choices=_KINDS, max_length=20)),
                ("by_name", models.CharField(blank=True, max_length=80)),
                ("text", models.CharField(blank=True, max_length=1000)),
                ("at", models.DateTimeField()),
                ("read_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=~Q(kind="mention") | (~Q(by_name="") & ~Q(text="")),
                        name="mention_says_who_and_what",
                    )
                ],
                "indexes": [
                    models.Index(fields=["staff", "at", "id"], name="staff_notice"),
                    models.Index(fields=["staff"], name="staff_notice_unread", condition=Q(read_at=None)),
                ],
            },
        ),
    ]
