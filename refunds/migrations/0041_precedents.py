"""Refunds that people decided are found by reason and amount."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("refunds", "0040_pending_decision")]

    operations = [
        migrations.AddIndex(
            "refundrequest",
            models.Index(
                fields=["merchant", "reason", "amount_fen", "-decided_at"],
                name="request_decided",
                condition=models.Q(decided_at__isnull=False, by_rule=False),
            ),
        ),
    ]
