"""Who reported a sale."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("terminals", "0002_tills_stay"), ("merchants", "0005_rights_stores_and_sessions")]

    operations = [
        migrations.AddField("transaction", "reported_by", models.CharField(blank=True, max_length=80)),
        migrations.AddField(
            "transaction",
            "reported_by_key",
            models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="merchants.apikey",
            ),
        ),
    ]
