"""The audit trail and the periodic work."""

from django.db import migrations, models

import core.audit.models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("txid", models.BigIntegerField(db_default=core.audit.models.CurrentTransactionId())),
                ("merchant_id", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("actor_kind", models.CharField(max_length=10)),
                ("actor_id", models.CharField(blank=True, max_length=40)),
                ("actor_name", models.CharField(blank=True, max_length=80)),
                ("action", models.CharField(max_length=60)),
                ("object_type", models.CharField(max_length=30)),
                ("object_id", models.CharField(max_length=40)),
                ("from_state", models.CharField(blank=True, max_length=20)),
                ("to_state", models.CharField(blank=True, max_length=20)),
                ("version", models.IntegerField(null=True)),
                ("data", models.JSONField(default=dict)),
                ("mac", models.BinaryField(max_length=24, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["object_id", "id"], name="audit_object"),
                    models.Index(fields=["txid", "id"], name="audit_txid"),
                    models.Index(fields=["merchant_id", "-id"], name="audit_merchant"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("version__isnull", False)),
                        fields=("object_id", "version"),
                        name="audit_version_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditLink",
            fields=[
                (
                    "event",
                    models.OneToOneField(
                        on_delete=models.PROTECT,
                        primary_key=True,
                        related_name="link",
                        serialize=False,
                        to="core.auditevent",
                    ),
                ),
                ("merchant_id", models.BigIntegerField()),
                ("seq", models.BigIntegerField()),
                ("hash", models.BinaryField(max_length=32)),
                ("key_id", models.CharField(blank=True, db_default="", default="", max_length=16)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("merchant_id", "seq"), name="audit_link_seq")],
            },
        ),
        migrations.CreateModel(
            name="AuditSealPoint",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("txid", models.BigIntegerField(db_default=0, default=0)),
                ("event_id", models.BigIntegerField(db_default=0, default=0)),
                ("key_id", models.CharField(blank=True, db_default="", default="", max_length=16)),
                ("anchored_txid", models.BigIntegerField(db_default=0, default=0)),
                ("anchored_event_id", models.BigIntegerField(db_default=0, default=0)),
                ("anchored_line", models.BigIntegerField(db_default=0, default=0)),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="audit_seal_point_single")],
            },
        ),
        migrations.CreateModel(
            name="PeriodicWork",
            fields=[
                ("task", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("since", models.DateTimeField()),
                ("called_at", models.DateTimeField(null=True)),
                ("taken_up_at", models.DateTimeField(null=True)),
            ],
        ),
    ]
