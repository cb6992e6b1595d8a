"""What the payer got of a payout, where the channel says it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("refunds", "0006_approvals")]

    operations = [migrations.AddField("execution", "payer_fen", models.BigIntegerField(blank=True, null=True))]
