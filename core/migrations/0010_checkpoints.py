"""Checkpoints of the audit chains, signed for holders outside."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0004_audit_notes")]

    operations = [
        # Nobody looks for the beginning of a hash.
        migrations.RunSQL(
            "DROP INDEX core_auditnote_hash_79ab3f4e_like",
            "CREATE INDEX core_auditnote_hash_79ab3f4e_like ON core_auditnote (hash varchar_pattern_ops)",
        ),
        migrations.CreateModel(
            name="AuditCheckpoint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("merchant_id", models.BigIntegerField()),
                ("seq", models.BigIntegerField()),
                ("body", models.TextField()),
                ("signatures", models.JSONField()),
                ("key_id", models.CharField(max_length=16)),
                ("at", models.DateTimeField()),
            ],
            options={"indexes": [models.Index(fields=["merchant_id", "-id"], name="audit_checkpoint_merchant")]},
        ),
    ]
