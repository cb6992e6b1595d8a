"""Evidence may come before its request, may be a PDF, and a photo is known again."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models

KINDS = [
    ("photo", "Photo of the goods"),
    ("receipt", "Receipt"),
    ("witness", "A colleague's word"),
    ("terms", "Agreed terms"),
    ("document", "Document"),
    ("conversation", "Conversation"),
    ("other", "Other"),
]

MERCHANTS = """
UPDATE refunds_evidence e SET merchant_id = r.merchant_id FROM refunds_refundrequest r WHERE r.id = e.request_id;
"""

# The wall was built for rows with a request. Whatever has none is built after every migration.
WALL = """
DROP POLICY IF EXISTS one_merchant ON refunds_evidence;
"""


class Migration(migrations.Migration):
    dependencies = [("refunds", "0007_payer_fen"), ("merchants", "0002_walls")]

    operations = [
        migrations.AddField(
            "evidence",
            "merchant",
            models.ForeignKey(db_index=False, null=True, on_delete=models.PROTECT, to="merchants.merchant"),
        ),
        migrations.RunSQL(MERCHANTS + "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED;"),
        migrations.AlterField(
            "evidence",
            "merchant",
            models.ForeignKey(db_index=False, on_delete=models.PROTECT, to="merchants.merchant"),
        ),
        migrations.AlterField(
            "evidence",
            "request",
            models.ForeignKey(
                null=True, on_delete=models.PROTECT, related_name="evidence", to="refunds.refundrequest"
            ),
        ),
        migrations.AlterField("evidence", "kind", models.CharField(choices=KINDS, max_length=20)),
        migrations.AddField(
            "evidence",
            "look",
            django.contrib.postgres.fields.ArrayField(models.IntegerField(), default=list, size=None),
        ),
        migrations.AddIndex(
            "evidence", django.contrib.postgres.indexes.GinIndex(fields=["look"], name="evidence_look")
        ),
        migrations.AddIndex("evidence", models.Index(fields=["merchant", "sha256"], name="evidence_same_file")),
        migrations.AddIndex(
            "evidence",
            models.Index(fields=["added_at"], name="evidence_sent_ahead", condition=models.Q(request=None)),
        ),
        migrations.RunSQL(WALL),
    ]
