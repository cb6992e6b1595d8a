"""Why a deposit ends, as whoever asks for its refund says."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("refunds", "0008_evidence_ahead")]

    operations = [migrations.AddField("refundrequest", "deposit", models.JSONField(null=True))]
