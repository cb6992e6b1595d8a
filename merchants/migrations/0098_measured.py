"""What a channel account's own refunds showed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("merchants", "0080_message_carriers")]

    operations = [
        migrations.AddField("channelaccount", "measured", models.JSONField(db_default={}, default=dict)),
    ]
