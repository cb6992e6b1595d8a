from django.db import migrations, models
from django.db.models import Q

import terminals.models.transaction


class Migration(migrations.Migration):
    dependencies = [("merchants", "0098_measured"), ("terminals", "0140_joined_date")]

    operations = [
        migrations.AddField(
            "transaction",
            "payment_no",
            models.CharField(blank=True, db_collation="C", db_default="", default="", max_length=64),
        ),
        migrations.AlterField(
            "transaction",
            "channel_transaction_no",
            terminals.models.transaction.UnknownAsNull(blank=True, db_collation="C", max_length=64, null=True),
        ),
        migrations.AddConstraint(
            "transaction",
            models.CheckConstraint(
                condition=Q(channel_transaction_no__isnull=False) | (~Q(payment_no="") & ~Q(status="success")),
                name="transaction_has_a_number",
            ),
        ),
        migrations.AddConstraint(
            "transaction",
            models.UniqueConstraint(
                fields=["merchant", "payment_no", "channel"], condition=~Q(payment_no=""), name="payment_number_once"
            ),
        ),
    ]
