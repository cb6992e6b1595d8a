"""API keys may have the scope to confirm payouts made by hand."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("merchants", "0003_parents_stay")]

    operations = [
        migrations.AlterField(
            model_name="apikey",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("transactions:write", "Transactions Write"),
                        ("transactions:read", "Transactions Read"),
                        ("refunds:write", "Refunds Write"),
                        ("refunds:read", "Refunds Read"),
                        ("payouts:write", "Payouts Write"),
                        ("analytics:read", "Analytics Read"),
                        ("webhooks:write", "Webhooks Write"),
                    ],
                    max_length=30,
                ),
                size=None,
            ),
        ),
    ]
