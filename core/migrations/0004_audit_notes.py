"""What people typed stands beside the chained record, from now on."""

from django.db import migrations, models

import core.personal_data


class Migration(migrations.Migration):
    dependencies = [("core", "0003_audit_page")]

    operations = [
        migrations.CreateModel(
            name="AuditNote",
            fields=[
                ("hash", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("merchant_id", models.BigIntegerField()),
                ("object_type", models.CharField(max_length=30)),
                ("object_id", models.CharField(max_length=40)),
                ("nonce", models.BinaryField(max_length=16)),
                ("text", core.personal_data.SealedTextField(blank=True, default="", purpose="audit.note")),
                ("at", models.DateTimeField()),
                ("erased_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["object_id"], name="audit_note_object"),
                    models.Index(
                        fields=["merchant_id", "at"],
                        name="audit_note_there",
                        condition=models.Q(("erased_at__isnull", True)),
                    ),
                ],
            },
        ),
    ]
