"""Calls of the API, for those who write its clients."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integrations", "0001_initial"), ("merchants", "0060_sandbox")]

    operations = [
        migrations.CreateModel(
            name="RequestLogEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key_id", models.BigIntegerField()),
                ("store_id", models.BigIntegerField(null=True)),
                ("at", models.DateTimeField()),
                ("method", models.CharField(max_length=8)),
                ("path", models.CharField(max_length=120)),
                ("object_id", models.CharField(max_length=40)),
                ("status", models.SmallIntegerField()),
                ("ms", models.IntegerField()),
                ("repeat", models.CharField(max_length=10)),
                ("code", models.CharField(max_length=60)),
                ("fields", models.CharField(max_length=200)),
                ("request_id", models.CharField(max_length=100)),
                ("body", models.TextField()),
                (
                    "merchant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="merchants.merchant",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["merchant", "-at", "-id"], name="request_log_newest"),
                    models.Index(
                        condition=models.Q(("code", ""), _negated=True),
                        fields=["merchant", "-at", "-id"],
                        name="request_log_failed",
                    ),
                    django.contrib.postgres.indexes.BrinIndex(
                        fields=["at"], name="request_log_age", pages_per_range=32
                    ),
                ],
            },
        ),
    ]
