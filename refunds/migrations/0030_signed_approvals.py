"""How who approved showed that it was them, and what they signed."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("refunds", "0023_follow_up"), ("merchants", "0020_signatures")]

    operations = [
        migrations.AddField("execution", "tag", models.BinaryField(max_length=16, null=True)),
        migrations.AddField(
            "approval", "factor", models.CharField(blank=True, db_default="", default="", max_length=20)
        ),
        migrations.AddField(
            "approval",
            "signature",
            models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, to="merchants.signature"),
        ),
    ]
