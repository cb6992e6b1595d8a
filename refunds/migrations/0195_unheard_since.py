"""Since when a channel has given no word that can be believed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("refunds", "0180_promised_by")]

    operations = [
        migrations.AddField("execution", "unheard_since", models.DateTimeField(blank=True, null=True)),
    ]
