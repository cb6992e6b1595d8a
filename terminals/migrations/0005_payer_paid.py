"""What the payer paid of a sale with a coupon."""

from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("terminals", "0004_article_group_and_remote")]

    operations = [
        migrations.AddField("transaction", "payer_paid_fen", models.BigIntegerField(blank=True, null=True)),
        migrations.AddConstraint(
            "transaction",
            models.CheckConstraint(
                condition=Q(payer_paid_fen__isnull=True) | Q(payer_paid_fen__gte=0, payer_paid_fen__lte=F("amount_fen")),
                name="transaction_payer_paid_within",
            ),
        ),
    ]
