"""What keys may do of their scopes, and the switches that stop them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("merchants", "0007_settings")]

    operations = [
        migrations.AddField("apikey", "mandate", models.JSONField(blank=True, db_default={}, default=dict)),
        migrations.AddField("apikey", "stopped_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("merchant", "keys_stopped_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("store", "keys_stopped_at", models.DateTimeField(blank=True, null=True)),
    ]
