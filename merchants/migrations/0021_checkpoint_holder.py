"""Who is mailed the signed checkpoints of a merchant's audit trail."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("merchants", "0020_signatures")]

    operations = [
        migrations.AddField(
            "merchant", "checkpoints_to", models.EmailField(blank=True, db_default="", default="", max_length=254)
        ),
        migrations.AddField("merchant", "checkpoint_mailed_at", models.DateTimeField(blank=True, null=True)),
    ]
